/** The whole of a judgement for people: the tree of parts with what was said of each, and the line of the policy that decided. Every character of the sender's is escaped. */
import type { Part } from "../core/message.ts";
import type { Dissection, Finding, Inspection, Outcome, Severity } from "../core/outcome.ts";
import { roughSize } from "../core/units.ts";
import type { Disposition, Group, Verdict } from "../core/verdict.ts";
import { noPaint, type Paint, safe, type Style, wrap } from "./output.ts";
import { type Node, partTree } from "./part-tree.ts";
import { byWeight, placeIn } from "./tree-text.ts";

export interface Look {
  readonly paint: Paint;
  readonly columns: number;
}

export interface Judgement {
  readonly dissection: Dissection;
  readonly inspection: Inspection | null;
  readonly verdict: Verdict | null;
}

export const plainLook = (columns: number): Look => ({ paint: noPaint, columns });

const styles: Readonly<Record<Severity, Style>> = {
  info: "dim",
  low: "cyan",
  medium: "yellow",
  high: "red",
  critical: "red",
};
const summaries: Readonly<Record<Verdict["summary"], Style>> = { clean: "green", found: "red", incomplete: "magenta" };

/** Deeper than this, branches take no more of the line. */
const deepest = 12;
const label = 12;

interface Line {
  readonly text: string;
  readonly style: Style;
}

const line = (text: string, style: Style = "plain"): Line => ({ text, style });

/** `head` in a column of its own, the text beside it, wrapped. */
function beside(head: string, text: string, style: Style, columns: number): readonly Line[] {
  return wrap(text, label, Math.max(columns, label + 20)).map((each, i) =>
    line(i === 0 ? head.padEnd(label) + each.trimStart() : each, style),
  );
}

function title({ part, readingOf }: Node): string {
  const name = part.names.map((each) => JSON.stringify(each)).join(" or ");
  const role = part.derived ? `artefact: ${part.derived.kind} of ${part.derived.from}` : part.role;
  const reading = readingOf === null ? "" : ` (another reading of ${readingOf})`;
  return `${part.path}  ${name === "" ? role : `${name}, ${role}`}${reading}`;
}

function facts(part: Part): string {
  const types = part.types.length > 0 ? part.types.join(", ") : "not identified";
  const declared = part.declaredTypes.filter((type) => !part.types.includes(type));
  return `${types}${declared.length > 0 ? `; declared ${declared.join(", ")}` : ""}; ${roughSize(part.size)}`;
}

const findingsIn = (outcomes: readonly Outcome[]): readonly Finding[] =>
  byWeight(outcomes.flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : [])));

function findingLines(finding: Finding, columns: number): readonly Line[] {
  const { author, reference } = finding.meta ?? {};
  const source = [author, reference].filter((each) => typeof each === "string" && each !== "").join(", ");
  const tags = finding.tags.length > 0 ? ` [${finding.tags.join(", ")}]` : "";
  const text = `${finding.rule}${tags}: ${finding.text}${source === "" ? "" : ` (rule by ${source})`}`;
  return beside(finding.severity, text, styles[finding.severity], columns);
}

/** What was said of one part: the bad, the unseen, the good; silence is told, too. */
function said({ part, outcomes, sameAs }: Node, columns: number): readonly Line[] {
  const unseen = outcomes.flatMap((each) =>
    each.kind === "incomplete"
      ? beside("incomplete", `${each.why}, by ${each.inspector}: ${each.text}`, "magenta", columns)
      : [],
  );
  const clean = [...new Set(outcomes.filter(({ kind }) => kind === "clean").map(({ inspector }) => inspector))];
  const silent = outcomes.length === 0 && part.size > 0 ? "nobody has said anything of it" : "";
  return [
    ...findingsIn(outcomes).flatMap((finding) => findingLines(finding, columns)),
    ...unseen,
    ...(clean.length > 0 ? beside("clean", clean.join(", "), "green", columns) : []),
    ...(sameAs === null ? [] : beside("same as", `${sameAs}, whose octets it has: opened there`, "dim", columns)),
    ...(silent === "" ? [] : beside("not seen", silent, "magenta", columns)),
  ];
}

function nodeLines(node: Node, columns: number): readonly Line[] {
  return [
    ...wrap(title(node), 0, columns).map((text, i) => line(i === 0 ? text : `    ${text}`, "bold")),
    ...beside("type", facts(node.part), "plain", columns),
    ...beside("sha256", node.part.sha256, "dim", columns),
    ...said(node, columns),
  ];
}

function* branch(nodes: readonly Node[], stem: string, depth: number, { paint, columns }: Look): Generator<string> {
  for (const [index, node] of nodes.entries()) {
    const isLast = index === nodes.length - 1;
    const [first, rest] = depth === 0 ? ["", ""] : isLast ? ["└─ ", "   "] : ["├─ ", "│  "];
    const below = depth < deepest ? stem + rest : stem;
    const under = node.children.length > 0 ? `${below}│  ` : `${below}   `;
    const lines = nodeLines(node, columns - under.length);
    for (const [i, { text, style }] of lines.entries())
      yield paint("dim", i === 0 ? stem + first : under) + paint(style, safe(text));
    yield* branch(node.children, below, depth + 1, { paint, columns });
  }
}

function dispositionText(it: Disposition): string {
  switch (it.kind) {
    case "forward":
      return it.tags.length > 0 ? `forward, tagged ${it.tags.join(", ")}` : "forward";
    case "reject":
    case "defer":
      return `${it.kind}: ${it.reply.text}`;
    case "strip":
    case "quarantine":
    case "hold":
      return `${it.kind}: ${it.reason}`;
  }
}

/** "policy.yaml:12" where it is known: a line of the policy, or what stands above all lines. */
const deciding = ({ policyLine, policyAt }: Group): string =>
  policyAt ? `line "${policyLine}" of the policy, ${policyAt.file}:${policyAt.line}` : `"${policyLine}"`;

function groupLines(group: Group, place: (path: string) => string, columns: number): readonly Line[] {
  const { because, observed, forwardPaths } = group;
  const reasons = because.slice(0, 5).map(({ rule, severity, part }) => `${rule} (${severity}) in ${place(part)}`);
  const more = because.length - reasons.length;
  return [
    ...beside("Does", dispositionText(group.disposition), "bold", columns),
    ...(observed ? beside("Would do", dispositionText(observed), "plain", columns) : []),
    ...beside("Decided by", deciding(group), "plain", columns),
    ...reasons.flatMap((reason, i) => beside(i === 0 ? "Because of" : "", reason, "plain", columns)),
    ...(more > 0 ? beside("", `and ${more} more`, "plain", columns) : []),
    ...beside("For", forwardPaths.join(", "), "plain", columns),
  ];
}

/** All that was not seen to its end, in one place: in a large tree it would be overlooked. */
function unseenLines({ dissection, inspection }: Judgement, place: (path: string) => string, columns: number) {
  const outcomes = inspection?.outcomes ?? dissection.outcomes;
  const unseen = outcomes.flatMap((each) =>
    each.kind === "incomplete" ? [`${place(each.part)}: ${each.why}, by ${each.inspector}`] : [],
  );
  const shown = [...new Set(unseen)];
  return shown.flatMap((text, i) => beside(i === 0 ? "Not seen" : "", text, "magenta", columns));
}

const asText = (lines: readonly Line[], { paint }: Look): readonly string[] =>
  lines.map(({ text, style }) => paint(style, safe(text)));

export function judgementText(judgement: Judgement, look: Look): string {
  const { dissection, inspection, verdict } = judgement;
  const place = placeIn(dissection, inspection);
  const { columns } = look;
  const summary = verdict ? [line(`Verdict     ${verdict.summary}`, summaries[verdict.summary])] : [];
  const groups = verdict?.groups.flatMap((group) => groupLines(group, place, columns)) ?? [
    line("Verdict     not judged yet"),
  ];
  return [
    ...branch(partTree(dissection, inspection), "", 0, look),
    "",
    ...asText([...summary, ...groups, ...unseenLines(judgement, place, columns)], look),
  ].join("\n");
}
