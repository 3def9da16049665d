/** Disabled rules: what they found is nowhere, and the result has another name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding, Outcome } from "../../../src/core/outcome.ts";
import { leaveOut, versionWithout } from "../../../src/inspect/left-out.ts";

const finding = (rule: string): Finding => ({
  part: "1",
  inspector: "yara",
  rule,
  severity: "critical",
  tags: [],
  text: "found",
});
const found = (...rules: readonly string[]): Outcome => ({
  part: "1",
  inspector: "yara",
  kind: "found",
  findings: rules.map(finding),
});
const unread: Outcome = { part: "1", inspector: "zip", kind: "incomplete", why: "limit", text: "too many members" };

test("findings of disabled rules are left out, by name or by glob; the others stay", () => {
  assert.deepEqual(leaveOut([found("own.a", "own.b")], ["own.a"]), [found("own.b")]);
  assert.deepEqual(leaveOut([found("own.a", "name.b")], ["own.*"]), [found("name.b")]);
  assert.deepEqual(leaveOut([found("own.a")], []), [found("own.a")]);
});

test("a part of which nothing is left was looked at and is clean", () => {
  assert.deepEqual(leaveOut([found("own.a")], ["own.a"]), [{ part: "1", inspector: "yara", kind: "clean" }]);
});

test("nothing that is disabled makes something incomplete complete", () => {
  assert.deepEqual(leaveOut([unread], ["*", "incomplete.limit"]), [unread]);
});

test("each set of disabled rules is a version of its own, in whatever order", () => {
  assert.equal(versionWithout("v", []), "v");
  assert.equal(versionWithout("v", ["p.a", "p.b"]), versionWithout("v", ["p.b", "p.a", "p.b"]));
  const all = [versionWithout("v", []), versionWithout("v", ["p.a"]), versionWithout("v", ["p.b"])];
  assert.equal(new Set([...all, versionWithout("w", ["p.a"])]).size, 4);
});
