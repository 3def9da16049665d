/** Header blocks, clean and not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHeader, valuesOf } from "../../../src/dissect/header.ts";

const parse = (text: string, limit?: number) => parseHeader(Buffer.from(text, "latin1"), limit);
const fields = (text: string): readonly string[] => parse(text).fields.map(({ name, value }) => `${name}=${value}`);

test("reads fields, unfolds them, and finds the body", () => {
  const text = "Subject: a\r\n\tb\r\nX-Y:z\r\n\r\nbody: no field\r\n";
  assert.deepEqual(fields(text), ["subject=a\tb", "x-y=z"]);
  const { bodyStart, oddities, unread } = parse(text);
  assert.equal(text.slice(bodyStart), "body: no field\r\n");
  assert.deepEqual([oddities.size, unread], [0, 0]);
});

test("an empty line at the start is an empty header", () => {
  assert.equal(parse("\r\nSubject: body\r\n").bodyStart, 2);
  assert.equal(parse("\nSubject: body\n").bodyStart, 1);
  assert.deepEqual(fields("\r\nSubject: body\r\n"), []);
});

test("LF ends lines too, and an earlier empty line wins", () => {
  assert.deepEqual(fields("A: 1\nB: 2\n\nC 3\r\n\r\n"), ["a=1", "b=2"]);
  assert.equal(parse("A: 1\n\nbody").bodyStart, 6);
});

for (const [what, text] of [
  ["a blank in front of the colon", "Content-Type : x\r\n\r\n"],
  ["a NUL in front of the colon", "Content-Type\0: x\r\n\r\n"],
  ["an indented first line", " Content-Type: x\r\n\r\n"],
  ["a byte order mark", "\xef\xbb\xbfContent-Type: x\r\n\r\n"],
] as const)
  test(`takes a field with ${what}, and says so`, () => {
    assert.deepEqual(fields(text), ["content-type=x"]);
    assert.equal(parse(text).oddities.size, 1);
  });

test("a bare CR is taken for a line end, and said", () => {
  assert.deepEqual(fields("X: y\rContent-Type: z\r\n\r\n"), ["x=y", "content-type=z"]);
  assert.ok([...parse("X: y\rZ: z\r\n\r\n").oddities.keys()].some((text) => text.includes("CR")));
});

test("a parameter whose fold lost its blank is put back", () => {
  assert.deepEqual(fields("Content-Type: a/b;\r\nname=x.zip\r\nTo: c\r\n\r\n"), [
    "content-type=a/b; name=x.zip",
    "to=c",
  ]);
});

test("a mailbox line is no oddity, other lines without a field are", () => {
  assert.equal(parse("From a@b Mon Nov  2 09:00:00 2026\r\nTo: c\r\n\r\n").oddities.size, 0);
  assert.equal(parse("To: c\r\nwhat is this\r\nCc: d\r\n\r\n").oddities.size, 1);
});

test("text where a header should be is the body", () => {
  assert.equal(parse("just text\r\n\r\nmore\r\n").bodyStart, 0);
  assert.equal(parse("--b\r\nContent-Type: x\r\n\r\n").bodyStart, 0);
  assert.equal(parse("just text").bodyStart, 0);
});

test("without an empty line the body starts at the first line that is no field", () => {
  const text = "To: a\r\n b\r\nhello, world\r\nmore\r\n";
  assert.equal(text.slice(parse(text).bodyStart), "hello, world\r\nmore\r\n");
  assert.equal(parse("To: a\r\nCc: b").bodyStart, 12);
});

test("reads no more than the limit, says how much is left, and still finds the body", () => {
  const text = `A: 1\r\n${"B: 2\r\n".repeat(100)}\r\nbody`;
  const { fields: read, unread, bodyStart } = parse(text, 60);
  assert.equal(read.length, 10);
  assert.equal(unread, text.length - 6 - 60);
  assert.equal(text.slice(bodyStart), "body");
  assert.ok(parse("A: 1\r\n".repeat(100), 60).unread > 0);
});

test("keeps every one of several fields, in order", () => {
  assert.deepEqual(valuesOf(parse("A: 1\r\nB: x\r\na: 2\r\n\r\n").fields, "a"), ["1", "2"]);
});

for (const [what, text, body] of [
  ["a line of blanks", "A: 1\r\n \t\r\nContent-Type: x\r\n\r\nbody", "Content-Type: x\r\n\r\nbody"],
  [
    "a line that is no field",
    "A: 1\r\nno field\r\nContent-Type: x\r\n\r\nbody",
    "no field\r\nContent-Type: x\r\n\r\nbody",
  ],
  ["LF LF in front of fields and CRLF CRLF", "A: 1\n\nContent-Type: x\r\n\r\nbody", "body"],
  ["CR CR", "A: 1\r\n\rContent-Type: x\r\n\r\nbody", "Content-Type: x\r\n\r\nbody"],
] as const)
  test(`some readers end the header elsewhere at ${what}; fields behind are doubtful`, () => {
    const { otherStarts, fields: read } = parse(text);
    assert.deepEqual(
      otherStarts.map((start) => text.slice(start)),
      [body],
    );
    assert.deepEqual(
      read.map(({ name, doubtful }) => [name, doubtful]),
      [
        // A bare CR leaves no field without doubt.
        ["a", what === "CR CR"],
        ["content-type", true],
      ],
    );
  });

test("a field of MIME within a fold is one for some readers, the names that a signature lists are none", () => {
  assert.deepEqual(fields("A: 1\r\n\tContent-Transfer-Encoding: base64\r\n\r\n"), [
    "a=1\tContent-Transfer-Encoding: base64",
    "content-transfer-encoding=base64",
  ]);
  assert.equal(
    parse("DKIM-Signature: h=From:\r\n\tContent-Type:Content-Transfer-Encoding:To; b=x\r\n\r\n").fields.length,
    1,
  );
});
