/** A held message for the person who decides about it: why it is held, what is in it, what can be done. */
import type { Finding, Inspection } from "../core/outcome.ts";
import { roughAge, roughSize } from "../core/units.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { Held } from "../review/review.ts";
import { wrap } from "./output.ts";
import { byWeight, placeIn, safeLines, treeText, verdictText } from "./tree-text.ts";

const isHolding = ({ disposition: { kind } }: Group): boolean => ["quarantine", "hold", "strip"].includes(kind);
const label = (name: string): string => name.padEnd(11);
const labelled = (name: string, text: string): readonly string[] => {
  const [first = "", ...rest] = wrap(text, 11);
  return [label(name) + first.trimStart(), ...rest];
};

function evidence({ dissection, inspection }: Held, because: readonly Finding[]): string {
  const [worst, ...others] = byWeight(because);
  if (!worst) return "";
  // What was not inspected is no match of a rule, though the policy weighs it as one.
  const [, unread] = /^incomplete\.(.+)$/.exec(worst.rule) ?? [];
  const place = dissection ? placeIn(dissection, inspection)(worst.part) : worst.part;
  const more = others.length === 0 ? "" : `, and ${others.length} more ${others.length === 1 ? "finding" : "findings"}`;
  return `: ${unread ?? `${worst.rule} (${worst.severity})`} in ${place}${more}`;
}

/** In one sentence. */
function why(held: Held): string {
  const group = held.verdict?.groups.find(isHolding);
  if (!group) return held.verdict ? verdictText(held.verdict) : "It has not been judged yet.";
  const reason = "reason" in group.disposition ? group.disposition.reason : "";
  return `${reason}${evidence(held, group.because)} (line "${group.policyLine}" of the policy).`;
}

/** Recipients that no release has served yet. */
function waiting(held: Held): readonly string[] {
  const served = new Set(held.review.flatMap((line) => (line.what === "released" ? (line.forwardPaths ?? []) : [])));
  return held.envelope.forwardPaths.map(({ address }) => address).filter((address) => !served.has(address));
}

/** Commands to copy; nothing of the sender's stands in them. */
function next(held: Held): readonly string[] {
  const quarantine = (words: string): string => `sallyport quarantine ${words}`;
  const look = [quarantine(`show ${held.id} --text`), "what a mail program would show of it"] as const;
  if (held.state !== "quarantine") return rows([look]);
  const left = waiting(held);
  const isReleased = left.length < held.envelope.forwardPaths.length;
  const rule = held.verdict?.groups.find(isHolding)?.because.find(({ inspector }) => inspector === "yara")?.rule;
  const commands: (readonly [string, string])[] = [look];
  if (left.length > 0)
    commands.push([
      quarantine(`release ${held.id} --reason '…'`),
      left.length === 1 ? `send it on to ${left[0]}` : `send it on to ${left.length} recipients (--to: to some)`,
    ]);
  commands.push([quarantine(`discard ${held.id} --reason '…'`), "remove it for good"]);
  if (!isReleased) {
    if (rule !== undefined)
      commands.push([`sallyport rules disable ${rule} --reason '…'`, "if the rule is wrong; then:"]);
    commands.push([quarantine(`rescan ${held.id} --reason '…'`), "judge it with the rules and policy of now"]);
  }
  return rows(commands);
}

function rows(commands: readonly (readonly [string, string])[]): readonly string[] {
  const longest = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, use]) => `  ${command.padEnd(longest)}  ${use}`);
}

const judgedBy = ({ ruleSet, release }: Inspection, verdict: Verdict | null): string =>
  [
    `rules ${ruleSet.slice(0, 16)}`,
    ...(verdict ? [`policy ${verdict.policyVersion}`] : []),
    ...(release === undefined ? [] : [`release ${release}`]),
  ].join(", ");

export function heldText(held: Held, now: Date): string {
  const { envelope, state } = held;
  const age = roughAge(now.getTime() - Date.parse(envelope.arrivedAt));
  const head = [
    `${label("Message")}${held.id}, ${roughSize(held.size)}, ${state === "quarantine" ? "held" : state}, arrived ${age} ago (${envelope.arrivedAt})`,
    ...labelled("Why", why(held)),
    `${label("From")}<${envelope.reversePath}>, client ${envelope.client.address} (${envelope.client.helo}), ${envelope.client.tls ?? "no TLS"}`,
    ...labelled("To", envelope.forwardPaths.map((path) => `<${path.address}> by ${path.route}`).join(", ")),
    ...(held.dissection
      ? [`${label("Subject")}${held.dissection.header.subject}`, `${label("SHA-256")}${held.dissection.sha256}`]
      : []),
    ...(held.inspection ? [`${label("Judged")}${judgedBy(held.inspection, held.verdict)}`] : []),
  ];
  const decisions = held.review.map(
    (line) =>
      `${line.at} ${line.what} by ${line.by}: ${line.why}${line.forwardPaths ? ` (to ${line.forwardPaths.join(", ")})` : ""}`,
  );
  return [
    safeLines(head),
    ...(held.dissection ? ["", treeText(held.dissection, held.inspection)] : []),
    ...(decisions.length > 0 ? ["", "Decisions", safeLines(decisions)] : []),
    "",
    "Next",
    safeLines(next(held)),
  ].join("\n");
}
