/** From what was found to what is done: the default policy, groups, lists, bypass, observation. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { format } from "../../../src/core/status.ts";
import type { Verdict } from "../../../src/core/verdict.ts";
import { decide } from "../../../src/decide/decide.ts";
import type { Policy } from "../../../src/decide/policy.ts";
import { checkPolicy, loadPolicy } from "../../../src/policy-file.ts";
import type { ListSnapshot } from "../../../src/records/records.ts";
import { entry, hash, judgement, type MadeMessage, noLists, routes } from "../../support/judgement.ts";

const standard = loadPolicy(undefined);

function policy(...lines: readonly string[]): Policy {
  const text = ["version: 1", "rules:", ...lines.map((line) => `  - ${line}`)].join("\n");
  const checked = checkPolicy(text, "policy.yaml");
  assert.ok(checked.ok, checked.ok ? "" : JSON.stringify(checked.problems));
  return checked.value;
}

const verdict = (message: MadeMessage, by: Policy = standard, lists: Partial<ListSnapshot> = {}, ageMs = 0): Verdict =>
  decide(...judgement(message), by, { ...noLists, ...lists }, routes, ageMs);

/** "forward [tags]", "quarantine", … of the only group. */
function brief(made: Verdict): string {
  assert.equal(made.groups.length, 1);
  const disposition = made.groups[0]?.disposition;
  return disposition?.kind === "forward" ? `forward ${disposition.tags.join(",")}`.trim() : String(disposition?.kind);
}

const high = { found: [{ rule: "pack.bad", severity: "high" }] } as const;
const medium = { found: [{ rule: "pack.odd", severity: "medium" }] } as const;

test("a clean message is forwarded without a tag", () => {
  const made = verdict({ parts: [{ role: "body" }] });
  assert.equal(brief(made), "forward");
  assert.equal(made.summary, "clean");
  assert.deepEqual(made.groups[0]?.because, []);
  assert.equal(made.groups[0]?.policyLine, "default");
  assert.equal(made.ruleSet, "rules-1");
  assert.match(made.policyVersion, /^[0-9a-f]{12}$/);
});

test("a verdict says where the line stands that decided", () => {
  const by = policy("{ name: bad, if: { severity: high }, then: quarantine }", "{ then: quarantine }");
  assert.deepEqual(verdict({ parts: [high] }, by).groups[0]?.policyAt, { file: "policy.yaml", line: 3 });
  assert.deepEqual(verdict({ parts: [{}] }, by).groups[0]?.policyAt, { file: "policy.yaml", line: 4 });
  assert.deepEqual(verdict({ parts: [high] }).groups[0]?.policyAt, { file: "built-in policy", line: 3 });
});

test("a line that strips says what is done where nothing can be stripped", () => {
  const stripped = (line: string) =>
    verdict({ parts: [high] }, policy(line, "{ then: quarantine }")).groups[0]?.disposition;
  assert.deepEqual(stripped("{ name: s, if: { severity: high }, then: strip }"), {
    kind: "strip",
    reason: 'Line "s" of the policy',
    notice: null,
    signed: false,
    otherwise: { kind: "quarantine", reason: 'Line "s" of the policy' },
  });
  const refused = stripped("{ if: { severity: high }, then: strip, signed: true, notice: Gone, otherwise: reject }");
  assert.ok(refused?.kind === "strip" && refused.otherwise.kind === "reject" && refused.signed);
  assert.equal(format(refused.otherwise.reply), "550 5.7.1 Message refused by the content policy of this site");
});

test("what is high is quarantined, what is medium is tagged, what is low passes", () => {
  assert.equal(brief(verdict({ parts: [medium, high] })), "quarantine");
  assert.equal(brief(verdict({ parts: [medium] })), "forward suspicious");
  assert.equal(brief(verdict({ parts: [{ found: [{ rule: "pack.hint", severity: "low" }] }] })), "forward");
});

test("what was not inspected to its end is quarantined, what is encrypted is tagged twice", () => {
  for (const why of ["malformed", "limit", "timeout", "crashed", "unsupported"] as const) {
    const made = verdict({ parts: [{ incomplete: ["encrypted", why] }] });
    assert.equal(brief(made), "quarantine", why);
    assert.equal(made.groups[0]?.because[0]?.rule, `incomplete.${why}`);
    assert.equal(made.summary, "incomplete");
  }
  assert.equal(brief(verdict({ parts: [{ incomplete: ["encrypted"] }] })), "forward encrypted,incomplete");
});

test("a part of which nobody has said anything is incomplete", () => {
  const made = verdict({ parts: [{ role: "body" }, { silent: true }] });
  assert.equal(brief(made), "quarantine");
  assert.equal(made.groups[0]?.because[0]?.rule, "incomplete.unsupported");
});

test("no policy can forward something incomplete without the tag that says so", () => {
  const lax = policy("{ if: { outcome: incomplete }, then: forward }", "{ then: forward }");
  assert.equal(brief(verdict({ parts: [{ incomplete: ["crashed"] }] }, lax)), "forward incomplete");
});

test("reasons are sorted worst first and kept to a hundred", () => {
  const many = Array.from({ length: 300 }, (_, i) => ({ rule: `pack.r${i}`, severity: "high" }) as const);
  const made = verdict({ parts: [medium, { found: many }, { found: [{ rule: "pack.worst", severity: "critical" }] }] });
  const because = made.groups[0]?.because ?? [];
  assert.equal(because.length, 100);
  assert.equal(because[0]?.rule, "pack.worst");
});

test("recipients whose policy differs become groups of their own, in the order of RCPT", () => {
  const by = policy(
    '{ name: lab, if: { recipient: "@lab.example", severity: high }, then: forward, tags: [lab] }',
    "{ if: { severity: high }, then: reject, code: 554 5.7.1, text: No thanks }",
    "{ then: quarantine }",
  );
  const made = verdict(
    { to: ["a@site.example", "b@lab.example", "c@site.example", "d@SITE.example out"], parts: [high] },
    by,
  );
  assert.deepEqual(
    made.groups.map(({ forwardPaths, route, policyLine }) => [forwardPaths, route, policyLine]),
    [
      [["a@site.example", "c@site.example"], "main", "line 2"],
      [["b@lab.example"], "main", "lab"],
      [["d@SITE.example"], "out", "line 2"],
    ],
  );
  const [first] = made.groups;
  assert.ok(first?.disposition.kind === "reject");
  assert.equal(format(first.disposition.reply), "554 5.7.1 No thanks");
});

test("a forward-path that was given twice is in one group once", () => {
  const made = verdict({ to: ["a@site.example", "a@site.example"] });
  assert.deepEqual(made.groups[0]?.forwardPaths, ["a@site.example"]);
});

test("a blocked hash, sender or recipient is quarantined although all else is clean", () => {
  const parts = [{ role: "body" }, { path: "2" }, { path: "2/1", role: "member", sha256: hash("a") }] as const;
  for (const listed of [
    entry("block", "hash", hash("a")),
    entry("block", "sender", "a@client.example"),
    entry("block", "sender", "@client.example"),
    entry("block", "recipient", "b@site.example"),
  ]) {
    const made = verdict({ from: "A@Client.example", parts }, standard, { entries: [listed] });
    assert.equal(brief(made), "quarantine", listed.value);
    assert.equal(made.groups[0]?.because[0]?.rule, `lists.block-${listed.subject}`);
    assert.equal(made.groups[0]?.policyLine, "block list");
  }
  const other = entry("block", "sender", "@sub.client.example");
  assert.equal(brief(verdict({ parts }, standard, { entries: [other] })), "forward");
});

test("a blocked recipient takes nothing from the others", () => {
  const entries = [entry("block", "recipient", "b@site.example")];
  const made = verdict({ to: ["a@site.example", "b@site.example"] }, standard, { entries });
  assert.deepEqual(
    made.groups.map((group) => group.disposition.kind),
    ["forward", "quarantine"],
  );
});

test("only a line that speaks of the lists answers for what is blocked", () => {
  const entries = [entry("block", "sender", "@client.example")];
  const lax = policy('{ if: { sender: "@client.example" }, then: forward }', "{ then: quarantine }");
  assert.equal(brief(verdict({}, lax, { entries })), "quarantine");
  const strict = policy("{ if: { rule: lists.block-* }, then: reject }", "{ then: quarantine }");
  assert.equal(brief(verdict({}, strict, { entries })), "reject");
});

test("an allowed hash lifts everything about that content and what is inside it, and says so", () => {
  const entries = [entry("allow", "hash", hash("a"), "our own tool")];
  const archive = { path: "2", sha256: hash("a"), incomplete: ["encrypted"] } as const;
  const critical = { path: "2/1", role: "member", found: [{ rule: "pack.bad", severity: "critical" }] } as const;
  const made = verdict({ parts: [archive, critical] }, standard, { entries });
  assert.equal(brief(made), "forward incomplete,allowed");
  assert.equal(made.summary, "found");
  assert.equal(made.groups[0]?.because[0]?.rule, "lists.allow-hash");
  assert.match(made.groups[0]?.because[0]?.text ?? "", /pack\.bad.*our own tool \(admin\)/);
  const neighbour = { path: "21", found: [{ rule: "pack.bad", severity: "high" }] } as const;
  assert.equal(brief(verdict({ parts: [archive, neighbour] }, standard, { entries })), "quarantine");
});

test("an allowed sender lifts all but critical findings", () => {
  const entries = [entry("allow", "sender", "@client.example")];
  assert.equal(
    brief(verdict({ parts: [high, { incomplete: ["limit"] }] }, standard, { entries })),
    "forward incomplete,allowed",
  );
  const critical = { found: [{ rule: "pack.bad", severity: "critical" }] } as const;
  assert.equal(brief(verdict({ parts: [critical] }, standard, { entries })), "quarantine");
});

test("an allow entry for a clean message leaves no trace", () => {
  const made = verdict({ parts: [{}] }, standard, { entries: [entry("allow", "sender", "@client.example")] });
  assert.equal(brief(made), "forward");
  assert.deepEqual(made.groups[0]?.because, []);
});

test("a block beats an allow entry, save a block of a domain an allowed address of it", () => {
  const block = entry("block", "sender", "@client.example");
  const allow = entry("allow", "sender", "a@client.example");
  assert.equal(brief(verdict({}, standard, { entries: [block, allow] })), "forward");
  const exact = entry("block", "sender", "a@client.example");
  assert.equal(
    brief(verdict({}, standard, { entries: [exact, entry("allow", "sender", "@client.example")] })),
    "quarantine",
  );
  assert.equal(
    brief(verdict({}, standard, { entries: [exact, entry("allow", "recipient", "b@site.example")] })),
    "quarantine",
  );
});

test("a disabled rule is as if it did not exist", () => {
  const made = verdict({ parts: [high] }, standard, { disabledRules: ["pack.bad"] });
  assert.equal(brief(made), "forward");
  assert.equal(made.summary, "clean");
  assert.equal(brief(verdict({ parts: [high] }, standard, { disabledRules: ["pack.*"] })), "forward");
  assert.equal(brief(verdict({ parts: [high] }, standard, { disabledRules: ["other.bad"] })), "quarantine");
});

test("the bypass forwards with a tag, and keeps what would have been done", () => {
  const bypass = { until: "2026-11-23T00:00:00Z", by: "admin", reason: "outage", routes: ["main"] };
  const made = verdict({ parts: [high] }, standard, { bypass });
  assert.equal(brief(made), "forward bypass,would-quarantine");
  assert.equal(made.groups[0]?.observed?.kind, "quarantine");
  assert.equal(made.groups[0]?.because[0]?.rule, "pack.bad");
  assert.equal(brief(verdict({ to: ["a@site.example out"], parts: [high] }, standard, { bypass })), "quarantine");
  assert.equal(
    brief(verdict({ to: ["a@site.example out"] }, standard, { bypass: { ...bypass, routes: [] } })),
    "forward bypass",
  );
});

test("a route that only observes forwards everything, tagged with what would have been done", () => {
  const made = verdict({ to: ["a@site.example watched"], parts: [high] });
  assert.equal(brief(made), "forward would-quarantine");
  assert.equal(made.groups[0]?.observed?.kind, "quarantine");
  assert.equal(brief(verdict({ to: ["a@site.example watched"], parts: [medium] })), "forward suspicious");
});

test("a hold ends: what has waited long enough is for the lines below", () => {
  const by = policy("{ if: { severity: medium }, then: hold, for: 2h, reason: wait }", "{ then: quarantine }");
  const held = verdict({ parts: [medium] }, by).groups[0]?.disposition;
  assert.deepEqual(held, { kind: "hold", reason: "wait", forMs: 7_200_000 });
  assert.equal(brief(verdict({ parts: [medium] }, by, {}, 7_200_000)), "quarantine");
});

test("defer answers with a reply of class 4", () => {
  const made = verdict({}, policy("{ then: defer, code: 450 4.7.1, text: Later }")).groups[0]?.disposition;
  assert.ok(made?.kind === "defer");
  assert.equal(format(made.reply), "450 4.7.1 Later");
});

test("a policy without an answer, which no file can hold, quarantines", () => {
  assert.equal(brief(verdict({}, { version: "x", lines: [] })), "quarantine");
});

test("a thousand recipients and ten thousand findings are decided within a second of processor time", () => {
  const found = Array.from({ length: 10_000 }, (_, i) => ({ rule: `pack.r${i}`, severity: "high" }) as const);
  const to = Array.from({ length: 1000 }, (_, i) => `u${i}@site.example`);
  const by = policy(
    "{ if: { recipient: u7@site.example, rule: other.* }, then: forward }",
    "{ if: { severity: high }, then: quarantine }",
    "{ then: quarantine }",
  );
  const made = judgement({ to, parts: [{ found }] });
  const started = process.cpuUsage();
  assert.equal(decide(...made, by, noLists, routes).groups.length, 1);
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs`);
});
