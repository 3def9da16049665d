/** The tree that `scan` and `explain` print: every part in its place, all that was said of it, what was not seen, and who decided. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judgementText, plainLook } from "../../../src/cli/judgement-text.ts";
import { Output, width } from "../../../src/cli/output.ts";
import { partTree } from "../../../src/cli/part-tree.ts";
import type { Part, Role, Sha256 } from "../../../src/core/message.ts";
import type { Dissection, Inspection, Outcome } from "../../../src/core/outcome.ts";
import type { Verdict } from "../../../src/core/verdict.ts";
import { noise } from "../../support/octets.ts";

const hash = (seed: number): Sha256 => noise(32, seed).toString("hex") as Sha256;
const part = (path: string, role: Role, names: readonly string[] = [], seed = path.length): Part => ({
  path,
  role,
  sha256: hash(seed),
  size: 100,
  names,
  declaredTypes: ["application/octet-stream"],
  types: ["application/zip"],
  view: null,
});

const parts: readonly Part[] = [
  part("0", "message", [], 1),
  part("1", "body", [], 2),
  part("2", "attachment", ["a.zip", "b.zip"], 3),
  part("2/1", "member", ["x\u202efdp.exe\n\x1b[2J"], 4),
  part("2/10", "member", ["ten"], 5),
  part("2/2", "member", ["two"], 4),
  { ...part("2/3", "artefact", [], 6), derived: { kind: "macro", from: "2/1" } },
  part("2~2", "attachment", ["other"], 7),
  part("3.1", "body", [], 8),
];
const outcomes: readonly Outcome[] = [
  { part: "0", inspector: "yara", kind: "clean" },
  { part: "1", inspector: "yara", kind: "clean" },
  { part: "1", inspector: "type", kind: "clean" },
  { part: "2", inspector: "zip", kind: "incomplete", why: "encrypted", text: "A member has a password" },
  {
    part: "2/1",
    inspector: "name",
    kind: "found",
    findings: [
      { part: "2/1", inspector: "name", rule: "name.odd", severity: "low", tags: [], text: "odd" },
      {
        part: "2/1",
        inspector: "name",
        rule: "name.bad",
        severity: "high",
        tags: ["conflict"],
        text: "bad: \x1b]0;t\x07",
      },
    ],
  },
  { part: "3", inspector: "dissect", kind: "incomplete", why: "limit", text: "Too deep" },
];
const header = { subject: "", from: "", to: "", messageId: "", date: "" };
const dissection: Dissection = { parts: parts.slice(0, 3), outcomes: [], header, sha256: hash(1), size: 1000 };
const inspection: Inspection = { parts, outcomes, versions: {}, ruleSet: "r", cached: 0, elapsedMs: 1 };
const verdict: Verdict = {
  groups: [
    {
      forwardPaths: ["b@site.test"],
      route: "main",
      disposition: { kind: "quarantine", reason: "Something dangerous" },
      because: outcomes.flatMap((each) => (each.kind === "found" ? each.findings : [])),
      policyLine: "dangerous",
      policyAt: { file: "/etc/sallyport/policy.yaml", line: 12 },
    },
  ],
  summary: "found",
  policyVersion: "p",
  ruleSet: "r",
};
const judgement = { dissection, inspection, verdict };
const text = (columns = 118): string => judgementText(judgement, plainLook(columns));

test("message, parts, other readings, members and artefacts stand where they belong, in order", () => {
  const shown = text()
    .split("\n")
    .filter((line) => /^[│ ]*(?:[├└]─ |0 )/.test(line));
  assert.deepEqual(shown, [
    "0  message",
    "├─ 1  body",
    '├─ 2  "a.zip" or "b.zip", attachment',
    '│  ├─ 2/1  "x\\u{202e}fdp.exe\\n\\u001b[2J", member',
    '│  ├─ 2/2  "two", member',
    "│  ├─ 2/3  artefact: macro of 2/1",
    '│  └─ 2/10  "ten", member',
    '├─ 2~2  "other", attachment (another reading of 2)',
    "└─ 3.1  body",
  ]);
});

test("of each part: what it is and claims to be, size, hash, findings worst first, what was not seen, who found nothing", () => {
  const plain = text();
  for (const piece of [
    "type        application/zip; declared application/octet-stream; 100 B",
    `sha256      ${hash(4)}`,
    "high        name.bad [conflict]: bad: \\u{1b}]0;t\\u{7}",
    "incomplete  encrypted, by zip: A member has a password",
    "clean       yara, type",
    "same as     2/1, whose octets it has: opened there",
    "not seen    nobody has said anything of it",
  ])
    assert.ok(plain.includes(piece), `${piece}\n${plain}`);
  assert.ok(plain.indexOf("name.bad") < plain.indexOf("name.odd"));
});

test("the verdict says what is done, which line of which file decided, because of what, for whom, and what was not seen", () => {
  assert.deepEqual(text().split("\n").slice(-8), [
    "Verdict     found",
    "Does        quarantine: Something dangerous",
    'Decided by  line "dangerous" of the policy, /etc/sallyport/policy.yaml:12',
    'Because of  name.odd (low) in 2/1 "x\\u{202e}fdp.exe\\n\\u001b[2J"',
    '            name.bad (high) in 2/1 "x\\u{202e}fdp.exe\\n\\u001b[2J"',
    "For         b@site.test",
    'Not seen    2 "a.zip": encrypted, by zip',
    "            3: limit, by dissect",
  ]);
  const old = { ...verdict, groups: verdict.groups.map(({ policyAt: _at, ...group }) => group) };
  assert.match(judgementText({ ...judgement, verdict: old }, plainLook(118)), /^Decided by {2}"dangerous"$/m);
  assert.match(judgementText({ ...judgement, verdict: null }, plainLook(118)), /^Verdict {5}not judged yet$/m);
});

test("lines fit into the terminal, but for a hash in the depth and a word that is longer", () => {
  for (const columns of [80, 120])
    for (const line of text(columns).split("\n"))
      if (!/[0-9a-f]{64}/.test(line)) assert.ok(width(line) <= columns, line);
});

test("colours are for terminals that want them", (t) => {
  const said = (isTTY: boolean): string => {
    const { paint } = new Output({ write: () => true, isTTY, columns: 80 }, { write: () => true }, () => false);
    return paint("red", "x");
  };
  const before = { NO_COLOR: process.env["NO_COLOR"], TERM: process.env["TERM"] };
  t.after(() =>
    Object.entries(before).forEach(([name, value]) =>
      value === undefined ? delete process.env[name] : (process.env[name] = value),
    ),
  );
  delete process.env["NO_COLOR"];
  process.env["TERM"] = "xterm";
  assert.equal(said(true), "\x1b[31mx\x1b[39m");
  assert.equal(said(false), "x");
  process.env["NO_COLOR"] = "1";
  assert.equal(said(true), "x");
  delete process.env["NO_COLOR"];
  process.env["TERM"] = "dumb";
  assert.equal(said(true), "x");
});

test("any paths make a tree that holds every part once", () => {
  const path = fc.stringMatching(/^[0-3](?:[./~][0-3]){0,6}$/);
  fc.assert(
    fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 20 }), (paths) => {
      const all = paths.map((each, seed) => part(each, "attachment", [], seed));
      const seen: string[] = [];
      const walk = (nodes: ReturnType<typeof partTree>): void => {
        for (const { part: one, children } of nodes) {
          seen.push(one.path);
          walk(children);
        }
      };
      walk(partTree({ ...dissection, parts: all }, null));
      assert.deepEqual(seen.toSorted(), paths.toSorted());
    }),
    { numRuns: 300 },
  );
});
