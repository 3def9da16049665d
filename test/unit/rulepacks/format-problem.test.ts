import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../../src/rulepacks/format-problem.ts";
import type { RuleProblem } from "../../../workers/engines/engine.ts";

const problem: RuleProblem = {
  pack: "own",
  file: "a.yar",
  line: 2,
  column: 5,
  code: "E009",
  message: "unknown identifier `x`",
  level: "error",
};

test("a problem is shown with its place, the line and a caret", () => {
  assert.equal(
    formatProblem(problem, "rule a {\r\n\t&  x and true\r\n}"),
    "own/a.yar:2:5: error E009: unknown identifier `x`\n2 |  &  x and true\n  |     ^",
  );
});

test("the caret stands under its character also after wide ones", () => {
  const [, line, caret] = formatProblem({ ...problem, line: 1, column: 3 }, "資料x").split("\n");
  assert.equal(line, "1 | 資料x");
  assert.equal(caret, "  |     ^");
});

test("a long line is cut around the place, and nothing in it moves the cursor", () => {
  const source = `${"a".repeat(500)}\u001b[2J\u202e${"b".repeat(500)}`;
  const [, line = "", caret = ""] = formatProblem({ ...problem, line: 1, column: 501 }, source).split("\n");
  assert.ok(line.length < 120);
  assert.doesNotMatch(line, /[\u001b\u202e]/);
  assert.equal(line.charAt(caret.indexOf("^")), "\ufffd");
});

test("without its text, or beyond its end, only the summary is shown", () => {
  const summary = "own/a.yar:2:5: error E009: unknown identifier `x`";
  assert.equal(formatProblem(problem, null), summary);
  assert.equal(formatProblem(problem, "one line"), summary);
});
