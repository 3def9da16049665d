/** Which engine looks for rules, by what was asked for, what there is, and what the system grants. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEngine, countRules, isNativeInstalled, wasmRules } from "../../../workers/choose-engine.ts";

const strong = { ok: true, missing: [] };
const weak = { ok: false, missing: ["own user"] };

test("few rules run in WASM, whatever there is", () => {
  assert.deepEqual(chooseEngine("auto", wasmRules, true, strong), {
    engine: "wasm",
    why: "up to 1000 rules",
    warning: null,
  });
});

test("many rules run in the native engine where it is installed and can be confined (R20)", () => {
  assert.equal(chooseEngine("auto", wasmRules + 1, true, strong)?.engine, "native");
  for (const [native, system] of [
    [true, weak],
    [false, strong],
  ] as const) {
    const choice = chooseEngine("auto", wasmRules + 1, native, system);
    assert.equal(choice?.engine, "wasm");
    assert.match(choice?.warning ?? "", /1001 rules are slow in WASM/);
  }
});

test("what was asked for by name is used, with a warning where it cannot be confined, never silently replaced", () => {
  assert.equal(chooseEngine("wasm", 50_000, true, strong)?.engine, "wasm");
  assert.deepEqual(chooseEngine("native", 1, true, strong), { engine: "native", why: "as configured", warning: null });
  assert.match(chooseEngine("native", 1, true, weak)?.warning ?? "", /missing: own user/);
  assert.equal(chooseEngine("native", 1, false, strong), null);
});

test("rules are counted with their modifiers, not in the middle of a line", () => {
  const text =
    'import "pe"\nrule a { condition: true }\n  private global rule b : tag { condition: a }\n// rule c\nstrings: $rule = "rule x"';
  assert.equal(countRules([text, "rule d{condition:false}"]), 3);
});

test("the native engine of this platform is found by its package", () => {
  assert.equal(isNativeInstalled(), process.platform === "linux" && process.arch === "x64");
});
