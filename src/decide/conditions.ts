/** Does a condition of the policy hold for a message and one of its recipients? Pure. */
import { globMatches } from "../core/glob.ts";
import type { Envelope, ForwardPath, Part } from "../core/message.ts";
import { inNetwork } from "../core/network.ts";
import type { Finding } from "../core/outcome.ts";
import { type Evidence, rank } from "./evidence.ts";
import type { Condition, OutcomeName, PartCondition } from "./policy.ts";

/** One message as one recipient's policy sees it. */
export interface Case {
  readonly envelope: Pick<Envelope, "client" | "reversePath">;
  readonly path: ForwardPath;
  readonly direction: "inbound" | "outbound";
  readonly size: number;
  readonly parts: readonly Part[];
  readonly evidence: readonly Evidence[];
}

/** Reasons kept in a verdict; all findings are in the inspection. */
export const mostReasons = 100;

/** Patterns are lower case already. */
const anyGlob = (patterns: readonly string[] | undefined, texts: readonly string[]): boolean =>
  patterns === undefined ||
  texts.some((text) => {
    const lower = text.toLowerCase();
    return patterns.some((pattern) => globMatches(pattern, lower));
  });

/** "@example.com" is a whole domain, "<>" the null reverse-path, anything else an address or a glob. */
function matchesAddress(patterns: readonly string[] | undefined, address: string): boolean {
  const globs = patterns?.map((pattern) => (pattern.startsWith("@") ? `*${pattern}` : pattern === "<>" ? "" : pattern));
  return anyGlob(globs, [address]);
}

/** What stands after the last dot; trailing dots and spaces are cut as Windows does. */
const extensions = (part: Part): readonly string[] =>
  part.names.map((name) => /\.([^./\\]*)$/.exec(name.replace(/[. ]+$/, ""))?.[1] ?? "");

function holdsOfPart(part: Part, wanted: PartCondition): boolean {
  return (
    (wanted.role === undefined || wanted.role.includes(part.role)) &&
    anyGlob(wanted.name, part.names) &&
    anyGlob(wanted.extension, extensions(part)) &&
    anyGlob(wanted.type, [...part.declaredTypes, ...part.types]) &&
    (wanted.larger_than === undefined || part.size > wanted.larger_than)
  );
}

const isOutcome = (wanted: readonly OutcomeName[] | undefined, { outcome }: Evidence): boolean =>
  wanted === undefined || wanted.includes(outcome) || (outcome !== "found" && wanted.includes("incomplete"));

/** Severity, rule and tag can only be said of something found. */
function holdsOfFinding({ outcome, finding }: Evidence, { severity, rule, tag }: Condition): boolean {
  if (severity === undefined && rule === undefined && tag === undefined) return true;
  return (
    outcome === "found" &&
    (severity === undefined || rank(finding.severity) >= rank(severity)) &&
    anyGlob(rule, [finding.rule]) &&
    anyGlob(tag, finding.tags)
  );
}

/** All of it of this one piece of evidence. */
function holdsOfEvidence(evidence: Evidence, wanted: Condition): boolean {
  const { finding, part } = evidence;
  return (
    isOutcome(wanted.outcome, evidence) &&
    holdsOfFinding(evidence, wanted) &&
    anyGlob(wanted.inspector, [finding.inspector]) &&
    (wanted.part === undefined || (part !== null && holdsOfPart(part, wanted.part)))
  );
}

/** Why a line about parts alone holds: there is no finding to point to. */
const partFinding = (part: Part): Finding => ({
  part: part.path,
  inspector: "policy",
  rule: "policy.part",
  severity: "medium",
  tags: [],
  text: `The policy names this part: ${part.names[0] ?? part.types[0] ?? part.role}`.slice(0, 300),
});

/** The findings that make the keys about findings and parts hold, at most 100; null if they do not hold. */
function searchEvidence(wanted: Condition, { parts, evidence }: Case): readonly Finding[] | null {
  const aboutFindings = [wanted.severity, wanted.rule, wanted.tag, wanted.inspector].some((key) => key !== undefined);
  const { part: aboutPart, outcome } = wanted;
  if (!aboutFindings && outcome === undefined) {
    if (aboutPart === undefined) return [];
    const named = parts.filter((part) => holdsOfPart(part, aboutPart));
    return named.length > 0 ? named.slice(0, mostReasons).map(partFinding) : null;
  }
  const found = evidence.filter((one) => holdsOfEvidence(one, wanted)).map((one) => one.finding);
  if (found.length > 0) return found.slice(0, mostReasons);
  const clean = evidence.length === 0 && outcome?.includes("clean") === true && !aboutFindings;
  return clean && (aboutPart === undefined || parts.some((part) => holdsOfPart(part, aboutPart))) ? [] : null;
}

/** The recipients of a message mostly share their evidence; a thousand of them ask once. */
const answers = new WeakMap<readonly Evidence[], Map<Condition, readonly Finding[] | null>>();

function evidenceFor(wanted: Condition, facts: Case): readonly Finding[] | null {
  const known = answers.get(facts.evidence) ?? new Map<Condition, readonly Finding[] | null>();
  answers.set(facts.evidence, known);
  const before = known.get(wanted);
  if (before !== undefined) return before;
  const answer = searchEvidence(wanted, facts);
  known.set(wanted, answer);
  return answer;
}

export function holdsOfEnvelope(wanted: Condition, { envelope, path, direction, size }: Case): boolean {
  return (
    anyGlob(wanted.route, [path.route]) &&
    (wanted.direction === undefined || wanted.direction === direction) &&
    matchesAddress(wanted.recipient, path.address) &&
    matchesAddress(wanted.sender, envelope.reversePath) &&
    (wanted.client === undefined ||
      wanted.client.some(({ network }) => network !== null && inNetwork(envelope.client.address, network))) &&
    (wanted.larger_than === undefined || size > wanted.larger_than)
  );
}

/** The findings that made the condition hold (none, if it is about the envelope alone); null if it does not hold. */
export function match(wanted: Condition, facts: Case): readonly Finding[] | null {
  if (!holdsOfEnvelope(wanted, facts)) return null;
  if (wanted.not !== undefined && match(wanted.not, facts) !== null) return null;
  const own = evidenceFor(wanted, facts);
  const all = wanted.all?.map((one) => match(one, facts)) ?? [];
  const any = wanted.any?.map((one) => match(one, facts)) ?? [[]];
  if (own === null || all.includes(null) || any.every((one) => one === null)) return null;
  return [...new Set([...own, ...all.flatMap((one) => one ?? []), ...any.flatMap((one) => one ?? [])])];
}
