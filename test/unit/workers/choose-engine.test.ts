/** Which engine looks for rules, by what was asked for, what there is, and what the system grants. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseEngine, countRules, isNativeInstalled, wasmRules } from "../../../workers/choose-engine.ts";

const strong = { ok: true, missing: [] };
const weak = { ok: false, missing: ["own user"] };

test("rules run in the native engine where it is installed and can be confined (R20)", () => {
  for (const count of [1, wasmRules + 1])
    assert.deepEqual(chooseEngine("auto", count, true, strong), {
      engine: "native",
      why: "installed, and confined by the system",
      warning: null,
    });
});

test("without that they run in WASM, with a warning when they are many", () => {
  assert.deepEqual(chooseEngine("auto", wasmRules, false, strong), {
    engine: "wasm",
    why: "the native engine is not installed",
    warning: null,
  });
  assert.equal(chooseEngine("auto", wasmRules, true, weak)?.engine, "wasm");
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
