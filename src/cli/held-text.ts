/** A message and what is known of it, as text for a terminal; every character of the sender's is escaped. */
import type { Part } from "../core/message.ts";
import type { Dissection, Inspection, Outcome } from "../core/outcome.ts";
import { roughSize } from "../core/units.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Held } from "../review/review.ts";
import { safe } from "./output.ts";

const depthOf = (path: string): number => (path === "0" ? 0 : path.split(/[./]/).length);

function partLine(part: Part): string {
  const name = part.names.length > 0 ? part.names.map((each) => JSON.stringify(each)).join(" or ") : part.role;
  const types = part.types.length > 0 ? part.types.join(", ") : "not identified";
  const declared = part.declaredTypes.length > 0 ? `, declared ${part.declaredTypes.join(", ")}` : "";
  return `${"  ".repeat(depthOf(part.path))}${part.path} ${name} (${types}${declared}; ${roughSize(part.size)}; ${part.sha256.slice(0, 16)}…)`;
}

const outcomeLines = (outcome: Outcome): readonly string[] =>
  outcome.kind === "clean"
    ? []
    : outcome.kind === "incomplete"
      ? [`${outcome.part}: not looked at to the end (${outcome.why}) by ${outcome.inspector}: ${outcome.text}`]
      : outcome.findings.map(
          (finding) => `${finding.part || outcome.part}: ${finding.severity} ${finding.rule}: ${finding.text}`,
        );

export function treeText(dissection: Dissection, inspection: Inspection | null): string {
  const parts = [...(inspection?.parts ?? dissection.parts)].sort((a, b) =>
    a.path.localeCompare(b.path, "en", { numeric: true }),
  );
  const outcomes = (inspection?.outcomes ?? dissection.outcomes).flatMap(outcomeLines);
  return safeLines([...parts.map(partLine), ...(outcomes.length > 0 ? ["", ...outcomes] : [])]);
}

/** Line by line, since `safe` escapes line ends as well. */
const safeLines = (lines: readonly string[]): string => lines.map(safe).join("\n");

export function verdictText(verdict: Verdict): string {
  return safeLines(
    verdict.groups.map((group) => {
      const { disposition: it } = group;
      const more =
        it.kind === "quarantine" || it.kind === "hold"
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

export function heldText(held: Held): string {
  const { envelope } = held;
  const head = [
    `Message    ${held.id}, ${roughSize(held.size)}, arrived ${envelope.arrivedAt}`,
    `Client     ${envelope.client.address} (${envelope.client.helo}), ${envelope.client.tls ?? "no TLS"}`,
    `From       <${envelope.reversePath}>`,
    `To         ${envelope.forwardPaths.map((path) => `<${path.address}> by ${path.route}`).join(", ")}`,
    ...(held.dissection
      ? [`Subject    ${held.dissection.header.subject}`, `SHA-256    ${held.dissection.sha256}`]
      : []),
  ];
  const review = held.review.map(
    (line) =>
      `${line.at} ${line.what} by ${line.by}: ${line.why}${line.forwardPaths ? ` (to ${line.forwardPaths.join(", ")})` : ""}`,
  );
  return [
    safeLines(head),
    ...(held.verdict ? [`Verdict    ${verdictText(held.verdict)}`] : []),
    ...(held.dissection ? ["", treeText(held.dissection, held.inspection)] : []),
    ...(review.length > 0 ? ["", safeLines(review)] : []),
  ].join("\n");
}
