/** What is left out of the whole message when rules look at it, and where the rest of it stands. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Part, View } from "../../../src/core/message.ts";
import { decodeView } from "../../../src/dissect/decode.ts";
import { dissect } from "../../../src/dissect/dissect.ts";
import { offsetInView, omissions, withoutOmitted } from "../../../src/dissect/outline.ts";
import { createWasmEngine } from "../../../workers/engines/wasm.ts";
import { createWorker } from "../../../workers/worker.ts";

const limits = { parts: 100, depth: 10, headerBytes: 65_536 };
const encoded = Buffer.alloc(60_000, "harmless ").toString("base64").replace(/.{76}/g, "$&\r\n");
const message = Buffer.from(
  [
    "Subject: two parts",
    'Content-Type: multipart/mixed; boundary="b"',
    "",
    "--b",
    "",
    "the first word",
    "--b",
    "Content-Type: application/octet-stream; name=a.bin",
    "Content-Transfer-Encoding: base64",
    "",
    encoded,
    "--b--",
    "the last word",
    "",
  ].join("\r\n"),
);

test("the message is shown without encoded octets but the first of each, and with all the rest", () => {
  const whole = dissect(message, limits).parts[0] ?? assert.fail("no part");
  const shown = decodeView(message, whole.view ?? assert.fail("no view")).toString();
  assert.equal(whole.size, message.length);
  assert.ok(shown.length < 6000, `${shown.length}`);
  for (const word of ["Subject", "the first word", "name=a.bin", encoded.slice(0, 4000), "--b--", "the last word"])
    assert.ok(shown.includes(word), word);
});

test("a message without large encoded parts is shown as it is", () => {
  const plain = Buffer.from("Subject: x\r\n\r\nhello\r\n");
  assert.deepEqual(dissect(plain, limits).parts[0]?.view, { offset: 0, length: plain.length, encoding: "identity" });
});

test("offsets in what is shown lead to the same octets in the whole", () => {
  const views = fc.array(
    fc.record({
      offset: fc.integer({ min: 0, max: 30_000 }),
      length: fc.integer({ min: 0, max: 20_000 }),
      encoding: fc.constantFrom<View["encoding"]>("base64", "identity", "uuencode"),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(views, fc.nat(49_999), (given, seed) => {
      const octets = Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 2_654_435_761 + seed) & 255));
      const omitted = omissions(given.map((view): Pick<Part, "view"> => ({ view })));
      const shown = withoutOmitted(octets, omitted);
      assert.equal(shown.length, octets.length - omitted.reduce((sum, { start, end }) => sum + end - start, 0));
      for (let at = 0; at < shown.length; at += 97) assert.equal(shown[at], octets[offsetInView(at, omitted)]);
    }),
    { numRuns: 40 },
  );
});

test("a match behind an attachment is said to be where it stands in the message", async () => {
  const { compile, version } = await createWasmEngine({ warnings: false });
  const text = 'rule last { strings: $a = "the last word" condition: $a }';
  const { rules } = compile([{ pack: "test", file: "last.yar", text }], {});
  const facts = { used: [], severities: {} };
  const compiled = { engine: version, recycleAfter: null, ruleCount: 1, problems: [], facts };
  const worker = await createWorker(rules, compiled, { ruleSet: "1" });
  const part = dissect(message, limits).parts[0] ?? assert.fail("no part");
  const { result } = await worker.run(
    {
      kind: "inspect",
      id: "1",
      part,
      view: part.view ?? assert.fail("no view"),
      externals: {},
      ruleSet: "1",
      limits: { members: 10, bytes: 1e6, memberBytes: 1e6, depth: 3, ratio: 100 },
    },
    message,
  );
  const found = "outcomes" in result ? result.outcomes.find(({ kind }) => kind === "found") : undefined;
  const matches = found?.kind === "found" ? found.findings.flatMap((finding) => finding.matches ?? []) : [];
  assert.deepEqual(
    matches.map(({ offset }) => offset),
    [message.indexOf("the last word")],
  );
});
