/** Properties of decisions and of the reading of policies, for any message and any text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Incomplete, incompletes, severities } from "../../src/core/outcome.ts";
import { defaultPolicy } from "../../src/decide/default-policy.ts";
import { decide } from "../../src/decide/decide.ts";
import { type Policy, policySchema, rejectCodes } from "../../src/decide/policy.ts";
import { checkPolicy, loadPolicy } from "../../src/policy-file.ts";
import type { ListSnapshot } from "../../src/records/records.ts";
import { fuzzSeconds } from "../support/fuzz-seconds.ts";
import { entry, hash, judgement, type MadeMessage, type MadePart, noLists, routes } from "../support/judgement.ts";

/** Ends by the number of runs, or by the time when FUZZ_SECONDS wants more of them; never before the first on a busy machine. */
const box = {
  interruptAfterTimeLimit: Math.max(20, fuzzSeconds() / 5) * 1000,
  numRuns: fuzzSeconds() > 3 ? 1_000_000 : 200,
};

const rule = fc.constantFrom("pack.bad", "pack.odd", "name.double", "lists.block-hash", "x");
const finding = fc.record({
  rule,
  severity: fc.constantFrom(...severities),
  tags: fc.subarray(["macro", "signed", "a"]),
});
const why = fc.constantFrom<Incomplete[]>(...incompletes);
const part = (
  found: fc.Arbitrary<MadePart["found"]>,
  incomplete: fc.Arbitrary<readonly Incomplete[]>,
): fc.Arbitrary<MadePart> =>
  fc.record({
    role: fc.constantFrom("body", "attachment", "attached-message", "member"),
    names: fc.array(fc.constantFrom("a.docm", "b.zip", "invoice.pdf.exe", "", "..."), { maxLength: 2 }),
    types: fc.subarray(["application/pdf", "application/zip"]),
    size: fc.nat(5000),
    sha256: fc.constantFrom(hash("a"), hash("b")),
    found: found.map((all) => all ?? []),
    incomplete,
  });
const address = fc.constantFrom("a@site.example", "B@site.example", "c@lab.example", "d@x.example", "strange", "");
const message = (parts: fc.Arbitrary<MadePart>): fc.Arbitrary<MadeMessage> =>
  fc.record({
    from: address,
    to: fc.array(
      fc.tuple(address, fc.constantFrom("main", "out", "watched", "gone")).map((pair) => pair.join(" ")),
      { minLength: 1, maxLength: 6 },
    ),
    client: fc.constantFrom("192.0.2.1", "2001:db8::1", "unknown"),
    parts: fc.array(parts, { maxLength: 5 }),
  });
const anyMessage = message(part(fc.array(finding, { maxLength: 3 }), fc.array(why, { maxLength: 2 })));
const cleanMessage = message(part(fc.constant([]), fc.constant([])));
const incompleteMessage = fc
  .tuple(anyMessage, part(fc.constant([]), fc.array(why, { minLength: 1, maxLength: 2 })))
  .map(([made, one]) => ({ ...made, parts: [...(made.parts ?? []), one] }));

const pattern = fc.constantFrom("*", "@site.example", "a@*", "<>", "pack.*", "lists.*", "macro", "main", "?");
/** Without a limit of depth the trees would grow beyond all measure. */
const nested = <T>(deeper: fc.Arbitrary<T>) =>
  fc.oneof({ maxDepth: 3, depthIdentifier: "condition" }, fc.constant({ outcome: "clean" }), deeper);
const condition = fc.letrec<{ any: Record<string, unknown> }>((tie) => ({
  any: fc.record(
    {
      route: pattern,
      direction: fc.constantFrom("inbound", "outbound"),
      recipient: fc.array(pattern, { minLength: 1, maxLength: 2 }),
      sender: pattern,
      client: fc.constantFrom("192.0.2.0/24", "::/0"),
      larger_than: fc.constantFrom("1kB", "999B"),
      outcome: fc.constantFrom("clean", "found", "incomplete", ...incompletes),
      severity: fc.constantFrom(...severities),
      rule: pattern,
      tag: pattern,
      inspector: fc.constantFrom("yara", "zip", "lists"),
      part: fc.record({ extension: pattern, role: fc.constantFrom("body", "member") }, { requiredKeys: [] }),
      not: nested(tie("any")),
      any: fc.array(nested(tie("any")), { minLength: 1, maxLength: 2 }),
      all: fc.array(nested(tie("any")), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
})).any;
const line = fc.oneof(
  fc.record({ if: condition, then: fc.constant("forward"), tags: fc.subarray(["t1", "t2"]) }),
  fc.record({ if: condition, then: fc.constant("quarantine") }),
  fc.record({ if: condition, then: fc.constant("reject"), code: fc.constantFrom(...rejectCodes) }),
  fc.record({ if: condition, then: fc.constant("defer") }),
  fc.record({ if: condition, then: fc.constant("hold"), for: fc.constantFrom("1h", "2d") }),
);
/** Also such that `checkPolicy` would refuse: decide is total for them too. */
const anyPolicy: fc.Arbitrary<Policy> = fc
  .array(line, { minLength: 1, maxLength: 5 })
  .map((rules) => ({ version: "v", lines: policySchema.parse({ version: 1, rules }).rules }));
const anyLists: fc.Arbitrary<ListSnapshot> = fc.record({
  entries: fc.array(
    fc
      .tuple(
        fc.constantFrom("allow", "block"),
        fc.constantFrom("hash", "sender", "recipient"),
        fc.constantFrom(hash("a"), "a@site.example", "@site.example"),
      )
      .map(([kind, subject, value]) => entry(kind, subject, value)),
    { maxLength: 4 },
  ),
  disabledRules: fc.subarray(["pack.*", "x"]),
  bypass: fc.option(fc.constant({ until: "", by: "a", reason: "b", routes: ["main"] })),
});

const standard = loadPolicy(undefined);

test("every forward-path is in exactly one group, whatever comes", () => {
  fc.assert(
    fc.property(anyMessage, anyPolicy, anyLists, fc.nat(), (made, policy, lists, ageMs) => {
      const [envelope, dissection, inspection] = judgement(made);
      const verdict = decide(envelope, dissection, inspection, policy, lists, routes, ageMs);
      const placed = verdict.groups.flatMap((group) => group.forwardPaths);
      assert.deepEqual([...placed].sort(), [...new Set(envelope.forwardPaths.map((path) => path.address))].sort());
      for (const group of verdict.groups) assert.ok(group.because.length <= 100);
    }),
    box,
  );
});

test("the same facts give the same verdict, and no fact is changed", () => {
  fc.assert(
    fc.property(anyMessage, anyPolicy, anyLists, (made, policy, lists) => {
      const facts = judgement(made);
      const before = JSON.stringify([facts, lists]);
      const first = decide(...facts, policy, lists, routes);
      assert.equal(JSON.stringify([facts, lists]), before);
      assert.deepEqual(decide(...judgement(made), policy, structuredClone(lists), routes), first);
    }),
    box,
  );
});

test("what is clean and on no list is forwarded without a tag by the built-in policy", () => {
  fc.assert(
    fc.property(cleanMessage, (made) => {
      const verdict = decide(...judgement(made), standard, noLists, routes);
      assert.equal(verdict.summary, "clean");
      for (const group of verdict.groups) {
        assert.deepEqual(group.disposition, { kind: "forward", tags: [] });
        assert.deepEqual(group.because, []);
      }
    }),
    box,
  );
});

test("what is incomplete never meets the line for clean messages, and never leaves without its tag", () => {
  const checked = checkPolicy(
    "version: 1\nrules:\n  - { name: clean, if: { outcome: clean }, then: forward }\n  - { if: { outcome: incomplete }, then: forward }\n  - { then: forward }\n",
    "p",
  );
  assert.ok(checked.ok);
  fc.assert(
    fc.property(incompleteMessage, fc.option(anyPolicy), (made, other) => {
      const verdict = decide(...judgement(made), other ?? checked.value, noLists, routes);
      assert.notEqual(verdict.summary, "clean");
      for (const { disposition, policyLine, observed } of verdict.groups) {
        if (!other) assert.notEqual(policyLine, "clean");
        if (disposition.kind === "forward" && !observed) assert.ok(disposition.tags.includes("incomplete"));
      }
    }),
    box,
  );
});

test("the built-in policy lets nothing incomplete but encrypted parts pass", () => {
  fc.assert(
    fc.property(incompleteMessage, (made) => {
      const all = made.parts.flatMap((one) => one.incomplete ?? []);
      const verdict = decide(...judgement(made), standard, noLists, routes);
      for (const { disposition, observed, policyLine } of verdict.groups) {
        assert.notEqual(policyLine, "default");
        if ((observed ?? disposition).kind === "forward") assert.ok(all.every((one) => one === "encrypted"));
      }
    }),
    box,
  );
});

test("any text is a policy or gets problems with a place in it", () => {
  const mutated = fc
    .tuple(fc.nat(defaultPolicy.length), fc.nat(20), fc.string({ unit: "binary", maxLength: 20 }))
    .map(([at, cut, text]) => defaultPolicy.slice(0, at) + text + defaultPolicy.slice(at + cut));
  const yamlish = fc
    .array(
      fc.constantFrom(
        "version: 1",
        "rules:",
        "  - ",
        "if:",
        "then: forward",
        "&a",
        "*a",
        "{",
        "}",
        "[",
        "]",
        "\n",
        ": ",
        "? ",
        "!!binary ",
        "|",
        "\t",
        "'",
        "#",
      ),
      { maxLength: 30 },
    )
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.oneof(mutated, yamlish, fc.string({ unit: "binary" })), (text) => {
      const checked = checkPolicy(text, "p.yaml");
      if (checked.ok) return;
      assert.ok(checked.problems.length > 0);
      const lines = text.split("\n").length + 1;
      for (const { line: at, column } of checked.problems) assert.ok(at >= 1 && at <= lines && column >= 1);
    }),
    box,
  );
});

test("nesting without end and aliases without measure are problems, not crashes", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ..."bcdefgh".split("").map((c, i) => `${c}: &${c} [${`*${"abcdefgh"[i]},`.repeat(9)}]`),
  ];
  const deep = (depth: number): string =>
    `version: 1\nrules:\n  - then: reject\n    if: ${"{ not: ".repeat(depth)}{ tagg: a }${" }".repeat(depth)}\n  - then: reject\n`;
  for (const text of ["[".repeat(20_000), deep(100), deep(600), deep(3000), bomb.join("\n")]) {
    const checked = checkPolicy(text, "p.yaml");
    assert.ok(!checked.ok);
  }
});
