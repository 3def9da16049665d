/** All that a message has to answer for: findings, and parts that could not be looked at to their end. */
import type { Part } from "../core/message.ts";
import {
  type Dissection,
  type Finding,
  type Incomplete,
  type Inspection,
  type Outcome,
  severities,
  type Severity,
} from "../core/outcome.ts";
import type { Verdict } from "../core/verdict.ts";

export interface Evidence {
  /** Null if it is about the envelope. */
  readonly part: Part | null;
  readonly outcome: "found" | Incomplete;
  /** Of something incomplete: that fact in the form of a finding, so that it can stand among the reasons. */
  readonly finding: Finding;
}

export const rank = (severity: Severity): number => severities.indexOf(severity);

/** Worst first; equals keep their order. */
export const worstFirst = (findings: Iterable<Finding>): readonly Finding[] =>
  [...findings].sort((a, b) => rank(b.severity) - rank(a.severity));

const incompleteFinding = (outcome: Extract<Outcome, { kind: "incomplete" }>): Finding => ({
  part: outcome.part,
  inspector: outcome.inspector,
  rule: `incomplete.${outcome.why}`,
  // What is locked may be honest and often is; what breaks, floods or stalls an inspector seldom is.
  severity: outcome.why === "encrypted" ? "medium" : "high",
  tags: ["incomplete"],
  text: outcome.text.slice(0, 300),
});

/** The whole tree: inspected parts know their types; a dissected part that inspection has lost is still there. */
export function allParts(dissection: Dissection, inspection: Inspection): readonly Part[] {
  const known = new Set(inspection.parts.map((part) => part.path));
  return [...inspection.parts, ...dissection.parts.filter((part) => !known.has(part.path))];
}

/** Silence is no answer: octets of which no inspector has said anything are *incomplete*. */
function silences(dissection: Dissection, inspection: Inspection): readonly Outcome[] {
  const heard = new Set(inspection.outcomes.map((outcome) => outcome.part));
  return dissection.parts
    .filter((part) => part.view !== null && part.size > 0 && !heard.has(part.path))
    .map(({ path }) => ({
      part: path,
      inspector: "decide",
      kind: "incomplete",
      why: "unsupported",
      text: "No inspector has looked at this part",
    }));
}

/** Worst first. Findings of rules that `isDisabled` are as if the rule did not exist. */
export function collect(
  dissection: Dissection,
  inspection: Inspection,
  parts: readonly Part[],
  isDisabled: (rule: string) => boolean,
): readonly Evidence[] {
  const byPath = new Map(parts.map((part) => [part.path, part]));
  const evidence: Evidence[] = [];
  const seen = new Set<string>();
  const add = (outcome: Evidence["outcome"], finding: Finding): void => {
    // Inspection repeats what dissection said.
    const key = JSON.stringify([finding.part, finding.inspector, finding.rule, finding.text]);
    if (seen.has(key)) return;
    seen.add(key);
    evidence.push({ part: byPath.get(finding.part) ?? null, outcome, finding });
  };
  for (const outcome of [...dissection.outcomes, ...inspection.outcomes, ...silences(dissection, inspection)]) {
    if (outcome.kind === "incomplete") add(outcome.why, incompleteFinding(outcome));
    if (outcome.kind === "found")
      for (const finding of outcome.findings) if (!isDisabled(finding.rule)) add("found", finding);
  }
  return evidence.sort((a, b) => rank(b.finding.severity) - rank(a.finding.severity));
}

/** One word for the whole: something found from `medium` upwards says more than a part that stayed closed; that says more than trifles. */
export function summarise(evidence: readonly Evidence[]): Verdict["summary"] {
  const found = evidence.filter((one) => one.outcome === "found");
  if (found.some((one) => rank(one.finding.severity) >= rank("medium"))) return "found";
  if (found.length < evidence.length) return "incomplete";
  return found.length > 0 ? "found" : "clean";
}
