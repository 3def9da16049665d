/** Mistakes in a policy are named by file, line, column, key and the nearest known name. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isGatewayError } from "../../../src/core/errors.ts";
import { defaultPolicy } from "../../../src/decide/default-policy.ts";
import { checkPolicy, loadPolicy } from "../../../src/policy-file.ts";
import { showProblem } from "../../../src/yaml/check.ts";

function problems(text: string): readonly string[] {
  const checked = checkPolicy(text, "p.yaml");
  return checked.ok ? [] : checked.problems.map(showProblem);
}

const mistakes: readonly (readonly [string, string, string])[] = [
  [
    "an unknown condition",
    "version: 1\nrules:\n  - if: { severty: high }\n    then: quarantine\n  - then: quarantine\n",
    "p.yaml:3:11: rules[0].if.severty: unknown name; did you mean severity?",
  ],
  [
    "an unknown condition inside of another",
    "version: 1\nrules:\n  - if: { any: [{ part: { extention: exe } }] }\n    then: quarantine\n  - then: quarantine\n",
    "p.yaml:3:27: rules[0].if.any[0].part.extention: unknown name; did you mean extension?",
  ],
  [
    "an unknown disposition",
    "version: 1\nrules:\n  - then: quarantaine\n",
    "p.yaml:3:11: rules[0].then: must be one of forward, quarantine, strip, hold, reject, defer; did you mean quarantine?",
  ],
  [
    "an unknown outcome in a list",
    "version: 1\nrules:\n  - if: { outcome: [found, claen] }\n    then: quarantine\n  - then: quarantine\n",
    "p.yaml:3:28: rules[0].if.outcome[1]: must be one of clean, found, incomplete, malformed, encrypted, limit, timeout, crashed, unsupported; did you mean clean?",
  ],
  [
    "a key that belongs to another disposition",
    "version: 1\nrules:\n  - then: quarantine\n    tags: [a]\n",
    "p.yaml:4:5: rules[0].tags: unknown name",
  ],
  [
    "a reply that promises something else",
    "version: 1\nrules:\n  - then: reject\n    code: 250 2.0.0\n",
    "p.yaml:4:11: rules[0].code: must be one of 550 5.7.1, 554 5.7.1, 554 5.6.0, 552 5.3.4",
  ],
  [
    "a reply text that would forge a line",
    'version: 1\nrules:\n  - then: reject\n    text: "no\\r\\n250 ok"\n',
    "p.yaml:4:11: rules[0].text: must be plain ASCII on one line",
  ],
  [
    "a hold without an end",
    "version: 1\nrules:\n  - if: { severity: low }\n    then: hold\n  - then: quarantine\n",
    "p.yaml:3:5: rules[0].for: is missing; it must be a duration such as 30m, 2h or 1d",
  ],
  [
    "a line above the end that takes everything",
    "version: 1\nrules:\n  - then: quarantine\n  - then: quarantine\n",
    "p.yaml:3:5: rules[0]: without `if` this line decides everything, and the lines below are never reached",
  ],
  [
    "an end with a condition",
    "version: 1\nrules:\n  - if: { severity: low }\n    then: quarantine\n",
    "p.yaml:3:9: rules[0].if: the last line must stand without `if`: it decides what no other line has decided",
  ],
  [
    "silence about what is incomplete",
    "version: 1\nrules:\n  - if: { outcome: [encrypted, limit, malformed] }\n    then: quarantine\n  - then: forward\n",
    "p.yaml:5:5: rules[1]: would forward parts that were not inspected to their end; say before what becomes of `outcome: [timeout, crashed, unsupported]`",
  ],
  [
    "a hold at the end",
    "version: 1\nrules:\n  - then: hold\n    for: 1h\n",
    "p.yaml:3:11: rules[0].then: the last line cannot hold: nothing below it would decide afterwards",
  ],
  [
    "a line that strips whatever it be",
    "version: 1\nrules:\n  - if: { recipient: '*@a.example' }\n    then: strip\n  - then: quarantine\n",
    "p.yaml:3:9: rules[0].if: must name what is stripped: severity, rule, tag, inspector, part, or an outcome other than clean",
  ],
  [
    "a notice with a word that stands for nothing",
    "version: 1\nrules:\n  - if: { severity: high }\n    then: strip\n    notice: Ask {whom} for {id}\n  - then: quarantine\n",
    "p.yaml:5:13: rules[0].notice: {whom} stands for nothing; there are {removed}, {reason}, {id}, {gateway}, {contact}",
  ],
  [
    "a condition that never holds",
    "version: 1\nrules:\n  - if: { outcome: clean, severity: high }\n    then: reject\n  - then: quarantine\n",
    "p.yaml:3:20: rules[0].if.outcome: never holds: a clean message has no finding with a severity, rule, tag or inspector",
  ],
  [
    "two lines of one name",
    "version: 1\nrules:\n  - name: a\n    if: { severity: low }\n    then: reject\n  - name: a\n    then: quarantine\n",
    "p.yaml:6:11: rules[1].name: is the name of line 1 too",
  ],
  [
    "a network that is none",
    "version: 1\nrules:\n  - if: { client: 192.0.2.0/33 }\n    then: reject\n  - then: quarantine\n",
    "p.yaml:3:19: rules[0].if.client: must be a network such as 192.0.2.0/24 or 2001:db8::/32",
  ],
  [
    "a text that is no YAML",
    "version: 1\nrules: [\n",
    "p.yaml:3:1: not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
  ],
  ["an empty file", "", "p.yaml:1:1: is empty; it must be a mapping"],
  ["a newer format", `${defaultPolicy.replace("version: 1", "version: 2")}`, "p.yaml:1:10: version: must be 1"],
];

for (const [what, text, expected] of mistakes)
  test(`refuses ${what}`, () => {
    assert.ok(problems(text).includes(expected), `${expected}\nis not in\n${problems(text).join("\n")}`);
  });

test("the version changes with the text and with nothing else", () => {
  const version = (text: string): string => {
    const checked = checkPolicy(text, "p.yaml");
    assert.ok(checked.ok);
    return checked.value.version;
  };
  assert.equal(version(defaultPolicy), loadPolicy(undefined).version);
  assert.notEqual(version(`${defaultPolicy}# by hand\n`), version(defaultPolicy));
});

test("a file that cannot be read is an error of the catalogue", () => {
  assert.throws(
    () => loadPolicy("/nowhere/policy.yaml"),
    (error) => isGatewayError(error, "POLICY_INVALID"),
  );
});

test("the page about policies shows the built-in policy as it is", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/policy.md"), "utf8");
  assert.ok(page.includes(`\`\`\`yaml\n${defaultPolicy}\`\`\``));
});

test("every policy that the page shows is a policy", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/policy.md"), "utf8");
  const shown = [...page.matchAll(/```yaml\n(version:[\s\S]*?)```/g)].map((match) => match[1] ?? "");
  assert.ok(shown.length >= 2);
  for (const text of shown) assert.deepEqual(problems(text), []);
});
