/** Names in a policy that nothing has: a line that asks for them never matches, and nobody would notice. */
import type { LoadedConfig } from "../config.ts";
import { routeName } from "../config-schema.ts";
import { globMatches } from "../core/glob.ts";
import { nearest } from "../core/nearest.ts";
import type { Condition } from "../decide/policy.ts";
import { nested } from "../decide/policy-check.ts";
import { checkPolicyFile } from "../policy-file.ts";
import { type Problem, showPath, type Where } from "../yaml/check.ts";
import type { Path } from "../yaml/source.ts";
import { builtInRules, inspectorNames, listRules, packRules } from "./known-names.ts";

export interface Checked {
  readonly problems: readonly Problem[];
  /** What may be meant so: rules come and go without the policy. */
  readonly warnings: readonly Problem[];
}

type Key = "route" | "inspector" | "rule";

interface Named {
  readonly key: Key;
  readonly path: Path;
  /** Lower case already. */
  readonly pattern: string;
}

const keys: readonly Key[] = ["route", "inspector", "rule"];

function* namesIn(condition: Condition, path: Path, where: Where): Generator<Named> {
  for (const key of keys)
    for (const [i, pattern] of (condition[key] ?? []).entries()) {
      const item = [...path, key, i];
      yield { key, pattern, path: where(item) ? item : [...path, key] };
    }
  for (const [step, inner] of nested(condition)) yield* namesIn(inner, [...path, ...step], where);
}

const anyHas = (pattern: string, names: readonly string[]): boolean =>
  names.some((name) => globMatches(pattern, name.toLowerCase()));

/** Of `offcie.auto*` the pack is tried first, then as much as stands before the wildcard. */
function nearestPattern(pattern: string, known: readonly string[]): string | null {
  const dot = pattern.indexOf(".");
  const pack = nearest(pattern.slice(0, Math.max(0, dot)), new Set(known.map((name) => name.replace(/\..*$/s, ""))));
  const corrected = pack === null ? "" : pack + pattern.slice(dot);
  if (anyHas(corrected.toLowerCase(), known)) return corrected;
  const stem = pattern.replace(/[*?].*$/s, "");
  const near = nearest(stem, new Set(known.map((name) => name.slice(0, stem.length))));
  return near ? `${near}*` : null;
}

/** "; did you mean …?", or nothing. */
export function meant(pattern: string, known: readonly string[]): string {
  const near = /[*?]/.test(pattern) ? nearestPattern(pattern, known) : nearest(pattern, known);
  return near === null ? "" : `; did you mean ${near}?`;
}

const nothing: Readonly<Record<Key, string>> = {
  route: "no route has the name",
  inspector: "no inspector has the name",
  rule: "never holds as long as no rule has the id",
};

/** Reads the rule packs only for a policy that names rules. Throws POLICY_INVALID, RULES_UNREADABLE. */
export async function checkPolicyNames({ config }: LoadedConfig): Promise<Checked> {
  const file = config.policy;
  if (file === undefined) return { problems: [], warnings: [] };
  const checked = checkPolicyFile(file);
  if (!checked.ok) return { problems: checked.problems, warnings: [] };
  const { value, where } = checked;
  const names = value.lines.flatMap((line, i) => (line.if ? [...namesIn(line.if, ["rules", i, "if"], where)] : []));
  const rules = names.some(({ key }) => key === "rule") ? await packRules(config.rules) : [];
  const known: Readonly<Record<Key, readonly string[]>> = {
    route: config.routes.map(routeName),
    inspector: inspectorNames,
    rule: [...rules, ...builtInRules, ...listRules],
  };
  const unknown = names.filter(({ key, pattern }) => !anyHas(pattern, known[key]));
  const problem = ({ key, path, pattern }: Named): Problem => ({
    file,
    ...(where(path) ?? { line: 1, column: 1 }),
    key: showPath(path),
    message: `${nothing[key]} ${pattern}${meant(pattern, known[key])}`,
  });
  return {
    problems: unknown.filter(({ key }) => key !== "rule").map(problem),
    warnings: unknown.filter(({ key }) => key === "rule").map(problem),
  };
}
