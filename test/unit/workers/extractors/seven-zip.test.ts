import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import type { InspectLimits } from "../../../../src/core/job.ts";
import { createPurse } from "../../../../workers/budget.ts";
import { Stop } from "../../../../workers/extractors/extractor.ts";
import { sevenZipExtractor } from "../../../../workers/extractors/seven-zip.ts";
import { sampleBytes } from "../../../support/attachment-fixtures.ts";
import { collect } from "../../../support/extraction.ts";
import { attachment, generousLimits } from "../../../support/part.ts";

const MiB = 2 ** 20;
const sevenZ = "application/x-7z-compressed";
const open = (bytes: Buffer, ...types: readonly string[]) => collect(sevenZipExtractor, bytes, { types });
const sample = (name: string) => sampleBytes(`container/${name}`);
const whys = (closed: readonly { readonly why: string }[]) => closed.map(({ why }) => why);

function bounded(bytes: Buffer, type: string, limits: Partial<InspectLimits>) {
  const purse = createPurse({ ...generousLimits, ratio: 100_000, ...limits });
  let given = 0;
  const found: string[] = [];
  let why: string | null = null;
  try {
    for (const item of sevenZipExtractor.extract(
      attachment(bytes, { types: [type] }),
      bytes,
      purse.container(bytes.length),
    )) {
      if ("declaredTypes" in item) given += item.bytes.length;
      if ("why" in item) found.push(item.why);
    }
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    why = error.why;
  }
  return { given, found, why, spent: purse.spent };
}

test("an encrypted archive tells the names of its files; with encrypted names it tells nothing", () => {
  const { members, closed } = open(sample("encrypted.7z"), sevenZ);
  assert.deepEqual(members, []);
  assert.deepEqual(
    closed.map(({ names, why }) => [names[0], why]),
    [
      ["eicar.com", "encrypted"],
      ["sub/notes.txt", "encrypted"],
      ["見積書.txt", "encrypted"],
    ],
  );
  assert.equal(open(sample("encrypted-names.7z"), sevenZ).stop?.why, "encrypted");
});

test("names in CP932 are read as such where the format does not tell, also with a backslash made a slash", () => {
  for (const [name, type] of [
    ["cp932.cab", "application/vnd.ms-cab-compressed"],
    ["cp932.cpio", "application/x-cpio"],
  ] as const)
    assert.equal(open(sample(name), type).members[0]?.names[0], "申込書.exe");
});

test("an archive behind other octets is found; several are all opened; what is behind is a member", () => {
  const [one, two] = [sample("lzma2.7z"), sample("ppmd.7z")];
  assert.equal(open(Buffer.concat([Buffer.alloc(5000, 1), one]), sevenZ).members.length, 3);
  const both = open(Buffer.concat([one, two]), sevenZ);
  assert.equal(both.members.length, 6);
  const trailing = open(Buffer.concat([one, Buffer.from("something else")]), sevenZ);
  assert.equal(trailing.members.at(-1)?.text, "something else");
  assert.deepEqual(trailing.odd, ["medium archive.trailing"]);
});

test("a damaged file comes out as far as it goes, and the archive is malformed", () => {
  const archive = sample("copy.7z");
  archive[archive.indexOf("EICAR")] = 0x2e;
  const { members, closed } = open(archive, sevenZ);
  assert.equal(members.length, 3);
  assert.deepEqual(whys(closed), ["malformed"]);
});

test("a cut archive, or one of something else, is malformed", () => {
  for (const type of [sevenZ, "application/vnd.rar", "application/x-arj", "application/x-vhd", "application/x-rpm"]) {
    const { stop, members } = open(Buffer.from("7z\xbc\xaf'\x1c nothing Rar!\x1a\x07\x01 nothing", "latin1"), type);
    assert.deepEqual([stop?.why, members], ["malformed", []], type);
  }
});

test("an image whose trees show different files to different readers says so", () => {
  const image = sample("joliet.iso");
  // The primary tree comes first: its EICAR.COM is made to lie a block further on.
  const record = image.indexOf("EICAR.COM;1") - 33;
  const place = image.readUInt32LE(record + 2) + 1;
  image.writeUInt32LE(place, record + 2);
  image.writeUInt32BE(place, record + 6);
  const { members, odd } = open(image, "application/x-iso9660-image");
  assert.ok(members.length > 3);
  assert.deepEqual(odd, ["medium archive.contradiction"]);
});

test("a bomb ends within the budget, as a limit", () => {
  const bomb = zstdCompressSync(Buffer.alloc(200 * MiB));
  const limits = { bytes: 40 * MiB, memberBytes: 10 * MiB };
  const { given, found, why, spent } = bounded(bomb, "application/zstd", limits);
  assert.deepEqual([given, found, why], [0, ["limit"], "limit"]);
  assert.ok(spent.bytes <= limits.bytes);
});

test("more than fits into memory at once comes in several runs, each file once", () => {
  const files = Array.from({ length: 6 }, (_, index) => Buffer.alloc(8 * MiB, index));
  const { members } = open(archiveOf(files), "application/x-archive");
  assert.deepEqual(
    members.map(({ names, text }) => [names[0], text.length, text.charCodeAt(0)]),
    files.map((_, index) => [`f${index}`, 8 * MiB, index]),
  );
});

/** ar(5) */
function archiveOf(files: readonly Buffer[]): Buffer {
  const entries = files.map((data, index) =>
    Buffer.concat([
      Buffer.from(
        `${`f${index}/`.padEnd(16)}${"0".padEnd(12)}0     0     100644  ${String(data.length).padEnd(10)}\`\n`,
      ),
      data,
    ]),
  );
  return Buffer.concat([Buffer.from("!<arch>\n"), ...entries]);
}
