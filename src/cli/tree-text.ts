/** Parts, findings and verdicts as lines for a terminal; every character of the sender's is escaped. */
import type { Part } from "../core/message.ts";
import { type Dissection, type Finding, type Inspection, type Outcome, severities } from "../core/outcome.ts";
import { roughSize } from "../core/units.ts";
import type { Verdict } from "../core/verdict.ts";
import { safe, wrap } from "./output.ts";

const depthOf = (path: string): number => (path === "0" ? 0 : path.split(/[./]/).length);

/** Line by line, since `safe` escapes line ends as well. */
export const safeLines = (lines: readonly string[]): string => lines.map(safe).join("\n");

const partsOf = (dissection: Dissection, inspection: Inspection | null): readonly Part[] =>
  [...(inspection?.parts ?? dissection.parts)].sort((a, b) => a.path.localeCompare(b.path, "en", { numeric: true }));

function partLine(part: Part): string {
  const name = part.names.length > 0 ? part.names.map((each) => JSON.stringify(each)).join(" or ") : part.role;
  const types = part.types.length > 0 ? part.types.join(", ") : "not identified";
  const claims = part.declaredTypes.filter((type) => !part.types.includes(type));
  const declared = claims.length > 0 ? `, declared ${claims.join(", ")}` : "";
  return `${"  ".repeat(depthOf(part.path))}${part.path} ${name} (${types}${declared}; ${roughSize(part.size)}; ${part.sha256.slice(0, 16)}…)`;
}

/** Where a finding lies, as people say it: `2/1 "eicar.com"`. */
export function placeIn(dissection: Dissection, inspection: Inspection | null): (path: string) => string {
  const names = new Map(partsOf(dissection, inspection).map((part) => [part.path, part.names[0]]));
  return (path) => {
    const name = names.get(path);
    return name === undefined ? (path === "0" ? "the message" : path) : `${path} ${JSON.stringify(name)}`;
  };
}

const findingsOf = (outcomes: readonly Outcome[]): readonly Finding[] =>
  outcomes.flatMap((outcome) =>
    outcome.kind === "found"
      ? outcome.findings.map((finding) => ({ ...finding, part: finding.part || outcome.part }))
      : [],
  );

/** Worst first. */
export const byWeight = (findings: readonly Finding[]): readonly Finding[] =>
  findings.toSorted((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity));

const inside = 10;

function findingLines(finding: Finding, place: string): readonly string[] {
  const { author, reference } = finding.meta ?? {};
  const source = [author, reference].filter((each) => typeof each === "string" && each !== "").join(", ");
  return [
    `${finding.severity.padEnd(inside - 1)} ${finding.rule} in ${place}`,
    ...wrap(finding.text, inside),
    ...(source === "" ? [] : wrap(`rule by ${source}`, inside)),
  ];
}

export function treeText(dissection: Dissection, inspection: Inspection | null): string {
  const place = placeIn(dissection, inspection);
  const outcomes = inspection?.outcomes ?? dissection.outcomes;
  const findings = byWeight(findingsOf(outcomes)).flatMap((finding) => findingLines(finding, place(finding.part)));
  const unread = outcomes.flatMap((outcome) =>
    outcome.kind === "incomplete"
      ? wrap(`${place(outcome.part)}: ${outcome.why}, by ${outcome.inspector}: ${outcome.text}`, 0)
      : [],
  );
  return safeLines([
    "Parts",
    ...partsOf(dissection, inspection).map(partLine),
    ...(findings.length > 0 ? ["", "Findings", ...findings] : []),
    ...(unread.length > 0 ? ["", "Not inspected to the end", ...unread] : []),
  ]);
}

export function verdictText(verdict: Verdict): string {
  return safeLines(
    verdict.groups.map((group) => {
      const { disposition: it } = group;
      const more =
        it.kind === "quarantine" || it.kind === "hold" || it.kind === "strip"
          ? `: ${it.reason}`
          : it.kind === "forward"
            ? it.tags.length > 0
              ? `, tagged ${it.tags.join(", ")}`
              : ""
            : `: ${it.reply.text}`;
      return `${verdict.summary} → ${it.kind}${more} (policy: ${group.policyLine}; for ${group.forwardPaths.join(", ")})`;
    }),
  );
}
