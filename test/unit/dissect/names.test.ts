/** Parameters and the names in them: RFC 2045, 2231, 2047, and what senders make of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { candidateNames } from "../../../src/dissect/names.ts";
import { parseParameters, stripComments } from "../../../src/dissect/parameters.ts";

/** Fields are octets: text is given as UTF-8. */
const field = (text: string): string => Buffer.from(text).toString("latin1");
const values = (text: string, name: string): readonly string[] =>
  parseParameters(text)
    .list.filter((parameter) => parameter.name === name)
    .flatMap((parameter) => parameter.values);
const names = (disposition: string, type = "", hint = "") =>
  candidateNames(parseParameters(field(disposition)).list, parseParameters(field(type)).list, hint);

test("reads tokens, quoted strings and escapes", () => {
  assert.deepEqual(values('a/b; x=1; y="two; words"; z="a\\"b"', "x"), ["1"]);
  assert.deepEqual(values('a/b; y="two; words"', "y"), ["two; words", "two; words"]);
  assert.equal(values('a/b; z="a\\"b"', "z")[0], 'a"b');
});

test("drops comments outside of quotes only, nested ones too", () => {
  assert.equal(stripComments('a(b(c)\\)d) "e(f)" g(h'), 'a  "e(f)" g(h');
  assert.equal(parseParameters("text/plain (x) ; (y) charset (z) = utf-8 (w)").main, "text/plain");
  assert.equal(values("text/plain; charset (z) = utf-8 (w)", "charset")[0], "utf-8");
});

test("forgives a missing semicolon, blanks around the equals sign, doubled semicolons and case", () => {
  assert.equal(parseParameters("application/zip name=x.zip").main, "application/zip");
  assert.equal(values("application/zip name=x.zip", "name")[0], "x.zip");
  assert.equal(values("a/b;; ;NAME = x", "name")[0], "x");
  assert.equal(values('a/b; charset="utf-8" name="x.exe"', "charset")[0], "utf-8");
});

test("a value without quotes is taken whole and up to its first blank", () => {
  assert.deepEqual(values("a; filename=bad boy.exe", "filename"), ["bad boy.exe", "bad"]);
});

test("what stands behind the closing quote is a candidate", () => {
  assert.ok(values('a; filename="x.pdf".exe', "filename").includes("x.pdf.exe"));
});

test("joins the sections of RFC 2231 by number, with one charset, even if an escape is cut", () => {
  assert.deepEqual(names("a; filename*1*=%A1%A; filename*0*=utf-8'ja'%E8; filename*2*=8.pdf").names, ["表.pdf"]);
  assert.deepEqual(names('a; filename*0="a b"; filename*1=".pdf"').names, ["a b.pdf"]);
});

test("the same section twice is two claims", () => {
  assert.deepEqual(names("a; filename*0=x.pdf; filename*0=y.exe").names, ["x.pdf", "y.exe"]);
});

test("prefers extended names, and keeps all others", () => {
  const { names: all, conflict } = names(
    "attachment; filename=plain.pdf; filename*=utf-8''ext.pdf",
    "a/b; name=type.pdf",
  );
  assert.deepEqual(all, ["ext.pdf", "plain.pdf", "type.pdf"]);
  assert.equal(conflict, null);
});

test("claims with different extensions are a conflict; dots and blanks at the end do not hide one", () => {
  assert.equal(names("a; filename=x.pdf", "a/b; name=x.exe").conflict, "conflict");
  assert.equal(names('a; filename="x.exe. "', "a/b; name=y.ＥＸＥ").conflict, null);
});

test("encoded-words in names are decoded, in quotes or not, and in RFC 2231 too", () => {
  const word = "=?utf-8?B?6KGoLnBkZg==?=";
  for (const text of [`"${word}"`, word]) assert.deepEqual(names(`a; filename=${text}`).names, ["表.pdf"]);
  assert.equal(names(`a; filename*=utf-8''${word.replaceAll("=", "%3D").replaceAll("?", "%3F")}`).names[0], "表.pdf");
});

test("a literal reading of encoded-words is kept if it ends in another extension", () => {
  assert.ok(names('a; filename="=?utf-8?Q?x.pdf?=.exe"').names[0]?.endsWith(".pdf.exe"));
});

test("a backslash that is half of a Shift_JIS character quotes nothing", () => {
  const sjis = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");
  const list = (text: string): readonly string[] => candidateNames(parseParameters(text).list, []).names;
  assert.equal(list(`a; filename="${sjis("905c8d9e8f91")}.exe"`)[0], "申込書.exe");
  assert.equal(list(`a; filename="${sjis("955c")}"; x="y"`)[0], "表");
  assert.equal(list(field('a; filename="あ\\"b.txt"'))[0], 'あ"b.txt');
});

test("NUL ends a name for one reader and is nothing for another", () => {
  assert.deepEqual(names('a; filename="x.exe\0.pdf"').names, ["x.exe.pdf", "x.exe"]);
});

test("raw 8-bit names go by the part's charset, then by what they look like", () => {
  const raw = Buffer.from("b7a2c6b1", "hex").toString("latin1");
  assert.equal(candidateNames(parseParameters(`a; filename="${raw}"`).list, [], "gb2312").names[0], "发票");
});

test("very long names keep both ends, very many names are bounded, and both are said", () => {
  const [long = ""] = names(`a; filename="${"x".repeat(100_000)}.exe"`).names;
  assert.ok(long.length <= 1000 && long.endsWith(".exe"));
  const many = names(`a${Array.from({ length: 100 }, (_, i) => `; filename=${i}.exe`).join("")}`);
  assert.equal(many.names.length, 16);
  assert.equal(many.overflow, true);
  assert.equal(parseParameters(`a${"; b=c".repeat(10_000)}`).overflow, true);
});
