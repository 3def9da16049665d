/** What people ask lists for, and the query that is made of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { type QueryOptions, queryOf, withQueryOptions } from "../../../src/cli/query-options.ts";

function asked(...args: readonly string[]) {
  const command = withQueryOptions(new Command());
  command.parse(args, { from: "user" });
  return queryOf(command.opts<QueryOptions>());
}

test("every option is a condition, and none is none", () => {
  assert.deepEqual(asked(), { query: {}, page: { limit: 50 } });
  const id = "01M81B5J78AR4WDCZ2ZR43MQE4";
  const { query, page } = asked(
    ...["--text", "a b", "--sender", "s", "--recipient", "r", "--subject", "x", "--file", "f", "--rule", "p.r"],
    ...["--sha256", "0", "--route", "main", "--severity", "high", "critical", "--node", "mx-1", "mx-2"],
    ...["--since", "2026-11-01", "--until", "2026-11-02", "--before", id, "--limit", "7"],
  );
  assert.deepEqual(query, {
    text: "a b",
    sender: "s",
    recipient: "r",
    subject: "x",
    fileName: "f",
    rule: "p.r",
    sha256: "0",
    routes: ["main"],
    severities: ["high", "critical"],
    nodes: ["mx-1", "mx-2"],
    since: "2026-11-01T00:00:00.000Z",
    until: "2026-11-02T00:00:00.000Z",
  });
  assert.deepEqual(page, { before: id, limit: 7 });
});

test("what cannot be meant is refused with what can", () => {
  for (const args of [
    ["--severity", "loud"],
    ["--since", "soon"],
    ["--before", "x"],
    ["--limit", "0"],
  ])
    assert.throws(() => asked(...args), { code: "USAGE" });
});
