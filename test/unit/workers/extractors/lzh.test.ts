import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { lzh } from "../../../../fixtures/make-lzh.ts";
import { lzhExtractor } from "../../../../workers/extractors/lzh.ts";
import { collect } from "../../../support/extraction.ts";

const levels = [0, 1, 2, 3] as const;
/** 申込書.exe: the second octet of the first character is a backslash. */
const cp932 = Buffer.from("905c8d9e8f912e657865", "hex");

/** 60 lines as jLHA 0.1.6 packs them. */
const packed: readonly (readonly [method: string, base64: string])[] = [
  [
    "lh5",
    "KwAtbGg1LacAAAB3BwAAbHACayACL8EABQAAN8wMAAFub3Rlcy50eHQAAACRU3Gh1KPVzgDrBQNtsC8E/xfshEglAoPI7e/gAAQALapZOuLb8pxvzdP3xO7/+806t6+395NVz1dFXTV2tXbVd4q7zVy6F4N1BwoOVB0oO1B4oPVB8oP2B+2MdwfsD9gfsD9gfsD9gfsD9wfuD98bcA/cH7g/cH7g/cH7g/gH8A/gH8Y58g/gH8A/gH8A/gH8g/kH8g/kH848dA/kH8g/kH8g/1B+AA==",
  ],
  [
    "lh6",
    "KwAtbGg2LacAAAB3BwAAbHACayACL8EABQAAh9YMAAFub3Rlcy50eHQAAACRU3Gh1KPVzgDrBQNtsC8E/xfshEglAoPI7e+wAAIAFtUsnXFt+U435un74nd//eadW9fb+8mq56uirpq7Wrtqu8Vd5q5dC8G6g4UHKg6UHag8UHqg+UH7A/bGO4P2B+wP2B+wP2B+wP2B+4P3B++NuAfuD9wfuD9wfuD9wfwD+AfwD+Mc+QfwD+AfwD+AfwD+QfyD+QfyD+ceOgfyD+QfyD+Qf6g/AA==",
  ],
  [
    "lh7",
    "KwAtbGg3LacAAAB3BwAAbHACayACL8EABQAAFh8MAAFub3Rlcy50eHQAAACRU3Gh1KPVzgDrBQNtsC8E/xfshEglAoPI7e+wAAIAFtUsnXFt+U435un74nd//eadW9fb+8mq56uirpq7Wrtqu8Vd5q5dC8G6g4UHKg6UHag8UHqg+UH7A/bGO4P2B+wP2B+wP2B+wP2B+4P3B++NuAfuD9wfuD9wfuD9wfwD+AfwD+Mc+QfwD+AfwD+AfwD+QfyD+QfyD+ceOgfyD+QfyD+Qf6g/AA==",
  ],
];

for (const level of levels) {
  test(`level ${level}: a name in CP932 is decoded before anything is split at its backslash`, () => {
    const { members, closed, odd, stop } = collect(lzhExtractor, lzh([{ name: cp932, data: "program" }], level));
    assert.equal(members[0]?.names[0], "申込書.exe");
    assert.equal(members[0]?.text, "program");
    assert.deepEqual([closed, odd, stop], [[], [], null]);
  });

  test(`level ${level}: a wrong checksum of the content is malformed, and the content given`, () => {
    const { members, closed } = collect(lzhExtractor, lzh([{ name: "a", data: "abc", lie: { crc: 1 } }], level));
    assert.equal(members[0]?.text, "abc");
    assert.deepEqual(
      closed.map(({ why }) => why),
      ["malformed"],
    );
  });

  test(`level ${level}: files behind the end mark are found, and readers would differ`, () => {
    const archive = Buffer.concat([
      lzh([{ name: "a", data: "first" }], level),
      lzh([{ name: "b", data: "second" }], level),
    ]);
    const { members, odd } = collect(lzhExtractor, archive);
    assert.deepEqual(
      members.map(({ text }) => text),
      ["first", "second"],
    );
    assert.deepEqual(odd, ["high lzh.contradiction"]);
  });
}

test("a header with a wrong sum, which some readers skip, is read, and readers would differ", () => {
  for (const level of [0, 1] as const) {
    const { members, odd } = collect(lzhExtractor, lzh([{ name: "a.exe", data: "program", lie: { sum: 0 } }], level));
    assert.deepEqual([members.length, odd], [1, ["high lzh.contradiction"]]);
  }
});

test("folders come from their field; a name in UTF-16 is a further candidate, a second name a contradiction", () => {
  for (const level of [1, 2, 3] as const) {
    const folder = Buffer.concat([Buffer.from("sub"), Buffer.from([0xff])]);
    const plain = collect(lzhExtractor, lzh([{ name: "a.txt", folder, wideName: "見積書.txt", data: "x" }], level));
    assert.deepEqual(plain.members[0]?.names, ["sub/a.txt", "sub/見積書.txt"]);
    assert.deepEqual(plain.odd, []);
    const two = collect(lzhExtractor, lzh([{ name: "a.txt", secondName: "a.exe", data: "x" }], level));
    assert.deepEqual(two.members[0]?.names, ["a.txt", "a.exe"]);
    assert.deepEqual(two.odd, ["high lzh.contradiction"]);
  }
});

test("the packed methods give what was packed", () => {
  for (const [method, base64] of packed) {
    const { members, closed } = collect(lzhExtractor, Buffer.from(base64, "base64"));
    assert.equal(
      hash("sha256", members[0]?.text ?? ""),
      "5a3d9dfb5adbf564f7f7d86f636789a94c3450385a50f615f56e5e71d32d3fdd",
      method,
    );
    assert.deepEqual(closed, [], method);
  }
});

test("an unknown method is unsupported, by its name; other data behind the end are a member", () => {
  const { closed } = collect(lzhExtractor, lzh([{ name: "a.exe", data: "xyz", method: "-lh1-" }], 2));
  assert.deepEqual(closed, [{ names: ["a.exe"], why: "unsupported", text: "Compressed with -lh1-", sealed: 3 }]);
  const { members, odd } = collect(
    lzhExtractor,
    Buffer.concat([lzh([], 0).subarray(1), lzh([{ name: "a", data: "x" }], 0), Buffer.from("something else")]),
  );
  assert.deepEqual([members.map(({ text }) => text), odd], [["x", "something else"], ["medium lzh.trailing"]]);
});

test("a size of 4 GiB is not believed: what is there comes out, and it is malformed", () => {
  const [, base64 = ""] = packed[0] ?? [];
  const archive = Buffer.from(base64, "base64");
  archive.writeUInt32LE(0xffffffff, 11);
  const { members, closed } = collect(lzhExtractor, archive);
  assert.equal(members.length, 1);
  assert.deepEqual(
    closed.map(({ why }) => why),
    ["malformed"],
  );
});
