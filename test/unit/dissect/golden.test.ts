/** Every message of fixtures/messages against its golden tree, and against a second parser. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { simpleParser } from "mailparser";
import { decodeView } from "../../../src/dissect/decode.ts";
import { dissect } from "../../../src/dissect/dissect.ts";
import { fixtureLimits, goldenFile, messageFixtures } from "../../support/message-fixtures.ts";

const fixtures = messageFixtures();
const sha256 = (octets: Uint8Array): string => createHash("sha256").update(octets).digest("hex");

/** mailparser leaves these as they stand, we open them: the encoding of Unix mail. */
const closedToMailparser = new Set(["33-uuencode-declared"]);

test("there are enough fixtures, and none has lost its golden file", () => {
  assert.ok(fixtures.length >= 40);
  for (const { name } of fixtures) assert.doesNotThrow(() => readFileSync(goldenFile(name)));
});

for (const { name, bytes } of fixtures) {
  test(`takes ${name} apart as its golden file says`, () => {
    assert.deepEqual(dissect(bytes, fixtureLimits), JSON.parse(readFileSync(goldenFile(name), "utf8")));
  });
}

test("hash and size of each part are those of its decoded octets", () => {
  for (const { name, bytes } of fixtures)
    for (const part of dissect(bytes, fixtureLimits).parts) {
      assert.ok(part.view);
      const octets = decodeView(bytes, part.view);
      assert.equal(part.sha256, sha256(octets), `${name} ${part.path}`);
      assert.equal(part.size, octets.length, `${name} ${part.path}`);
    }
});

test("every attachment that mailparser extracts is among the parts", async () => {
  let compared = 0;
  for (const { name, bytes } of fixtures) {
    if (closedToMailparser.has(name)) continue;
    const ours = new Set(dissect(bytes, fixtureLimits).parts.map((part) => String(part.sha256)));
    for (const { content, filename } of (await simpleParser(bytes)).attachments) {
      assert.ok(ours.has(sha256(content)), `${name}: ${filename ?? "without a name"}`);
      compared++;
    }
  }
  assert.ok(compared >= 50, `${compared} attachments were compared`);
});
