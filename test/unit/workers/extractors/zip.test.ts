import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateRawSync, zstdCompressSync } from "node:zlib";
import { jpeg } from "../../../../fixtures/documents.ts";
import { type ZipFile, type ZipShape, zip } from "../../../../fixtures/make.ts";
import { createPurse } from "../../../../workers/budget.ts";
import { Stop } from "../../../../workers/extractors/extractor.ts";
import { zipExtractor } from "../../../../workers/extractors/zip.ts";
import { attachment, generousLimits } from "../../../support/part.ts";
import { collect } from "../../../support/extraction.ts";

const open = (files: readonly ZipFile[], shape?: ZipShape) => collect(zipExtractor, zip(files, shape));
const two: readonly ZipFile[] = [
  { name: "a.txt", data: "first" },
  { name: "b/c.txt", data: "second", store: true },
];

test("stored and deflated files come out in the order of the directory", () => {
  const { members, closed, odd } = open(two);
  assert.deepEqual(members, [
    { names: ["a.txt"], text: "first" },
    { names: ["b/c.txt"], text: "second" },
  ]);
  assert.deepEqual([closed, odd], [[], []]);
});

test("data descriptors, zip64, a comment and octets in front change nothing", () => {
  for (const shape of [{ zip64: true }, { comment: "a comment" }, { before: jpeg() }, { after: Buffer.from("\r\n") }]) {
    const { members, closed, odd } = open(
      two.map((file) => ({ ...file, streamed: true })),
      shape,
    );
    assert.deepEqual(
      [members.map(({ text }) => text), closed, odd],
      [["first", "second"], [], []],
      JSON.stringify(shape),
    );
  }
});

test("offsets that count the octets in front are understood too", () => {
  const before = Buffer.from("some stub");
  const archive = zip(two, { before });
  const end = archive.length - 22;
  archive.writeUInt32LE(archive.readUInt32LE(end + 16) + before.length, end + 16);
  for (let at = archive.indexOf("PK\x01\x02"); at >= 0; at = archive.indexOf("PK\x01\x02", at + 4))
    archive.writeUInt32LE(archive.readUInt32LE(at + 42) + before.length, at + 42);
  const { members, odd } = collect(zipExtractor, archive);
  assert.deepEqual([members.map(({ text }) => text), odd], [["first", "second"], []]);
});

test("folders are no members", () => {
  assert.deepEqual(open([{ name: "folder/", data: "", store: true }, ...two]).members.length, 2);
});

test("an encrypted file is closed, with its name and its octets as they lie", () => {
  const { members, closed } = open([
    { name: "plan.exe", data: "x", password: "secret" },
    { name: "a.txt", data: "first" },
  ]);
  assert.deepEqual(
    closed.map(({ names, why, sealed }) => [names, why, sealed]),
    [[["plan.exe"], "encrypted", 15]],
  );
  assert.deepEqual(
    members.map(({ text }) => text),
    ["first"],
  );
});

test("a method that nobody knows is unsupported", () => {
  const { closed } = open([{ name: "a.txt", data: "first", store: true, lie: { method: 97 } }]);
  assert.deepEqual(
    closed.map(({ names, why, text }) => [names, why, text]),
    [[["a.txt"], "unsupported", "Compressed with WavPack"]],
  );
});

test("Zstandard is opened; cut or with a wrong size it is malformed, and what there is comes out", () => {
  const text = "first and second ".repeat(20);
  const data = zstdCompressSync(text);
  const lie = { method: 93, size: text.length, crc: crc32(text) };
  const { members, closed } = open([{ name: "a.txt", data, store: true, lie }]);
  assert.deepEqual([members, closed], [[{ names: ["a.txt"], text }], []]);
  const wrong = open([{ name: "a.txt", data, store: true, lie: { ...lie, crc: 1 } }]);
  assert.equal(wrong.members[0]?.text, text);
  assert.deepEqual(
    wrong.closed.map(({ why }) => why),
    ["malformed"],
  );
  const none = open([{ name: "a.txt", data: "no such data", store: true, lie }]);
  assert.equal(none.members[0]?.text, "no such data");
  assert.deepEqual(
    none.closed.map(({ why }) => why),
    ["malformed"],
  );
});

test("a Zstandard bomb is cut off at its limit", () => {
  const data = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  const { members, closed } = open([{ name: "a", data, store: true, lie: { method: 93, size: 10, crc: 0 } }]);
  assert.equal(members.length + closed.length > 0, true);
  assert.ok(members.every(({ text }) => text.length <= 16 * 1024 * 1024));
  assert.ok(closed.length > 0);
});

test("names without the mark of UTF-8 are read as CP932 and CP437; with it only as UTF-8", () => {
  const [one] = open([{ name: Buffer.from("905c8d9e8f912e657865", "hex"), data: "x" }]).members;
  assert.deepEqual(one?.names, ["申込書.exe", "É\\ì₧Åæ.exe"]);
  const [marked] = open([{ name: "申込書.exe", data: "x", utf8: true }]).members;
  assert.deepEqual(marked?.names, ["申込書.exe"]);
  const [unmarked] = open([{ name: "é.txt", data: "x" }]).members;
  assert.equal(unmarked?.names[0], "é.txt");
});

test("the Unicode path of the extra field is a candidate", () => {
  const path = Buffer.from("本当.exe");
  const extra = Buffer.concat([Buffer.from([0x75, 0x70, path.length + 5, 0, 1, 0, 0, 0, 0]), path]);
  assert.deepEqual(open([{ name: "plain.txt", data: "x", extra }]).members[0]?.names, ["本当.exe", "plain.txt"]);
});

test("files that the directory keeps quiet about are read, and it is said", () => {
  const { members, odd } = open([...two, { name: "hidden.exe", data: "third", hidden: true }]);
  assert.deepEqual(
    members.map(({ text }) => text),
    ["first", "second", "third"],
  );
  assert.deepEqual(odd, ["high zip.contradiction"]);
});

test("two archives in a row are both read", () => {
  const { members, odd } = collect(zipExtractor, Buffer.concat([zip([{ name: "x.exe", data: "third" }]), zip(two)]));
  assert.deepEqual(members.map(({ text }) => text).sort(), ["first", "second", "third"]);
  assert.deepEqual(odd, ["high zip.contradiction"]);
});

test("an archive inside the comment is read", () => {
  const archive = zip(two, { after: zip([{ name: "x.exe", data: "third" }], { withoutDirectory: true }) });
  assert.deepEqual(
    collect(zipExtractor, archive).members.map(({ text }) => text),
    ["first", "second", "third"],
  );
});

test("without a directory the local headers do", () => {
  const { members, odd } = open(
    two.map((file) => ({ ...file, streamed: true })),
    { withoutDirectory: true },
  );
  assert.deepEqual(
    members.map(({ text }) => text),
    ["first", "second"],
  );
  assert.deepEqual(odd, ["high zip.contradiction"]);
});

test("an archive that is stored in an archive is one member, not opened twice", () => {
  const { members, odd } = open([{ name: "inner.zip", data: zip(two), store: true }]);
  assert.deepEqual([members.length, odd], [1, []]);
});

test("both names are candidates when the headers differ", () => {
  const { members, odd } = open([{ name: "a.txt", localName: "a.exe", data: "first" }]);
  assert.deepEqual(members[0]?.names, ["a.txt", "a.exe"]);
  assert.deepEqual(odd, ["high zip.contradiction"]);
});

test("both readings are given when the headers declare different methods", () => {
  const archive = zip([{ name: "a.txt", data: "first" }]);
  archive.writeUInt16LE(0, archive.indexOf("PK\x01\x02") + 10);
  const { members, odd } = collect(zipExtractor, archive);
  assert.ok(members.some(({ text }) => text === "first"));
  assert.deepEqual(odd, ["high zip.contradiction"]);
});

test("what claims to be stored and is deflated is given both ways (VU#976247)", () => {
  const packed = deflateRawSync(Buffer.from("first"));
  const { members, closed } = open([{ name: "a.txt", data: packed, store: true, lie: { size: 5, crc: 1 } }]);
  assert.deepEqual(
    members.map(({ text }) => text),
    [packed.toString(), "first"],
  );
  assert.deepEqual(
    closed.map(({ why }) => why),
    ["malformed"],
  );
});

test("a size that is too small does not hide the rest of a file", () => {
  const { members, closed } = open([{ name: "a.txt", data: "first ".repeat(100), lie: { compressedSize: 4 } }]);
  assert.equal(members[0]?.text, "first ".repeat(100));
  assert.deepEqual(
    closed.map(({ why }) => why),
    ["malformed"],
  );
});

test("a wrong checksum, a cut stream and damaged data are malformed, and give what they can", () => {
  const wrong = open([{ name: "a.txt", data: "first", lie: { crc: 1 } }]);
  assert.deepEqual([wrong.members[0]?.text, wrong.closed[0]?.why], ["first", "malformed"]);
  const noise = open([{ name: "a.txt", data: Buffer.alloc(40, 0xff), store: true, lie: { method: 8 } }]);
  assert.deepEqual([noise.members.length, noise.closed[0]?.why], [1, "malformed"]);
  const cut = collect(zipExtractor, zip([{ name: "a.txt", data: "first ".repeat(4000) }]).subarray(0, 60));
  assert.deepEqual([cut.members[0]?.text.startsWith("first"), cut.closed[0]?.why], [true, "malformed"]);
});

test("a file that is only flagged as encrypted in one header is read by the other", () => {
  const archive = zip([{ name: "a.txt", data: "first" }]);
  archive.writeUInt16LE(1, archive.indexOf("PK\x01\x02") + 8);
  const { members, closed, odd } = collect(zipExtractor, archive);
  assert.deepEqual([members[0]?.text, closed[0]?.why, odd], ["first", "encrypted", ["high zip.contradiction"]]);
});

test("one file that is larger than the limit is closed, and the others go on", () => {
  const files = [
    { name: "large.bin", data: Buffer.alloc(20 * 1024 * 1024) },
    { name: "a.txt", data: "first" },
  ];
  const { members, closed } = collect(zipExtractor, zip(files, { after: Buffer.alloc(400_000) }));
  assert.deepEqual(
    closed.map(({ names, why }) => [names, why]),
    [[["large.bin"], "limit"]],
  );
  assert.deepEqual(
    members.map(({ text }) => text),
    ["first"],
  );
});

test("too many files are a Stop, after those that there was room for", () => {
  const archive = zip(Array.from({ length: 20 }, (_, index) => ({ name: `${index}.txt`, data: "x" })));
  const purse = createPurse({ ...generousLimits, members: 5 });
  const seen: unknown[] = [];
  assert.throws(
    () => {
      for (const item of zipExtractor.extract(attachment(archive), archive, purse)) seen.push(item);
    },
    (error) => error instanceof Stop && error.why === "limit",
  );
  assert.equal(seen.length, 5);
});

test("wants what is a zip inside, and what is called one and has a local header somewhere", () => {
  const archive = zip(two);
  const wants = (types: readonly string[], name: string, bytes: Buffer) =>
    zipExtractor.wants(attachment(bytes, { types, names: [name] }), bytes);
  assert.equal(wants(["application/zip"], "", archive), true);
  assert.equal(wants(["application/vnd.openxmlformats-officedocument.wordprocessingml.document"], "", archive), true);
  assert.equal(wants(["application/octet-stream"], "report.docx", Buffer.concat([Buffer.from("junk"), archive])), true);
  assert.equal(wants(["application/octet-stream"], "report.docx", Buffer.from("junk")), false);
  assert.equal(wants(["image/jpeg"], "photo.jpg", jpeg()), false);
});
