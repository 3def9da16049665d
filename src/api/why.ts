/** Why a message is where it is, in one sentence. */
import type { Part } from "../core/message.ts";
import { type Finding, severities } from "../core/outcome.ts";
import type { Group, Verdict } from "../core/verdict.ts";

const worstOf = (findings: readonly Finding[]): Finding | undefined =>
  findings.toSorted((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity))[0];

function evidence(because: readonly Finding[], parts: readonly Part[]): string {
  const worst = worstOf(because);
  if (!worst) return "";
  const [, unread] = /^incomplete\.(.+)$/.exec(worst.rule) ?? [];
  const name = parts.find(({ path }) => path === worst.part)?.names[0];
  const place = worst.part === "0" ? "the message" : `part ${worst.part}${name === undefined ? "" : ` “${name}”`}`;
  const more = because.length === 1 ? "" : `, and ${because.length - 1} more`;
  return `: ${unread === undefined ? `${worst.rule} (${worst.severity})` : `not inspected to the end (${unread})`} in ${place}${more}`;
}

export const reasonOf = ({ disposition }: Group): string =>
  "reason" in disposition ? disposition.reason : "reply" in disposition ? disposition.reply.text : "";

export function why(verdict: Verdict | null, parts: readonly Part[], otherwise: string): string {
  const group = verdict?.groups.find(({ disposition }) => disposition.kind !== "forward") ?? verdict?.groups[0];
  if (!verdict || !group) return otherwise === "" ? "It has not been judged yet." : otherwise;
  const reason = reasonOf(group) || `${verdict.summary} → ${group.disposition.kind}`;
  return `${reason}${evidence(group.because, parts)} (line “${group.policyLine}” of the policy).`;
}
