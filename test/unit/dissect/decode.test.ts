/** Quoted-printable and uuencode, and views onto them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeView } from "../../../src/dissect/decode.ts";
import { decodeQ, decodeQuotedPrintable } from "../../../src/dissect/quoted-printable.ts";
import { decodeUuencode, findUuFiles } from "../../../src/dissect/uuencode.ts";

const qp = (text: string): string => decodeQuotedPrintable(Buffer.from(text, "latin1")).toString("latin1");
const uu = (text: string): string => decodeUuencode(Buffer.from(text, "latin1")).toString("latin1");
const find = (text: string) => findUuFiles(Buffer.from(text, "latin1"), 0, text.length);

test("quoted-printable: escapes of either case, and soft line breaks", () => {
  assert.equal(qp("=C3=a9 =\r\nau=\nlait"), "\xc3\xa9 aulait");
});

test("quoted-printable: blanks at the end of a line go, encoded ones stay", () => {
  assert.equal(qp("a \t\r\nb=20\r\nc =\r\n d  \n e  "), "a\r\nb \r\nc  d\n e");
});

test("quoted-printable: wrong escapes stay as they are", () => {
  assert.equal(qp("=zz =4 = =@ 1=1"), "=zz =4 = =@ 1=1");
});

test("quoted-printable: a soft break may have blanks and CRs in front of its LF, and may end the text", () => {
  assert.equal(qp("a= \t\r\nb=\r\r\nc="), "abc");
});

test("quoted-printable: line ends and raw 8-bit octets are kept", () => {
  assert.equal(qp("a\nb\r\nc\rd\xe9\0"), "a\nb\r\nc\rd\xe9\0");
});

test("the Q encoding knows underscores and keeps blanks at the end", () => {
  assert.equal(decodeQ("a_b=20c_ ").toString(), "a b c  ");
});

test("uuencode: decodes a file between begin and end, line by line", () => {
  assert.equal(uu('begin 644 x\n#86)C\n"9&4 \n`\nend\nafter'), "abcde");
  assert.equal(uu('text before\r\nbegin 644 x\r\n#86)C\r\n"9&4 \r\n`\r\nend\r\n'), "abcde");
});

test("uuencode: data without begin is data, and blanks that a relay cut off count as zeros", () => {
  assert.equal(uu("#86)C\n"), "abc");
  assert.equal(uu("begin 644 x\n#86$\nend\n"), "aa\0");
});

test("uuencode: a length that the line does not have makes nothing up", () => {
  assert.ok(uu("M\n".repeat(1000)).length <= 3000);
});

test("uuencode: files in a text have a name, an extent and an encoding", () => {
  const { files } = find("hello\nbegin 644 a b.txt\n#86)C\nend\nbegin-base64 755 c.bin\naGVsbG8=\n====\nbye\n");
  assert.deepEqual(
    files.map(({ name, encoding, open }) => ({ name, encoding, open })),
    [
      { name: "a b.txt", encoding: "uuencode", open: false },
      { name: "c.bin", encoding: "base64", open: false },
    ],
  );
});

test("uuencode: sentences that begin with begin are no files", () => {
  assert.deepEqual(
    find("begin 1999 was good\nbegin 644 name\nNot data, since it is too long for its length: {}~\n").files,
    [],
  );
});

test("a view decodes its own octets only, and ends with the message", () => {
  const message = Buffer.from("xxaGVsbG8=yy");
  const view = (offset: number, length: number, encoding: "identity" | "base64") =>
    decodeView(message, { offset, length, encoding }).toString();
  assert.equal(view(2, 8, "base64"), "hello");
  assert.equal(view(10, 2, "identity"), "yy");
  assert.equal(view(10, 2000, "identity"), "yy");
});
