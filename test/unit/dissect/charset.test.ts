/** Charsets that mail has, declared and raw. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBytes, rawReadings } from "../../../src/dissect/charset.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const octets = (text: string): Buffer => Buffer.from(text, "latin1");

const declared: readonly (readonly [string, Buffer, string])[] = [
  ["iso-2022-jp", octets("\x1b$B?=9~=q\x1b(B.exe"), "申込書.exe"],
  ["ISO-2022-JP-MS", octets("\x1b$B-!-j|b\x1b(B"), "①㈱髙"],
  ["cp50221", octets("\x1b(I1C2\x1b(B \x0e1\x0f"), "ｱﾃｲ ｱ"],
  ["iso-2022-jp-1", octets("\x1b$(D0!\x1b(B"), "丂"],
  ["iso-2022-jp-2", octets('\x1b$A7"F1\x1b$(C0!\x1b.A\x1bNi\x1b(B'), "发票가é"],
  ["iso-2022-jp-3", octets("\x1b$(O?=\x1b(B"), "申"],
  ["iso-2022-kr", octets("\x1b$)C\x0e<[@e\x0f.pdf"), "송장.pdf"],
  ["hz-gb-2312", octets('~{7"F1~}.pdf ~~'), "发票.pdf ~"],
  ["Shift_JIS", hex("90 5c 8d 9e 8f 91 87 40 fb fc b1"), "申込書①髙ｱ"],
  ["windows-31j", hex("95 5c"), "表"],
  ["x-sjis", hex("ee e0"), "髙"],
  ["EUC-JP", hex("bf bd b9 fe bd f1 8e b1 8f b0 a1"), "申込書ｱ丂"],
  ["gb2312", hex("b7 a2 c6 b1"), "发票"],
  ["gb18030", hex("b7 a2 81 30 81 30"), "发\u0080"],
  ["big5", hex("b5 6f b2 bc"), "發票"],
  ["ks_c_5601-1987", hex("bc db c0 e5 8c 63"), "송장똠"],
  ["koi8-r", hex("f3 de a3 d4"), "Счёт"],
  ["windows-1251", hex("d1 f7 b8 f2"), "Счёт"],
  ["iso-8859-1", hex("80 fc"), "€ü"],
  ["utf-7", octets("+MEI-.txt"), "あ.txt"],
  ["utf-8", hex("e8 a1 a8"), "表"],
  ["utf-16le", hex("68 88"), "表"],
  ["utf-8*ja", hex("e8 a1 a8"), "表"],
  ['"utf-8"', hex("e8 a1 a8"), "表"],
];

for (const [label, bytes, text] of declared)
  test(`decodes ${label}: ${text}`, () => {
    assert.equal(decodeBytes(bytes, label), text);
  });

test("an unknown or false label falls back to what the octets look like", () => {
  assert.equal(decodeBytes(hex("e8 a1 a8"), "x-nobody-knows"), "表");
  assert.equal(decodeBytes(hex("e8 a1 a8"), "us-ascii"), "表");
  assert.equal(decodeBytes(octets("6869"), "hex"), "6869");
});

test("what cannot be decoded becomes U+FFFD and hides nothing behind it", () => {
  assert.equal(decodeBytes(octets("\x1b$B?\x1b(B.exe"), "iso-2022-jp"), "\ufffd.exe");
  assert.equal(decodeBytes(octets("\x1b[31m.exe"), "iso-2022-jp"), "\ufffd[31m.exe");
  assert.equal(decodeBytes(octets("\x1b$B?=\n.exe"), "iso-2022-jp"), "申\n.exe");
  assert.ok(decodeBytes(octets("\x1b$B\xbf\xbd\x1b(B"), "iso-2022-jp").includes("申"));
});

test("raw octets: UTF-8 wherever they can be UTF-8", () => {
  assert.deepEqual(rawReadings(Buffer.from("請求書.pdf")), ["請求書.pdf"]);
});

test("raw octets: Shift_JIS, EUC-JP and JIS names are recognised", () => {
  assert.equal(rawReadings(hex("90 bf 8b 81 8f 91 2e 70 64 66"))[0], "請求書.pdf");
  assert.equal(rawReadings(hex("c0 c1 b5 e1 bd f1 2e 70 64 66"))[0], "請求書.pdf");
  assert.equal(rawReadings(octets("\x1b$B@A5a=q\x1b(B.pdf"))[0], "請求書.pdf");
});

test("raw octets: accents of Western names are not taken for kanji", () => {
  for (const name of ["Übersicht.pdf", "résumé.doc", "Größe.xls"])
    assert.equal(rawReadings(Buffer.from(name, "latin1"))[0], name);
});

test("raw octets: the part's own charset goes first, the others stay candidates", () => {
  const readings = rawReadings(hex("b7 a2 c6 b1"), "gb2312");
  assert.equal(readings[0], "发票");
  assert.ok(readings.length > 1);
});

test("there is a reading for any octets", () => {
  for (let octet = 0; octet < 256; octet++)
    for (const bytes of [Buffer.from([octet]), Buffer.from([octet, octet]), Buffer.from([0x1b, 0x24, octet, octet])])
      assert.ok(rawReadings(bytes).length > 0);
});
