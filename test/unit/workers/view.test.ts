/** What a person is shown of a message, however it is made: mailparser's reading within its bounds, and what it throws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { MessageView } from "../../../src/core/message-view.ts";
import { view } from "../../../workers/view.ts";

const limits = { parts: 1_000, headerChars: 10_000, textChars: 5_000 };
const see = (...lines: readonly string[]): Promise<MessageView> => view(Buffer.from(lines.join("\r\n")), limits);
const html = (source: string): Promise<MessageView> => see("Content-Type: text/html", "", source);
const multipart = (...parts: readonly string[]): Promise<MessageView> =>
  see("Content-Type: multipart/mixed; boundary=b", "", ...parts.flatMap((part) => ["--b", part]), "--b--", "");

test("header fields come all, in order, unfolded and decoded, with their names as written", async () => {
  const { fields, text, incomplete } = await see(
    "Received: from a\r\n\tby b",
    "SUBJECT: =?utf-8?q?caf=C3=A9?= =?iso-2022-jp?b?GyRCQEE1YT1xGyhC?=",
    "X-Odd: 1",
    "x-odd: 2",
    "no field at all",
    "",
    "Hello",
  );
  assert.deepEqual(
    fields.map(({ name, value }) => `${name}=${value}`),
    ["Received=from a\tby b", "SUBJECT=café請求書", "X-Odd=1", "x-odd=2", "=no field at all"],
  );
  assert.deepEqual([text, incomplete], ["Hello", null]);
});

test("text and HTML are both shown, HTML as text with the targets of its links", async () => {
  const seen = await multipart(
    "Content-Type: text/plain\r\n\r\nplain",
    "Content-Type: text/html\r\n\r\n<style>p{}</style><script>alert(1)</script><p>see <a href='http://evil.test/'>bank.test</a></p>",
  );
  assert.match(seen.text, /^plain/);
  assert.equal(seen.html, "see bank.test [http://evil.test/]");
});

test("attachments come with names, types and decoded sizes; pictures of the text are marked", async () => {
  const seen = await see(
    "Content-Type: multipart/related; boundary=b",
    "",
    "--b\r\nContent-Type: text/html\r\n\r\n<img src=cid:p>",
    "--b\r\nContent-Type: image/png; name=p.png\r\nContent-ID: <p>\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAAAAAA",
    "--b\r\nContent-Type: application/zip; name*=utf-8''%E8%AB%8B.zip\r\n\r\nxyz",
    "--b\r\nContent-Type: application/octet-stream\r\n\r\n\r\n--b--",
  );
  assert.deepEqual(
    seen.attachments.map(({ name, type, size, related }) => [name, type, size, related]),
    [
      ["p.png", "image/png", 6, true],
      ["請.zip", "application/zip", 3, false],
      ["", "application/octet-stream", 0, false],
    ],
  );
});

test("what is longer than its limit is cut, and says so", async () => {
  const seen = await see("Subject: s", `X-Long: ${"y".repeat(20_000)}`, "X-Last: z", "", "t".repeat(9_000));
  assert.deepEqual([seen.fields.length, seen.text.length], [2, 5_000]);
  assert.equal(seen.fields[1]?.value.length, 10_000 - "Subjects".length);
  assert.deepEqual(seen.cut, [
    "header field 2: the first 9992 of 20000 characters",
    "header fields: 1 more",
    "text: the first 5000 of 9000 characters",
  ]);
  const { html: text, cut } = await html("<p>word</p>".repeat(60_000));
  assert.equal(text.length, 5_000);
  assert.equal(cut.length, 2);
});

test("ten thousand parts end at the limit, with what was seen until then", async () => {
  const part = "Content-Type: application/x; name=a\r\n\r\nx";
  const octets = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${`--b\r\n${part}\r\n`.repeat(10_000)}`;
  const seen = await view(Buffer.from(octets), { ...limits, parts: 5_000 });
  assert.deepEqual(seen.incomplete, { why: "limit", text: "mailparser: Max allowed child nodes exceeded" });
  assert.equal(seen.fields[0]?.name, "Content-Type");
  assert.ok(seen.attachments.length >= 100);
});

test("a thousand attachments are listed, the rest is counted", async () => {
  const part = "Content-Type: application/x; name=a\r\n\r\nx";
  const octets = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${`--b\r\n${part}\r\n`.repeat(1_100)}--b--\r\n`,
  );
  const seen = await view(octets, { ...limits, parts: 2_000 });
  assert.deepEqual([seen.attachments.length, seen.cut, seen.incomplete], [1_000, ["attachments: 100 more"], null]);
});

const nested = (levels: number): string =>
  Array.from({ length: levels }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`).join("");

test("deep nesting is read to its bottom, or to the limit", async () => {
  assert.match((await see(`${nested(800)}\r\nbottom`)).text, /bottom/);
  assert.equal((await see(`${nested(5_000)}\r\nbottom`)).incomplete?.why, "limit");
});

test("HTML that nothing can reduce is malformed; its source is not shown as text", async () => {
  const seen = await html("<div>".repeat(20_000));
  assert.deepEqual([seen.text, seen.html], ["", ""]);
  assert.deepEqual(seen.incomplete, { why: "malformed", text: "mailparser: Failed to parse HTML" });
});

test("a header of megabytes, a body without line ends, no header, nothing at all: each is an answer", async () => {
  const giant = await see(`Subject: ${"x".repeat(3 * 2 ** 20)}`, "", "body");
  assert.deepEqual([giant.fields[0]?.name, giant.text, giant.incomplete], ["Subject", "body", null]);
  const endless = await view(Buffer.alloc(17 * 2 ** 20, 0xff), limits);
  assert.deepEqual(endless.incomplete, { why: "limit", text: "mailparser: Max header size for a MIME node exceeded" });
  assert.equal((await see("", "only a body")).text, "only a body");
  const nothing = await view(Buffer.alloc(0), limits);
  assert.deepEqual([nothing.fields, nothing.text, nothing.attachments, nothing.incomplete], [[], "", [], null]);
});

test("no octets whatever make it throw, or answer more than its limits", async () => {
  const word = fc.constantFrom(
    "Content-Type: multipart/mixed; boundary=b\r\n",
    "Content-Type: text/html; charset=utf-7\r\n",
    "Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n",
    "Content-Transfer-Encoding: base64\r\n",
    "Subject: =?utf-8?b?AAA\r\n",
    "From: <\r\n",
    "\r\n",
    "--b\r\n",
    "--b--\r\n",
    "<a href=\u0000>",
  );
  const octets = fc.array(fc.oneof(word, fc.string({ unit: "binary", maxLength: 40 })), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(octets, async (pieces) => {
      const seen = await view(Buffer.from(pieces.join("")), limits);
      assert.ok(seen.text.length <= limits.textChars && seen.html.length <= limits.textChars);
    }),
    { interruptAfterTimeLimit: 1_500 },
  );
});
