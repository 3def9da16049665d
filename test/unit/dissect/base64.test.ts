/** Base64 as mail has it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64, eachBase64, firstPadding } from "../../../src/dissect/base64.ts";

const decoded = (text: string): string => decodeBase64(Buffer.from(text, "latin1")).bytes.toString("latin1");
/** Three megabytes, so that several slices are needed. */
const large = Buffer.alloc(3_000_001, "some octets that do not repeat at a power of two;");
const wrapped = (octets: Buffer, width: number, end = "\r\n"): string =>
  (octets.toString("base64").match(new RegExp(`.{1,${width}}`, "g")) ?? []).join(end);

test("decodes whole groups, and the rest with and without padding", () => {
  assert.equal(decoded("aGVsbG8="), "hello");
  assert.equal(decoded("aGVsbG8"), "hello");
  assert.equal(decoded("aGVsbA=="), "hell");
  assert.equal(decoded("aGVsbA="), "hell");
  assert.equal(decoded(""), "");
  assert.equal(decoded("a"), "");
});

test("ignores blanks and line ends wherever they are", () => {
  assert.equal(decoded(" aG\r\nVs\tbG\n\n8 = "), "hello");
});

test("drops octets that are not of the alphabet, the URL alphabet's too, and counts them", () => {
  const { bytes, junk } = decodeBase64(Buffer.from("aG!V-s_bG.8=\0\xff", "latin1"));
  assert.equal(bytes.toString(), "hello");
  assert.equal(junk, 6);
});

test("starts again after padding, and counts how often", () => {
  const { bytes, restarts } = decodeBase64(Buffer.from("aGVsbA==\r\nbyB3b3I=\r\nbGQ="));
  assert.equal(bytes.toString(), "hello world");
  assert.equal(restarts, 2);
  assert.equal(decodeBase64(Buffer.from("aGVsbG8=\r\n\r\n")).restarts, 0);
});

for (const [width, end] of [
  [76, "\r\n"],
  [6, "\r\n"],
  [77, "\n"],
  [9_000_000, ""],
] as const)
  test(`decodes several slices of lines of ${width} characters`, () => {
    const { bytes, junk, restarts } = decodeBase64(Buffer.from(wrapped(large, width, end)));
    assert.ok(bytes.equals(large));
    assert.deepEqual([junk, restarts], [0, 0]);
  });

test("one foreign octet in the middle of several slices changes nothing but the count", () => {
  const text = wrapped(large, 76);
  const { bytes, junk } = decodeBase64(Buffer.from(`${text.slice(0, 2_000_001)}*${text.slice(2_000_001)}`));
  assert.ok(bytes.equals(large));
  assert.equal(junk, 1);
});

test("a group may be cut by any number of blanks, over the border of slices", () => {
  assert.equal(decoded(`aG${" ".repeat(500_000)}Vs${"\r\n".repeat(200_000)}bG8=`), "hello");
});

test("what is padded at the end of a slice is a restart for the next one", () => {
  const first = Buffer.alloc(98_303).toString("base64");
  assert.equal(first.length, 128 * 1024);
  assert.equal(decodeBase64(Buffer.from(`${first.slice(0, -4)}AA==aGVsbG8=`)).restarts, 1);
});

test("slices come one after the other in the same memory", () => {
  const seen: number[] = [];
  eachBase64(Buffer.from(wrapped(large, 76)), (octets) => seen.push(octets.length));
  assert.ok(seen.length > 10);
  assert.equal(
    seen.reduce((a, b) => a + b, 0),
    large.length,
  );
});

test("finds where a reader stops that takes padding for the end", () => {
  assert.equal(firstPadding(Buffer.from("aGVsbA==\r\nbyB3")), 8);
  assert.equal(firstPadding(Buffer.from("aGVsbA==\r\n")), null);
  assert.equal(firstPadding(Buffer.from("aGVs")), null);
});
