/** What the catalog keeps of a message: first what the policy acted on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { summaryOf } from "../../src/compose-summary.ts";
import type { QueueId } from "../../src/core/message.ts";
import type { Finding } from "../../src/core/outcome.ts";
import type { Group } from "../../src/core/verdict.ts";
import type { Entry } from "../../src/spool/spool.ts";
import { envelopeOf } from "../support/spool.ts";

const id = "01M80FV7FB5HGCD94B8B5J9FNN" as QueueId;
const finding = (rule: string, severity: Finding["severity"]): Finding => ({
  part: "0",
  inspector: "name",
  rule,
  severity,
  tags: [],
  text: "found",
});

async function rulesOf(findings: readonly Finding[], because: readonly Finding[], kind: "quarantine" | "forward") {
  const disposition: Group["disposition"] =
    kind === "forward" ? { kind, tags: [] } : { kind, reason: "Not inspected to the end" };
  const files: Readonly<Record<string, unknown>> = {
    "inspection.json": { parts: [], outcomes: [{ part: "0", inspector: "name", kind: "found", findings }] },
    "verdict.json": { groups: [{ disposition, because }], summary: "incomplete" },
  };
  const entry = {
    id,
    envelope: envelopeOf(id),
    size: 1,
    read: async (name: string): Promise<unknown> => files[name] ?? null,
  } as unknown as Entry;
  return (await summaryOf(entry, "quarantine", "")).rules;
}

const limit = finding("incomplete.limit", "high");
const [trifle, low] = [finding("name.trifle", "info"), finding("name.low", "low")];

test("what was not seen to its end comes first where the policy held the message for it", async () => {
  assert.deepEqual(await rulesOf([trifle, low], [limit, trifle], "quarantine"), [
    "incomplete.limit",
    "name.low",
    "name.trifle",
  ]);
});

test("of a message that went on, only what was found is told, worst first", async () => {
  assert.deepEqual(await rulesOf([trifle, low], [limit], "forward"), ["name.low", "name.trifle"]);
});
