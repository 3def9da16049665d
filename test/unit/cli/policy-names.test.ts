/** Names in a policy that nothing has are found by `config check`, and those of rules by `rules disable`. */
import assert from "node:assert/strict";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as config from "../../../src/cli/config.ts";
import { builtInRules, inspectorNames } from "../../../src/cli/known-names.ts";
import * as rules from "../../../src/cli/rules.ts";
import { allExtractors } from "../../../workers/examine.ts";
import { commandLine, type Said } from "../../support/command-line.ts";
import { type ConfigFolder, configFolder, smallest } from "../../support/config-folder.ts";

const say = (cwd: string, ...argv: string[]): Promise<Said> =>
  commandLine([config.register, rules.register], cwd, ...argv);

const packed = `rule Auto_Open { condition: true }
private rule helper { condition: true }
/* rule commented_out { condition: true } */
`;

/** One pack `office`, and a policy whose first line has the condition. */
function folderWith(condition: string): ConfigFolder {
  const folder = configFolder(`${smallest}policy: policy.yaml\n`, {
    "policy.yaml": `version: 1\nrules:\n  - if: ${condition}\n    then: quarantine\n  - then: quarantine\n`,
  });
  mkdirSync(join(folder.path, "rules", "office"));
  writeFileSync(join(folder.path, "rules", "office", "a.yar"), packed);
  return folder;
}

async function checked(condition: string): Promise<Said & { readonly lines: readonly string[] }> {
  using folder = folderWith(condition);
  const said = await say(folder.path, "config", "check");
  return { ...said, lines: said.stdout.trimEnd().replaceAll(`${folder.path}/`, "").split("\n") };
}

const mistakes: readonly (readonly [condition: string, line: string])[] = [
  [
    "{ route: exampel.test }",
    "policy.yaml:3:11: rules[0].if.route: no route has the name exampel.test; did you mean example.test?",
  ],
  ["{ route: [example.test, zz*] }", "policy.yaml:3:33: rules[0].if.route[1]: no route has the name zz*"],
  [
    "{ not: { inspector: yarra } }",
    "policy.yaml:3:18: rules[0].if.not.inspector: no inspector has the name yarra; did you mean yara?",
  ],
  [
    "{ any: [{ severity: high }, { inspector: [zipp] }] }",
    "policy.yaml:3:51: rules[0].if.any[1].inspector[0]: no inspector has the name zipp; did you mean zip?",
  ],
];

for (const [condition, line] of mistakes)
  test(`${condition} is a mistake`, async () => {
    const { exit, lines } = await checked(condition);
    assert.deepEqual([exit, lines], [1, [line]]);
  });

const doubts: readonly (readonly [condition: string, words: string])[] = [
  ["{ rule: office.auto_opne }", "office.auto_opne; did you mean office.Auto_Open?"],
  ["{ rule: offcie.* }", "offcie.*; did you mean office.*?"],
  ["{ rule: offcie.auto* }", "offcie.auto*; did you mean office.auto*?"],
  ["{ rule: office.atuo_o* }", "office.atuo_o*; did you mean office.Auto_O*?"],
  ["{ rule: name.duoble-extension }", "name.duoble-extension; did you mean name.double-extension?"],
  ["{ rule: office.helper }", "office.helper"],
  ["{ rule: incomplete.timeout }", "incomplete.timeout"],
];

for (const [condition, words] of doubts)
  test(`${condition} is a warning, and no mistake`, async () => {
    const { exit, lines } = await checked(condition);
    const said = `policy.yaml:3:11: rules[0].if.rule: warning: never holds as long as no rule has the id ${words}`;
    assert.deepEqual([exit, lines], [0, [said, "sallyport.yaml: no mistakes found"]]);
  });

test("names and patterns that something has are right, whatever their case", async () => {
  const names =
    '{ route: ["*.TEST"], inspector: [yara, l*], rule: [office.auto_open, "*.AUTO?open", dissect.*, lists.block-*] }';
  const { exit, lines } = await checked(names);
  assert.deepEqual([exit, lines], [0, ["sallyport.yaml: no mistakes found"]]);
});

test("config check --json has the warnings beside the problems", async () => {
  using folder = folderWith("{ route: nope, rule: office.auto_opne, inspector: yarra }");
  const { exit, stdout } = await say(folder.path, "--json", "config", "check");
  const said = JSON.parse(stdout) as Record<"problems" | "warnings", { key: string }[]> & { ok: boolean };
  assert.equal(exit, 1);
  assert.equal(said.ok, false);
  assert.deepEqual(
    [said.problems, said.warnings].map((list) => list.map(({ key }) => key)),
    [["rules[0].if.route", "rules[0].if.inspector"], ["rules[0].if.rule"]],
  );
});

test("rules disable does what it is told, and says if no rule has the id", async () => {
  using folder = folderWith("{ severity: low }");
  const disable = (id: string): Promise<Said> => say(folder.path, "rules", "disable", id, "--reason", "noise");
  const typo = await disable("office.Auto_Opne");
  assert.equal(typo.exit, 0);
  assert.match(typo.stdout, /\nwarning: no rule has the id office\.Auto_Opne now; did you mean office\.Auto_Open\?\n$/);
  for (const right of ["office.Auto_Open", "office.*", "name.path"])
    assert.doesNotMatch((await disable(right)).stdout, /warning/);
  assert.match((await say(folder.path, "rules", "disabled")).stdout, /^office\.Auto_Opne /m);
});

test("every name that the sources report under is known", () => {
  const root = join(import.meta.dirname, "../../..");
  const found = { rule: new Set<string>(), inspector: new Set(allExtractors.map(({ name }) => name)) };
  for (const file of globSync(["src/{dissect,inspect,queue,decide}/**/*.ts", "workers/**/*.ts"], { cwd: root })) {
    const text = readFileSync(join(root, file), "utf8");
    for (const [, rule = ""] of text.matchAll(/(?:\brule: |\bnote\()"([^"]+)"/g))
      if (rule !== "policy.part") found.rule.add(rule.includes(".") ? rule : `dissect.${rule}`);
    for (const [, name = ""] of text.matchAll(/\b(?:inspector(?:: | = )|crashed\(part, |incomplete\(part, )"([^"]+)"/g))
      if (name !== "policy") found.inspector.add(name);
  }
  assert.ok(found.rule.size > 25 && found.inspector.size > 15);
  assert.deepEqual(
    [...found.rule].filter((rule) => !builtInRules.includes(rule)),
    [],
  );
  assert.deepEqual(inspectorNames.toSorted(), [...found.inspector].toSorted());
});
