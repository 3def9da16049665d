/** Every rule that we ship: its metadata, its samples on both engines, and silence on what is clean. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { type Severity, severities } from "../../../src/core/outcome.ts";
import { externalDefaults } from "../../../src/rulepacks/externals.ts";
import { loadRulePacks } from "../../../src/rulepacks/load.ts";
import { declaredRules } from "../../../src/rulepacks/tokens.ts";
import type { RuleHit } from "../../../workers/engines/engine.ts";
import { createNativeEngine } from "../../../workers/engines/native.ts";
import { createWasmEngine } from "../../../workers/engines/wasm.ts";
import { createExaminer } from "../../../workers/examine.ts";
import { createYaraInspector, factsOf } from "../../../workers/inspectors/yara.ts";
import { type Golden, sampleBytes, sampleFile, sampleNames } from "../../support/attachment-fixtures.ts";
import { attachment, generousLimits } from "../../support/part.ts";
import { readSamples, ruleSampleBytes, sampleExternals } from "../../support/rule-samples.ts";

const folder = new URL("../../../rules/", import.meta.url).pathname;
const { sources, packs, problems } = await loadRulePacks([folder]);
const engines = [await createWasmEngine({ warnings: true }), await createNativeEngine({ warnings: true })];
const compiled = engines.map((engine) => ({ engine, ...engine.compile(sources, externalDefaults) }));
const names = sources.flatMap(({ text }) => declaredRules(text).map(({ name }) => name));

const metaKeys = ["description", "severity", "author", "reference", "attack", "date"];
const grave = (severity: Severity): boolean => severities.indexOf(severity) >= severities.indexOf("medium");

test("every pack is read without a problem, and says who wrote it under which licence", () => {
  assert.deepEqual(problems, []);
  assert.ok(names.length >= 24, "a pack that has not been found would pass all other tests");
  for (const { id, version, licence, authors, description, stage } of packs)
    for (const value of [id, version, licence, authors.join(), description, stage]) assert.notEqual(value, "", id);
});

test("every file holds one rule, which has the file's name, and has its samples beside it", () => {
  for (const { file, text } of sources)
    assert.deepEqual(
      declaredRules(text).map(({ name }) => name),
      [basename(file, ".yar")],
      file,
    );
  const tested = globSync("*/*.test.yaml", { cwd: folder }).map((file) => basename(file, ".test.yaml"));
  assert.deepEqual(tested.sort(), [...names].sort());
});

test("the page of the pack names every rule with its severity", () => {
  const page = readFileSync(`${folder}README.md`, "utf8");
  for (const { pack, text } of sources.filter((source) => source.pack === "sallyport")) {
    const [, name = ""] = /^rule (\w+)/m.exec(text) ?? [];
    const [, severity = ""] = /severity = "(\w+)"/.exec(text) ?? [];
    assert.ok(
      page.includes(`| \`${name}\` | ${severity} |`),
      `${pack}.${name} is not in rules/README.md as ${severity}`,
    );
  }
});

for (const { engine, problems: found, rules } of compiled)
  test(`every rule compiles without a warning (${engine.name})`, () => {
    assert.deepEqual(found, []);
    assert.equal(rules.ruleCount, names.length);
  });

/** What the engine makes of a rule's metadata: a hit shows it. */
function checkMeta({ rule, meta, tags }: RuleHit): void {
  assert.deepEqual(Object.keys(meta), metaKeys, rule);
  const { description, severity, author, reference, attack, date } = meta;
  assert.match(String(description), /^[A-Z].{19,198}[^.]$/, `${rule}: one sentence without its full stop`);
  assert.ok((severities as readonly unknown[]).includes(severity), `${rule}: ${String(severity)}`);
  assert.match(String(author), /\S/, rule);
  assert.match(String(reference), /^(?:https:\/\/\S+|[[A-Z].+)$/, rule);
  assert.match(String(attack), /^T\d{4}(?:\.\d{3})?$/, rule);
  assert.match(String(date), /^20\d\d-\d\d-\d\d$/, rule);
  assert.ok(tags.length > 0, `${rule}: a tag, for policies`);
}

const scanAll = (bytes: Buffer, externals: ReturnType<typeof sampleExternals>) =>
  compiled.map(({ rules }) => [...rules.scan(bytes, externals)].sort((a, b) => (a.rule < b.rule ? -1 : 1)));

for (const { pack, file } of sources) {
  const name = basename(file, ".yar");
  test(`${pack}.${name} finds its samples, leaves its look-alikes, and both engines agree`, () => {
    const samples = readSamples(`${folder}${pack}/${name}.test.yaml`);
    for (const kind of ["match", "no_match"] as const)
      for (const [index, sample] of samples[kind].entries()) {
        const bytes = ruleSampleBytes(sample);
        const [first = [], second] = scanAll(bytes, sampleExternals(sample, bytes));
        assert.deepEqual(first, second, `${kind} ${index + 1}: the engines differ`);
        const hit = first.find(({ rule }) => rule === name);
        assert.equal(hit !== undefined, kind === "match", `${kind} ${index + 1}: ${sample.why}`);
        if (hit) checkMeta(hit);
      }
  });
}

const isClean = ({ findings, incomplete }: Golden): boolean => findings.length === 0 && incomplete.length === 0;
const readGolden = (at: string): Golden => JSON.parse(readFileSync(`${sampleFile(at)}.outcome.json`, "utf8")) as Golden;

test("no rule of medium severity or above matches a clean fixture or anything in it", async () => {
  const rules = compiled[0]?.rules;
  assert.ok(rules);
  const { examine } = await createExaminer([createYaraInspector({ rules, facts: factsOf(sources), version: "test" })]);
  const clean = sampleNames().filter((at) => isClean(readGolden(at)));
  assert.ok(clean.length >= 20, "fixtures that have not been found would pass");
  for (const at of clean) {
    const bytes = sampleBytes(at);
    const { outcomes } = await examine(attachment(bytes, readGolden(at).given), bytes, {}, generousLimits);
    const found = outcomes.flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : []));
    assert.deepEqual(
      found.filter(({ severity }) => grave(severity)).map(({ rule }) => rule),
      [],
      at,
    );
  }
});
