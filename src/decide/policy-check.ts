/** What a schema cannot say of a policy: that it has an answer for everything, and that each line can be reached. */
import { type Incomplete, incompletes } from "../core/outcome.ts";
import { type Condition, noticeWords, type OutcomeName, type PolicyLine } from "./policy.ts";

type Complaint = readonly [path: readonly PropertyKey[], message: string];

const all = (condition: Condition): readonly Condition[] => [
  condition,
  ...[...(condition.any ?? []), ...(condition.all ?? [])].flatMap(all),
];

/** The conditions right inside of one, and where they stand in it. */
export const nested = (condition: Condition): readonly (readonly [readonly PropertyKey[], Condition])[] => [
  ...(condition.any ?? []).map((one, i) => [["any", i], one] as const),
  ...(condition.all ?? []).map((one, i) => [["all", i], one] as const),
  ...(condition.not ? [[["not"], condition.not] as const] : []),
];

function* conditionComplaints(condition: Condition, path: readonly PropertyKey[]): Generator<Complaint> {
  if (Object.keys(condition).length === 0) yield [path, "is empty and would hold for everything; leave it out"];
  const { severity, rule, tag, inspector } = condition;
  const aboutFindings = [severity, rule, tag, inspector].some((key) => key !== undefined);
  if (aboutFindings && condition.outcome?.every((name) => name === "clean"))
    yield [[...path, "outcome"], "never holds: a clean message has no finding with a severity, rule, tag or inspector"];
  for (const [step, inner] of nested(condition)) yield* conditionComplaints(inner, [...path, ...step]);
}

/** Kinds of *incomplete* that no line speaks of. */
function forgotten(lines: readonly PolicyLine[]): readonly Incomplete[] {
  const said = new Set<OutcomeName>(
    lines.flatMap((line) => (line.if ? all(line.if).flatMap((one) => one.outcome ?? []) : [])),
  );
  return said.has("incomplete") ? [] : incompletes.filter((why) => !said.has(why));
}

/** Does it hold only where a part or a finding can be named? */
function namesParts({ severity, rule, tag, inspector, outcome, part, any, all: both }: Condition): boolean {
  if ([severity, rule, tag, inspector, part].some((key) => key !== undefined)) return true;
  if (outcome !== undefined && !outcome.includes("clean")) return true;
  return any?.every(namesParts) === true || both?.some(namesParts) === true;
}

/** What cannot be stripped is dealt with otherwise; a line that could never strip is a mistake. */
function* stripComplaints(line: PolicyLine, path: readonly PropertyKey[]): Generator<Complaint> {
  if (line.then !== "strip") return;
  if (line.if === undefined || !namesParts(line.if))
    yield [
      [...path, "if"],
      "must name what is stripped: severity, rule, tag, inspector, part, or an outcome other than clean",
    ];
  for (const [, word = ""] of line.notice?.matchAll(/\{([^{}]*)\}/g) ?? [])
    if (!(noticeWords as readonly string[]).includes(word))
      yield [[...path, "notice"], `{${word}} stands for nothing; there are {${noticeWords.join("}, {")}}`];
}

/** Incomplete is never clean: a policy that lets the rest pass must have said what becomes of what was not seen. */
function* lastComplaints(lines: readonly PolicyLine[], last: PolicyLine): Generator<Complaint> {
  const path = ["rules", lines.length - 1];
  if (last.if !== undefined)
    yield [[...path, "if"], "the last line must stand without `if`: it decides what no other line has decided"];
  if (last.then === "hold")
    yield [[...path, "then"], "the last line cannot hold: nothing below it would decide afterwards"];
  const missing = last.then === "forward" ? forgotten(lines) : [];
  if (missing.length > 0)
    yield [
      path,
      `would forward parts that were not inspected to their end; say before what becomes of \`outcome: [${missing.join(", ")}]\``,
    ];
}

export function* policyComplaints(lines: readonly PolicyLine[]): Generator<Complaint> {
  const names = new Map<string, number>();
  for (const [index, line] of lines.entries()) {
    const path = ["rules", index];
    if (line.name !== undefined) {
      const before = names.get(line.name);
      if (before !== undefined) yield [[...path, "name"], `is the name of line ${before + 1} too`];
      names.set(line.name, index);
    }
    yield* stripComplaints(line, path);
    if (line.if !== undefined) yield* conditionComplaints(line.if, [...path, "if"]);
    else if (index < lines.length - 1)
      yield [path, "without `if` this line decides everything, and the lines below are never reached"];
  }
  const last = lines.at(-1);
  if (last) yield* lastComplaints(lines, last);
}
