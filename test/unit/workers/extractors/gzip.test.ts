import assert from "node:assert/strict";
import { test } from "node:test";
import { deflatedZeros, gzip } from "../../../../fixtures/make.ts";
import { gzipExtractor } from "../../../../workers/extractors/gzip.ts";
import { collect } from "../../../support/extraction.ts";

test("the file comes out under the name in the header, and under the outer one without its ending", () => {
  const { members, closed, odd } = collect(gzipExtractor, gzip("a note", "note.txt"), { names: ["other.txt.gz"] });
  assert.deepEqual(members, [{ names: ["note.txt", "other.txt"], text: "a note" }]);
  assert.deepEqual([closed, odd], [[], []]);
});

test("a .tgz holds a .tar, an .svgz an .svg", () => {
  for (const [outer, inner] of [
    ["a.tgz", "a.tar"],
    ["b.svgz", "b.svg"],
    ["c.csv.gz", "c.csv"],
    ["plain", undefined],
  ] as const)
    assert.equal(collect(gzipExtractor, gzip("x"), { names: [outer] }).members[0]?.names[0], inner);
});

test("several members are one file, as every reader takes them (CVE-2012-1461)", () => {
  const { members } = collect(gzipExtractor, Buffer.concat([gzip("first "), gzip("second"), Buffer.alloc(512)]));
  assert.deepEqual(
    members.map(({ text }) => text),
    ["first second"],
  );
});

test("what stands behind the end is a member of its own, and odd", () => {
  const { members, odd } = collect(gzipExtractor, Buffer.concat([gzip("first"), Buffer.from("something else")]));
  assert.deepEqual(
    members.map(({ text }) => text),
    ["first", "something else"],
  );
  assert.deepEqual(odd, ["medium gzip.trailing"]);
});

test("a cut or damaged file is malformed, and gives what it can", () => {
  const whole = gzip("a note ".repeat(5000));
  const cut = collect(gzipExtractor, whole.subarray(0, -20));
  assert.deepEqual([cut.members[0]?.text.startsWith("a note"), cut.closed[0]?.why], [true, "malformed"]);
  const wrong = Buffer.from(gzip("a note"));
  wrong.writeUInt32LE(1, wrong.length - 8);
  assert.deepEqual(collect(gzipExtractor, wrong).closed[0]?.why, "malformed");
  const noise = Buffer.concat([whole.subarray(0, 10), Buffer.alloc(40, 0xff)]);
  assert.deepEqual(collect(gzipExtractor, noise).closed[0]?.why, "malformed");
});

test("optional fields of the header are skipped", () => {
  const plain = gzip("a note");
  const head = Buffer.from(plain.subarray(0, 10));
  head[3] = 4 | 8 | 16 | 2;
  const fields = Buffer.from("\x03\0abcname.txt\0comment\0\0\0", "latin1");
  assert.deepEqual(collect(gzipExtractor, Buffer.concat([head, fields, plain.subarray(10)])).members, [
    { names: ["name.txt"], text: "a note" },
  ]);
});

test("more than there is room for is closed as limit", () => {
  const bomb = Buffer.concat([gzip("").subarray(0, 10), deflatedZeros(64), Buffer.alloc(8)]);
  const { members, closed, stop } = collect(gzipExtractor, bomb, { names: ["zeros.bin.gz"] });
  assert.deepEqual([members, stop?.why ?? closed[0]?.why], [[], "limit"]);
});
