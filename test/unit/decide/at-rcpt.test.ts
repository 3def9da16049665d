/** What can be refused before there is a message. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { format } from "../../../src/core/status.ts";
import { refusedAtRcpt } from "../../../src/decide/at-rcpt.ts";
import { decide } from "../../../src/decide/decide.ts";
import type { Policy } from "../../../src/decide/policy.ts";
import { checkPolicy, loadPolicy } from "../../../src/policy-file.ts";
import type { ListSnapshot } from "../../../src/records/records.ts";
import { entry, hash, judgement, type MadeMessage, noLists, routes } from "../../support/judgement.ts";

function policy(...lines: readonly string[]): Policy {
  const text = ["version: 1", "rules:", ...lines.map((line) => `  - ${line}`), "  - { then: forward }"].join("\n");
  const checked = checkPolicy(text, "policy.yaml");
  assert.ok(checked.ok, checked.ok ? "" : JSON.stringify(checked.problems));
  return checked.value;
}

const incomplete = "{ if: { outcome: incomplete }, then: quarantine }";
const sender = [entry("block", "sender", "a@client.example")];
const rejecting = policy("{ if: { rule: lists.block-sender }, then: reject, text: Go away }", incomplete);

function refused(by: Policy, lists: Partial<ListSnapshot>, message: MadeMessage = {}): string | null {
  const [envelope] = judgement(message);
  const [path] = envelope.forwardPaths;
  assert.ok(path);
  const answer = refusedAtRcpt(envelope, path, by, { ...noLists, ...lists }, routes);
  return answer && format(answer);
}

test("a blocked sender is refused at RCPT where the policy rejects it, in the policy's words", () => {
  assert.equal(refused(rejecting, { entries: sender }), "550 5.7.1 Go away");
  assert.equal(refused(rejecting, { entries: sender }, { from: "b@client.example" }), null);
  const recipient = [entry("block", "recipient", "@site.example")];
  assert.equal(refused(rejecting, { entries: recipient }), null, "the line speaks of senders");
  const any = policy("{ if: { rule: lists.block-* }, then: reject }", incomplete);
  assert.match(refused(any, { entries: recipient }) ?? "", /^550 /);
});

test("without such a line a blocked message is taken, and held", () => {
  assert.equal(refused(loadPolicy(undefined), { entries: sender }), null);
});

test("an allowed address beats the block of its domain at RCPT too", () => {
  const entries = [entry("block", "sender", "@client.example"), entry("allow", "sender", "a@client.example")];
  assert.equal(refused(rejecting, { entries }), null);
  assert.notEqual(refused(rejecting, { entries }, { from: "b@client.example" }), null);
});

test("routes that only observe, and the bypass, refuse nobody", () => {
  assert.equal(refused(rejecting, { entries: sender }, { to: ["b@site.example watched"] }), null);
  const bypass = { until: "2999-01-01T00:00:00Z", by: "admin", reason: "now", routes: [] };
  assert.equal(refused(rejecting, { entries: sender, bypass }), null);
  assert.notEqual(refused(rejecting, { entries: sender, bypass: { ...bypass, routes: ["out"] } }), null);
});

test("where an earlier line about the lists asks for content, nothing is said before the content is there", () => {
  for (const first of [
    "{ if: { inspector: lists, part: { extension: exe } }, then: quarantine }",
    "{ if: { rule: lists.block-hash }, then: quarantine }",
    "{ if: { rule: lists.block-sender, not: { severity: high } }, then: forward }",
    "{ if: { rule: lists.block-sender, larger_than: 1MiB }, then: quarantine }",
  ]) {
    const by = policy(first, "{ if: { rule: lists.block-sender }, then: reject }", incomplete);
    assert.equal(refused(by, { entries: sender }), null, first);
  }
  const elsewhere = policy(
    "{ if: { rule: lists.block-hash, route: out }, then: quarantine }",
    "{ if: { rule: lists.block-recipient }, then: quarantine }",
    "{ if: { rule: lists.block-sender }, then: reject }",
    incomplete,
  );
  assert.match(refused(elsewhere, { entries: sender }) ?? "", /^550 /);
});

const pieces = {
  rule: ["lists.*", "lists.block-sender", "lists.block-recipient", "lists.block-hash", "pack.bad", "lists.block-?e*"],
  keys: [
    "",
    ", inspector: lists",
    ", route: main",
    ", severity: critical",
    ", larger_than: 1KiB",
    ", part: { role: body }",
  ],
  more: [
    "",
    ", not: { rule: pack.bad }",
    ", any: [{ rule: pack.bad }, { sender: '*' }]",
    ", all: [{ severity: high }]",
  ],
  then: ["reject", "quarantine", "forward", "defer"],
};
const line = fc
  .tuple(...(["rule", "keys", "more", "then"] as const).map((key) => fc.constantFrom(...pieces[key])))
  .map(([rule = "", keys = "", more = "", then = ""]) => `{ if: { rule: ${rule}${keys}${more} }, then: ${then} }`);
const entries = fc.subarray([
  ...sender,
  entry("block", "sender", "@client.example"),
  entry("block", "recipient", "b@site.example"),
  entry("block", "hash", hash("a")),
  entry("allow", "sender", "a@client.example"),
  entry("allow", "recipient", "@site.example"),
]);
const parts = fc.subarray([
  { role: "body" as const, sha256: hash("a"), size: 5_000 },
  { found: [{ rule: "pack.bad", severity: "high" as const }] },
  { incomplete: ["crashed" as const] },
]);

test("whatever is refused at RCPT would have been refused with the same words after its content was seen", () => {
  let refusals = 0;
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 4 }), entries, parts, (lines, listed, made) => {
      const by = policy(...lines, incomplete);
      const lists = { ...noLists, entries: listed };
      const early = refused(by, lists);
      if (early === null) return;
      refusals++;
      const verdict = decide(...judgement({ parts: made }), by, lists, routes);
      const disposition = verdict.groups[0]?.disposition;
      assert.equal(disposition?.kind === "reject" && format(disposition.reply), early);
    }),
    { numRuns: 1_500, interruptAfterTimeLimit: 60_000 },
  );
  assert.ok(refusals > 20, `${refusals}`);
});
