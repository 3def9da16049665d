/** Leaves out the files that do not compile and keeps all others, with as few compilations as that takes. */
import { declaredRules, placeOf, tokens } from "../../src/rulepacks/tokens.ts";
import type { RuleProblem, RuleSource } from "./engine.ts";
import { problemOf } from "./problems.ts";

export interface Compiler<Rules> {
  /** All together, each in the namespace of its pack. */
  build(sources: readonly RuleSource[]): { readonly rules: Rules } | { readonly report: string };
  /** One file in a compiler of its own, includes refused: what it prints, errors and warnings. */
  check(source: RuleSource): readonly string[];
}

export interface Sifted<Rules> {
  readonly rules: Rules;
  readonly accepted: readonly RuleSource[];
  readonly problems: readonly RuleProblem[];
}

/** Of one file; more are one mistake. */
const mostErrors = 10;

const isError = ({ level }: RuleProblem): boolean => level === "error";

/** An own complaint, at an index of the text. */
function complain(source: RuleSource, at: number, code: string, message: string): RuleProblem {
  return { pack: source.pack, file: source.file, ...placeOf(source.text, at), code, message, level: "error" };
}

/** Findings carry meta values as JavaScript numbers; one that is not exact would be another one in each engine. */
function findInexact(source: RuleSource): readonly RuleProblem[] {
  if (!/\d{16}|0x[\dA-Fa-f_]{14}/.test(source.text)) return [];
  let [before, beforeThat] = ["", ""];
  for (const { kind, text, at } of tokens(source.text)) {
    const isMeta = before === "=" && beforeThat !== "=" && kind === "number";
    if (isMeta && !Number.isSafeInteger(Number(text.replaceAll("_", ""))))
      return [complain(source, at, "", `the number ${text} is too large for a meta value; write it as text`)];
    if (text !== "-") [before, beforeThat] = [text, before];
  }
  return [];
}

/** The problem of a file that declares a rule anew; `seen` are the rules of the files before it, by pack and name. */
function findDuplicate(source: RuleSource, seen: Map<string, string>): RuleProblem | null {
  const rules = declaredRules(source.text).map((rule) => ({ ...rule, key: `${source.pack}/${rule.name}` }));
  for (const { name, at, key } of rules) {
    const first = seen.get(key);
    if (first !== undefined && first !== source.file)
      return complain(source, at, "E012", `duplicate rule \`${name}\`: ${first} has it too`);
  }
  for (const { key } of rules) seen.set(key, source.file);
  return null;
}

/** Names of the rules of each pack. */
function namesByPack(sources: readonly RuleSource[]): ReadonlyMap<string, ReadonlySet<string>> {
  const byPack = Map.groupBy(sources, ({ pack }) => pack);
  return new Map(
    [...byPack].map(([pack, files]) => [
      pack,
      new Set(files.flatMap(({ text }) => declaredRules(text).map(({ name }) => name))),
    ]),
  );
}

const mayInclude = ({ text }: RuleSource): boolean => /\binclude\b/.test(text);

/** Every error is `unknown identifier` for a rule of the same pack: only the whole pack can tell. */
function needsOthers(source: RuleSource, problems: readonly RuleProblem[], names: ReadonlySet<string>): boolean {
  if (mayInclude(source)) return false;
  return problems.filter(isError).every(({ code, message }) => {
    const [, name = ""] = /unknown identifier `(\w+)`/.exec(message) ?? [];
    return code === "E009" && names.has(name);
  });
}

interface Checked {
  readonly accepted: readonly RuleSource[];
  readonly problems: readonly RuleProblem[];
}

function checkEach<Rules>(compiler: Compiler<Rules>, sources: readonly RuleSource[]): Checked {
  const seen = new Map<string, string>();
  const names = namesByPack(sources);
  const problems: RuleProblem[] = [];
  const accepted = sources.filter((source) => {
    const found = [...findInexact(source), ...compiler.check(source).map((report) => problemOf(report, source))];
    if (found.some(isError) && !needsOthers(source, found, names.get(source.pack) ?? new Set())) {
      problems.push(...found.filter(isError).slice(0, mostErrors));
      return false;
    }
    const double = findDuplicate(source, seen);
    problems.push(...(double ? [double] : found.filter((problem) => !isError(problem))));
    return !double;
  });
  return { accepted, problems };
}

/** How many of the first `sources` build; `sources` as a whole do not. */
function longestSuccess<Rules>(compiler: Compiler<Rules>, sources: readonly RuleSource[]): number {
  let [good, bad] = [0, sources.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if ("rules" in compiler.build(sources.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** What each file alone does not show: drops the first file that the ones before it do not get on with, until all build. */
function buildMost<Rules>(compiler: Compiler<Rules>, checked: Checked): Sifted<Rules> {
  const problems = [...checked.problems];
  let accepted = checked.accepted;
  for (;;) {
    const built = compiler.build(accepted);
    if ("rules" in built) return { rules: built.rules, accepted, problems };
    const good = longestSuccess(compiler, accepted);
    const culprit = accepted[good];
    if (!culprit) throw new Error(`YARA-X cannot compile even no rules: ${built.report}`);
    const failed = compiler.build(accepted.slice(0, good + 1));
    problems.push(problemOf("report" in failed ? failed.report : built.report, culprit));
    accepted = accepted.filter((source) => source !== culprit);
  }
}

/** `warnings`: each file is checked alone too, for its warnings; otherwise only if something does not compile. */
export function sift<Rules>(compiler: Compiler<Rules>, given: readonly RuleSource[], warnings: boolean): Sifted<Rules> {
  // Files of one pack together: a namespace is opened once.
  const sources = [...Map.groupBy(given, ({ pack }) => pack).values()].flat();
  if (!warnings && !sources.some((source) => findInexact(source).length > 0)) {
    const built = compiler.build(sources);
    if ("rules" in built) return { rules: built.rules, accepted: sources, problems: [] };
  }
  return buildMost(compiler, checkEach(compiler, sources));
}
