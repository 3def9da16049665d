import assert from "node:assert/strict";
import { test } from "node:test";
import { cmsCompressed, der, mapiProperties, mboxOf, tnef, tnefAttribute } from "../../../fixtures/make-capsules.ts";
import { deflatedZeros, gzip, nestedZip, overlappingZip, tar, zeroBomb, zip } from "../../../fixtures/make.ts";
import type { InspectLimits } from "../../../src/core/job.ts";
import { examiner, incompleteOf } from "../../support/attachment-fixtures.ts";
import { attachment } from "../../support/part.ts";

const mebibyte = 1024 * 1024;
const limits: InspectLimits = {
  members: 2000,
  bytes: 64 * mebibyte,
  memberBytes: 16 * mebibyte,
  depth: 16,
  ratio: 200,
};
const { examine } = await examiner();

/** Examines, and says what stayed incomplete; fails if it took more time, memory or octets than the budget grants. */
async function explode(bytes: Buffer): Promise<readonly string[]> {
  const before = process.memoryUsage().rss;
  const report = await examine(attachment(bytes), bytes, {}, limits);
  assert.ok(report.spent.bytes <= limits.bytes, `${report.spent.bytes} octets`);
  assert.ok(report.spent.members <= limits.members);
  assert.ok(report.spent.ms < 5000, `${report.spent.ms} ms`);
  assert.ok(process.memoryUsage().rss - before < 200 * mebibyte, "memory");
  return incompleteOf(report);
}

test("4 GiB of zeros in a zip that declares ten octets end as limit", async () => {
  assert.deepEqual(
    (await explode(zeroBomb(4096))).filter((line) => line.endsWith("limit")),
    ["/1 zip limit"],
  );
});

test("4 GiB of zeros in a gzip end as limit", async () => {
  const bomb = Buffer.concat([gzip("").subarray(0, 10), deflatedZeros(4096), Buffer.alloc(8)]);
  assert.ok((await explode(bomb)).some((line) => line.endsWith("gzip limit")));
});

test("zips within zips, 16 a level and the same at each place, are opened once a level", async () => {
  const bomb = nestedZip(6, 16, Buffer.alloc(mebibyte));
  assert.ok((await examine(attachment(bomb), bomb, {}, limits)).members.length < 200);
});

test("zips within zips that all differ end as limit", async () => {
  const leaf = (index: number) => zip([{ name: "zeros.bin", data: Buffer.alloc(mebibyte, index) }]);
  const middle = (index: number) =>
    zip(Array.from({ length: 16 }, (_, inner) => ({ name: `${inner}.zip`, data: leaf((index * 16 + inner) % 256) })));
  const bomb = zip(Array.from({ length: 16 }, (_, index) => ({ name: `${index}.zip`, data: middle(index) })));
  assert.ok((await explode(bomb)).includes("zip limit"));
});

test("files that overlap end as limit, and the overlap is found", async () => {
  const bomb = overlappingZip(250, 1);
  assert.ok((await explode(bomb)).includes("zip limit"));
  const small = overlappingZip(5, 1);
  const { outcomes } = await examine(attachment(small), small, {}, { ...limits, ratio: 10_000 });
  assert.ok(
    outcomes.some(
      (outcome) =>
        outcome.kind === "found" &&
        outcome.findings.some(({ rule, text }) => rule === "zip.contradiction" && text.includes("overlap")),
    ),
  );
});

test("an archive of twenty thousand files ends at the limit", async () => {
  const files = zip(Array.from({ length: 20_000 }, () => ({ name: "a", data: "x", store: true })));
  assert.deepEqual(await explode(files), ["zip limit"]);
});

test("a tar of empty files, a tar of nothing but link headers", async () => {
  const empty = tar(Array.from({ length: 5000 }, (_, index) => ({ name: `${index}`, data: "" })));
  assert.ok((await explode(empty)).includes("tar limit"));
  const links = tar(Array.from({ length: 20_000 }, (_, index) => ({ name: `${index}`, data: "", type: "2" })));
  assert.deepEqual(await explode(links), []);
});

test("nothing but marks of local headers", async () => {
  const marks = Buffer.alloc(8 * mebibyte, "PK\x03\x04");
  const started = performance.now();
  await examine(attachment(marks), marks, {}, limits);
  assert.ok(performance.now() - started < 5000);
});

test("streams that are damaged after much output are paid for", async () => {
  const damaged = Buffer.concat([deflatedZeros(15).subarray(0, -2), Buffer.from([0xff, 0xff])]);
  const files = Array.from({ length: 1500 }, (_, index) => ({
    name: `${index}`,
    data: damaged,
    store: true,
    lie: { method: 8 },
  }));
  const report = await explode(zip(files));
  assert.ok(report.includes("zip malformed"));
  assert.ok(report.includes("zip limit"));
});

test("compressed S/MIME of zeros ends as limit", async () => {
  assert.deepEqual(await explode(cmsCompressed(Buffer.alloc(64 * mebibyte))), ["cms limit"]);
});

test("elements of indefinite length a hundred thousand deep, and strings in pieces of nothing", async () => {
  const deep = Buffer.concat([Buffer.from("308006092a864886f70d010702", "hex"), Buffer.alloc(200_000, "a080", "hex")]);
  await explode(deep);
  const nothings = der(0x24, Buffer.alloc(mebibyte / 2, "0400", "hex"), true);
  const info = der(0x30, [Buffer.from("06092a864886f70d010701", "hex"), der(0xa0, nothings)]);
  const signed = der(0x30, [der(2, Buffer.of(1)), der(0x31, Buffer.alloc(0)), info]);
  const object = der(0x30, [Buffer.from("06092a864886f70d010702", "hex"), der(0xa0, signed)]);
  assert.deepEqual(await explode(object), ["cms malformed"]);
});

test("TNEF with attachments, contents of one attachment, or properties by the thousand", async () => {
  const begin = tnefAttribute(2, 0x00069002, Buffer.alloc(0));
  const content = (index: number) => tnefAttribute(2, 0x0006800f, Buffer.from(`${index}`));
  const many = Array.from({ length: 5000 }, (_, index) => Buffer.concat([begin, content(index)]));
  const capsule = Buffer.concat([tnef([]), ...many]);
  const report = await examine(attachment(capsule), capsule, {}, { ...limits, members: 100 });
  assert.deepEqual([report.members.length, incompleteOf(report).at(-1)], [100, "tnef limit"]);
  const one = Array.from({ length: 5000 }, (_, index) => content(index % 100));
  await explode(Buffer.concat([tnef([]), begin, ...one]));
  const properties = Array.from({ length: 5000 }, () => ({ id: 0x3707, kind: 0x1e, value: Buffer.from("x") }));
  await explode(Buffer.concat([tnef([]), begin, tnefAttribute(2, 0x00069005, mapiProperties(properties))]));
});

test("a mail folder of a hundred thousand messages ends as limit", async () => {
  const folder = Buffer.from(mboxOf(Array.from({ length: 100_000 }, (_, index) => `Subject: ${index}\n\nx`)));
  const report = await examine(attachment(folder), folder, {}, { ...limits, members: 100 });
  assert.deepEqual([report.members.length, incompleteOf(report).at(-1)], [100, "mbox limit"]);
});
