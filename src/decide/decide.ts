/** What was found → what is done, for each recipient. Pure and total: no clock, no I/O, an answer for everything. */
import { globMatches } from "../core/glob.ts";
import type { Envelope, ForwardPath, Millis } from "../core/message.ts";
import type { Dissection, Finding, Inspection } from "../core/outcome.ts";
import { reply } from "../core/status.ts";
import type { Disposition, Group, PolicyPlace, Verdict } from "../core/verdict.ts";
import type { ListSnapshot } from "../records/records.ts";
import { type Case, match, mostReasons } from "./conditions.ts";
import { allParts, collect, type Evidence, summarise, worstFirst } from "./evidence.ts";
import { applyLists, type Listed } from "./lists.ts";
import type { Condition, Policy, PolicyLine } from "./policy.ts";

/** What a policy may know of a route. */
export interface RouteFacts {
  readonly direction: "inbound" | "outbound";
  readonly mode: "enforce" | "observe";
}

type StripLine = Extract<PolicyLine, { readonly then: "strip" }>;

interface Answer {
  readonly disposition: Disposition;
  readonly because: readonly Finding[];
  readonly policyLine: string;
  readonly policyAt?: PolicyPlace;
}

/** "550 5.7.1" of the safe set that policy.ts allows. */
const basic = (code: string): number => Number(code.slice(1, 3));
const detail = (code: string): string => code.slice(6);

const refusal = reply(5, 50, "7.1", "Message refused by the content policy of this site");

function toStrip({ reason, notice, signed, otherwise }: StripLine, name: string): Disposition {
  const words = reason ?? `Line "${name}" of the policy`;
  return {
    kind: "strip",
    reason: words,
    notice: notice ?? null,
    signed,
    otherwise: otherwise === "reject" ? { kind: "reject", reply: refusal } : { kind: "quarantine", reason: words },
  };
}

export function toDisposition(line: PolicyLine, name: string, ageMs: Millis = 0): Disposition {
  switch (line.then) {
    case "forward":
      return { kind: "forward", tags: line.tags };
    case "quarantine":
      return { kind: "quarantine", reason: line.reason ?? `Line "${name}" of the policy` };
    case "strip":
      return toStrip(line, name);
    case "hold":
      return {
        kind: "hold",
        reason: line.reason ?? `Line "${name}" of the policy`,
        forMs: Math.max(1, line.for - ageMs),
      };
    case "reject":
      return { kind: "reject", reply: reply(5, basic(line.code), detail(line.code), line.text) };
    case "defer":
      return { kind: "defer", reply: reply(4, basic(line.code), detail(line.code), line.text) };
  }
}

/** Does the condition itself speak of the lists? Only such a line may answer for a blocked message. */
export const namesLists = (wanted: Condition | undefined): boolean =>
  wanted?.inspector?.includes("lists") === true ||
  wanted?.rule?.some((rule) => rule.startsWith("lists.")) === true ||
  [...(wanted?.any ?? []), ...(wanted?.all ?? [])].some(namesLists);

const placed = (at: PolicyPlace | undefined) => (at === undefined ? {} : { policyAt: at });

function firstLine(facts: Case, policy: Policy, ageMs: Millis, isBlocked: boolean): Answer | null {
  for (const [index, line] of policy.lines.entries()) {
    if (isBlocked && !namesLists(line.if)) continue;
    // A hold ends: what has waited that long is for the lines below.
    if (line.then === "hold" && ageMs >= line.for) continue;
    const found = line.if === undefined ? [] : match(line.if, facts);
    if (found === null) continue;
    const policyLine = line.name ?? (line.if === undefined ? "default" : `line ${index + 1}`);
    const because = found.length > 0 ? found : facts.evidence.slice(0, mostReasons).map((one) => one.finding);
    return {
      disposition: toDisposition(line, policyLine, ageMs),
      because,
      policyLine,
      ...placed(policy.places?.[index]),
    };
  }
  return null;
}

/** A blocked message that no line of the policy speaks of, and a policy without a default line, which `checkPolicy` refuses. */
const unanswered = (blocked: readonly Finding[], evidence: readonly Evidence[]): Answer => ({
  disposition: { kind: "quarantine", reason: blocked[0]?.text ?? "No line of the policy has an answer" },
  because: blocked.length > 0 ? blocked : evidence.map((one) => one.finding),
  policyLine: blocked.length > 0 ? "block list" : "none",
});

/** Marks that no policy can leave out: what was not seen to its end, and what only an entry of a list lets through. */
function mark(answer: Disposition, marks: readonly string[]): Disposition {
  return answer.kind === "forward" ? { kind: "forward", tags: [...new Set([...answer.tags, ...marks])] } : answer;
}

function answer(listed: Listed, marks: readonly string[], facts: Case, policy: Policy, ageMs: Millis): Answer {
  const blocks: Evidence[] = listed.blocked.map((finding) => ({ part: null, outcome: "found", finding }));
  const seen: Case = blocks.length > 0 ? { ...facts, evidence: [...blocks, ...listed.evidence] } : facts;
  const made = firstLine(seen, policy, ageMs, blocks.length > 0) ?? unanswered(listed.blocked, listed.evidence);
  const own = listed.allowed.length > 0 ? [...marks, "allowed"] : marks;
  const because = worstFirst([...made.because, ...listed.allowed]).slice(0, mostReasons);
  return { ...made, disposition: mark(made.disposition, own), because };
}

export const isBypassed = ({ bypass }: ListSnapshot, route: string): boolean =>
  bypass !== null && (bypass.routes.length === 0 || bypass.routes.includes(route));

/** The bypass and `mode: observe` let everything pass, say so in a tag, and keep what would have been done. */
function asGroup(path: ForwardPath, made: Answer, route: RouteFacts | undefined, bypassed: boolean): Group {
  const group = { forwardPaths: [path.address], route: path.route, because: made.because };
  const { disposition: observed } = made;
  const tags = observed.kind === "forward" ? observed.tags : [`would-${observed.kind}`];
  if (bypassed)
    return { ...group, disposition: { kind: "forward", tags: ["bypass", ...tags] }, policyLine: "bypass", observed };
  const line = { policyLine: made.policyLine, ...placed(made.policyAt) };
  if (route?.mode !== "observe") return { ...group, disposition: observed, ...line };
  return { ...group, disposition: { kind: "forward", tags }, ...line, observed };
}

/** Recipients with the same answer become one group, in the order of RCPT. */
function gather(groups: Iterable<Group>): readonly Group[] {
  const byAnswer = new Map<string, Group>();
  for (const { forwardPaths, ...group } of groups) {
    const because = group.because.map((finding) => [finding.part, finding.inspector, finding.rule, finding.text]);
    const key = JSON.stringify({ ...group, because });
    const paths = [...(byAnswer.get(key)?.forwardPaths ?? []), ...forwardPaths];
    byAnswer.set(key, { ...group, forwardPaths: paths });
  }
  return [...byAnswer.values()];
}

/** `ageMs` is how long the message has been with us: a line that holds for a time is passed over afterwards. */
export function decide(
  envelope: Envelope,
  dissection: Dissection,
  inspection: Inspection,
  policy: Policy,
  lists: ListSnapshot,
  routes: ReadonlyMap<string, RouteFacts>,
  ageMs: Millis = 0,
): Verdict {
  const isDisabled = (rule: string): boolean => lists.disabledRules.some((pattern) => globMatches(pattern, rule));
  const parts = allParts(dissection, inspection);
  const evidence = collect(dissection, inspection, parts, isDisabled);
  const marks = evidence.some((one) => one.outcome !== "found") ? ["incomplete"] : [];

  const paths = new Map(envelope.forwardPaths.map((path) => [path.address, path]));
  const listedFor = applyLists(evidence, parts, envelope, lists.entries);
  const groups = [...paths.values()].map((path): Group => {
    const listed = listedFor(path.address);
    const direction = routes.get(path.route)?.direction ?? "inbound";
    const facts: Case = { envelope, path, direction, size: dissection.size, parts, evidence: listed.evidence };
    const made = answer(listed, marks, facts, policy, ageMs);
    return asGroup(path, made, routes.get(path.route), isBypassed(lists, path.route));
  });
  return {
    groups: gather(groups),
    summary: summarise(evidence),
    policyVersion: policy.version,
    ruleSet: inspection.ruleSet,
  };
}
