import assert from "node:assert/strict";
import { test } from "node:test";
import { emlExtractor } from "../../../../workers/extractors/eml.ts";
import { attachment } from "../../../support/part.ts";
import { collect } from "../../../support/extraction.ts";

const inner = Buffer.from(
  "From: a@client.example\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nwords\r\n--b\r\nContent-Type: application/octet-stream; name=note.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nYSBub3Rl\r\n--b--\r\n",
);
const view = { offset: 0, length: inner.length, encoding: "identity" } as const;

test("the leaves of an attached message come out decoded, with their names", () => {
  assert.deepEqual(collect(emlExtractor, inner).members, [
    { names: [], text: "words" },
    { names: ["note.bin"], text: "a note" },
  ]);
});

test("a message within the message gives its leaves, not itself", () => {
  const outer = Buffer.concat([
    Buffer.from(
      "From: a@client.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: message/rfc822\r\n\r\n",
    ),
    inner,
    Buffer.from("\r\n--o--\r\n"),
  ]);
  assert.deepEqual(
    collect(emlExtractor, outer).members.map(({ text }) => text.trim()),
    ["words", "a note"],
  );
});

test("what the dissector could not read is carried over", () => {
  const partial = Buffer.from(
    "From: a@client.example\r\nMIME-Version: 1.0\r\nContent-Type: message/partial; id=x; number=1\r\n\r\nbody\r\n",
  );
  assert.ok(
    collect(emlExtractor, partial).closed.some(({ why, names }) => why === "unsupported" && names.length === 0),
  );
});

test("wants saved messages and web archives, and attached ones only if they are encoded", () => {
  const wants = (given: Parameters<typeof attachment>[1]) => emlExtractor.wants(attachment(inner, given), inner);
  assert.equal(wants({ types: ["message/rfc822"] }), true);
  assert.equal(wants({ types: ["application/x-mimearchive"] }), true);
  assert.equal(wants({ types: ["text/plain"], declaredTypes: ["message/rfc822"], role: "member", view: null }), true);
  assert.equal(wants({ types: ["message/rfc822"], role: "message" }), false);
  assert.equal(wants({ types: ["message/rfc822"], role: "attached-message", view }), false);
  assert.equal(
    wants({ types: ["message/rfc822"], role: "attached-message", view: { ...view, encoding: "base64" } }),
    true,
  );
});
