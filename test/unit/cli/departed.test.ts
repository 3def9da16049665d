/** What a list and `show` say of messages: why they are held, and what became of those that are not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Departed, departedText, whatBecame } from "../../../src/cli/departed.ts";
import { why } from "../../../src/cli/quarantine.ts";
import { summaryOf } from "../../contract/catalog.ts";

const at = "2026-11-22T06:00:00.000Z";
const left = (more: Partial<Departed> = {}): Departed => ({
  ...summaryOf({ state: "discarded", reason: "by root: spam", subject: "\x1b[2Jhi" }),
  node: "n",
  became: [{ at, event: "discarded", forwardPaths: ["a@b.test"], text: "by root: spam: again" }],
  ...more,
});

test("what became of a message: by whom, when, why; or what its next hop said, for each recipient", () => {
  assert.equal(whatBecame(left()), `discarded by root at ${at}: spam: again`);
  const lines = [
    { at, event: "forwarded", forwardPaths: ["a@b.test"], text: "250 Ok" },
    { at, event: "bounced", forwardPaths: ["c@b.test"], text: "550 No" },
  ] as const;
  const told = `forwarded at ${at} (a@b.test): 250 Ok; bounced at ${at} (c@b.test): 550 No`;
  assert.equal(whatBecame(left({ became: lines })), told);
});

test("without the journal the catalog's word is told", () => {
  assert.equal(whatBecame(left({ became: [] })), "discarded: by root: spam");
});

test("nothing of the sender's moves the terminal", () => {
  assert.doesNotMatch(departedText(left()), /[^\n\P{Cc}]/u);
});

test("the list says what the policy acted on, and never a finding of severity info", () => {
  const rules = ["incomplete.limit", "name.trifle"];
  assert.equal(why({ reason: "r", rules, severity: "info" }), "incomplete.limit");
  assert.equal(why({ reason: "r", rules: ["name.trifle"], severity: "info" }), "r");
  assert.equal(why({ reason: "r", rules: ["own.bad", "own.other"], severity: "high" }), "own.bad +1");
  assert.equal(why({ reason: "r", rules: [], severity: null }), "r");
});
