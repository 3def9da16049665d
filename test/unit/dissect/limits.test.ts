/** Messages made to cost much: each must end fast and flat, and say what was not looked at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dissection } from "../../../src/core/outcome.ts";
import { dissect } from "../../../src/dissect/dissect.ts";

const limits = { parts: 2000, depth: 16, headerBytes: 1024 * 1024 };
const head = "From: a@client.example\r\n";
const multipart = (boundary: string): string => `Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n`;

/** CPU time, since tests share a machine. A quadratic reading of any of these takes minutes. */
const mostCpuMs = 3000;

function costs(text: string): Dissection {
  const message = Buffer.from(text, "latin1");
  const before = process.cpuUsage();
  const dissection = dissect(message, limits);
  const { user, system } = process.cpuUsage(before);
  assert.ok((user + system) / 1000 < mostCpuMs, `${(user + system) / 1000} ms`);
  return dissection;
}

const isIncomplete = ({ outcomes }: Dissection): boolean =>
  outcomes.some((outcome) => outcome.kind === "incomplete" && outcome.why === "limit");

const eights = [..."abcdefgh"].map((letter) => `; boundary="${letter}"`).join("");
const nestedConflict = `Content-Type: multipart/mixed${eights}\r\n\r\n`;

const incompleteOnes: Readonly<Record<string, string>> = {
  "10,000 parts": head + multipart("b") + "--b\r\n\r\nx\r\n".repeat(10_000),
  "100,000 empty parts": head + multipart("b") + "--b\r\n".repeat(100_000),
  "100,000 closing delimiters": `${head + multipart("b")}--b--\r\n${"--b--\r\nx\r\n".repeat(100_000)}`,
  "a thousand multiparts in each other":
    head + Array.from({ length: 1000 }, (_, i) => `${multipart(`b${i}`)}--b${i}\r\n`).join(""),
  "thousands of messages in each other": `${head}${"Content-Type: message/rfc822\r\n\r\n".repeat(5000)}x`,
  "eight boundaries on each of a hundred levels":
    head +
    nestedConflict +
    `${[..."abcdefgh"].map((letter) => `--${letter}\r\n${nestedConflict}`).join("")}x\r\n`.repeat(100),
  "a million lines with dashes": head + multipart("b") + "--x\n".repeat(1_000_000),
  "a header of several megabytes": head + "X: y\r\n".repeat(500_000),
  "thousands of type fields": `${head + "Content-Type: a/b; name=x\r\n".repeat(20_000)}\r\nx`,
  "a hundred thousand parameters": `${head}Content-Type: a/b${"; a=b".repeat(100_000)}\r\n\r\nx`,
  "a hundred thousand beginnings of uuencoded files": `${head}\r\n${"begin 644 x\r\n~\r\n".repeat(100_000)}`,
};

for (const [what, text] of Object.entries(incompleteOnes))
  test(`${what}: incomplete, fast and flat`, () => {
    const dissection = costs(text);
    assert.ok(isIncomplete(dissection));
    assert.ok(dissection.parts.length <= limits.parts);
    assert.ok(dissection.outcomes.length <= 200);
  });

const completeOnes: Readonly<Record<string, string>> = {
  "a header line of a megabyte": `${head}Subject: ${"x".repeat(1_000_000)}\r\n\r\nx`,
  "tens of thousands of encoded-words": `${head}Subject: ${"=?utf-8?B?44GC?= ".repeat(50_000)}\r\n\r\nx`,
  "encoded-words that never end": `${head}Content-Type: a/b; name="${"=?utf-8?q?".repeat(90_000)}"\r\n\r\nx`,
  "escape sequences in a name": `${head}Content-Type: a/b; name="${"\x1b$B0!".repeat(100_000)}"\r\n\r\nx`,
  "half a million semicolons": `${head}Content-Type: a/b${";a".repeat(500_000)};x=y\r\n\r\nx`,
  "half a million quotes": `${head}Content-Type: a/b; (x) name=${'""'.repeat(400_000)}\r\n\r\nx`,
  "a million open comments": `${head}Content-Type: a/b; name=x${"(".repeat(1_000_000)}\r\n\r\nx`,
  "a megabyte of blanks in a type": `${head}Content-Type: a${" ".repeat(1_000_000)}/b\r\n\r\nx`,
  "half a million backslashes": `${head}Content-Type: a/b; name="${"\x81\\".repeat(400_000)}"\r\n\r\nx`,
  "five megabytes of dashes": head + multipart("b") + "-".repeat(5_000_000),
  "a line full of delimiters": head + multipart("b") + "--b".repeat(1_500_000),
  "base64 that is all padding": `${head}Content-Transfer-Encoding: base64\r\n\r\n${"=".repeat(5_000_000)}`,
  "base64 that is padded at every turn": `${head}Content-Transfer-Encoding: base64\r\n\r\n${"aa=".repeat(1_000_000)}`,
  "base64 with junk at every turn": `${head}Content-Transfer-Encoding: base64\r\n\r\n${"aG!s".repeat(1_000_000)}`,
  "escapes that are none": `${head}Content-Transfer-Encoding: quoted-printable\r\n\r\n${"=  ".repeat(1_500_000)}`,
  "a uuencoded file of empty promises": `${head}\r\nbegin 644 x\r\n${"M\r\n".repeat(1_000_000)}`,
};

for (const [what, text] of Object.entries(completeOnes))
  test(`${what}: read to the end, fast`, () => {
    assert.ok(!isIncomplete(costs(text)));
  });
