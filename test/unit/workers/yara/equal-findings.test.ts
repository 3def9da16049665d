import assert from "node:assert/strict";
import { test } from "node:test";
import { externalDefaults } from "../../../../src/rulepacks/externals.ts";
import type { RuleHit } from "../../../../workers/engines/engine.ts";
import { createNativeEngine } from "../../../../workers/engines/native.ts";
import { createWasmEngine } from "../../../../workers/engines/wasm.ts";
import { manyRules } from "../../../support/many-rules.ts";
import { madeOctets, storedOctets } from "../../../support/octets.ts";

const inOrder = (hits: readonly RuleHit[]): readonly RuleHit[] =>
  [...hits].sort((a, b) => (`${a.pack}.${a.rule}` < `${b.pack}.${b.rule}` ? -1 : 1));

test("both engines find the same: rules, tags, meta, patterns, offsets, lengths", async () => {
  const sources = [
    { pack: "many", file: "many.yar", text: manyRules(120) },
    { pack: "broken", file: "broken.yar", text: "rule broken { condition: nothing }" },
  ];
  const engines = [await createWasmEngine(), await createNativeEngine()] as const;
  const [wasm, native] = engines.map((engine) => engine.compile(sources, externalDefaults));
  assert.ok(wasm && native);
  assert.deepEqual(wasm.problems, native.problems);
  assert.equal(wasm.rules.ruleCount, native.rules.ruleCount);

  const octets = [...madeOctets(80), ...storedOctets()];
  const names = ["", "a.exe", "2015", "資料1.SCR", `${"n".repeat(40)}.e8`];
  const rules = new Set<string>();
  let places = 0;
  for (const [i, bytes] of octets.entries()) {
    const filename = names[Math.floor(i / 40) % names.length] ?? "";
    const externals = { filename, extension: filename.slice(filename.indexOf(".")) };
    const found = inOrder(wasm.rules.scan(bytes, externals));
    assert.deepEqual(found, inOrder(native.rules.scan(bytes, externals)), `octets ${i}`);
    for (const { rule, matches } of found) {
      rules.add(rule);
      places += matches.length;
    }
  }
  assert.ok(rules.size > 60 && places > 1_000, `only ${rules.size} rules and ${places} places were compared`);
});
