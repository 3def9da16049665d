/** Encoded-words, RFC 2047. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeWords, wordReadings } from "../../../src/dissect/words.ts";

const b = (octets: string | Buffer): string => Buffer.from(octets).toString("base64");
const cases: readonly (readonly [string, string, string])[] = [
  ["B and Q", "=?utf-8?B?6KGo?= =?utf-8?Q?=E8=A1=A8?=", "表表"],
  ["text around", "Re: =?utf-8?Q?a_b?= (x)", "Re: a b (x)"],
  ["blanks between words vanish, also between charsets", "=?utf-8?Q?a?=\t =?iso-8859-1?Q?=FC?=", "aü"],
  ["blanks between a word and text stay", "=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"],
  ["a language tag", "=?utf-8*de?Q?gr=C3=BCn?=", "grün"],
  ["lower case letters for the encoding", "=?utf-8?q?=e8=a1=a8?=", "表"],
  ["blanks inside, against the grammar", "=?utf-8?Q?a b c?=", "a b c"],
  ["a question mark inside, against the grammar", "=?utf-8?Q?what?.exe?=", "what?.exe"],
  ["an unknown charset", "=?x-none?Q?caf=C3=A9?=", "café"],
  ["what is no word", "=?utf-8?X?abc?= =? =?utf-8?Q?open", "=?utf-8?X?abc?= =? =?utf-8?Q?open"],
  ["an open word in front of a whole one", "=?utf-8?Q?open =?utf-8?Q?whole?=", "=?utf-8?Q?open whole"],
  ["empty words", "=?utf-8?Q??==?utf-8?B??=x", "x"],
  ["raw UTF-8 between words", `\xe8\xa1\xa8 =?utf-8?Q?x?=`, "表 x"],
];

for (const [what, field, text] of cases)
  test(`reads ${what}`, () => {
    assert.equal(decodeWords(field), text);
  });

test("joins words of one charset before decoding: a character may be split", () => {
  const octets = Buffer.from("表計算");
  for (let at = 1; at < octets.length; at++)
    assert.equal(
      decodeWords(`=?utf-8?B?${b(octets.subarray(0, at))}?= =?UTF-8?B?${b(octets.subarray(at))}?=`),
      "表計算",
    );
});

test("joins words of one charset before decoding: an escape sequence may be split anywhere", () => {
  const octets = Buffer.from("\x1b$B?=9~=q\x1b(B.exe", "latin1");
  for (let at = 1; at < octets.length; at++)
    assert.equal(
      decodeWords(`=?iso-2022-jp?B?${b(octets.subarray(0, at))}?=\r\n =?ISO-2022-JP?B?${b(octets.subarray(at))}?=`),
      "申込書.exe",
    );
});

test("words that begin in ASCII, after one that forgot to return to it, hide nothing", () => {
  const readings = wordReadings(`=?iso-2022-jp?B?${b("\x1b$B?=9~")}?= =?iso-2022-jp?B?${b(".exe!!")}?=`);
  assert.ok(readings.some((text) => text.endsWith(".exe!!")));
});

test("joins base64 that is cut inside of a group", () => {
  const text = b("cut anywhere.pdf");
  for (let at = 1; at < text.length - 4; at++)
    assert.equal(decodeWords(`=?utf-8?B?${text.slice(0, at)}?= =?utf-8?B?${text.slice(at)}?=`), "cut anywhere.pdf");
});
