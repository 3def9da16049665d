/** Rules that people have switched off: whoever looked, their findings go no further; the same octets need not be looked at again. */
import { hash } from "node:crypto";
import { globMatches } from "../core/glob.ts";
import type { Outcome } from "../core/outcome.ts";

/** Results with and without a rule are different results: another name for each set of disabled rules. */
export function versionWithout(version: string, disabled: readonly string[]): string {
  const sorted = [...new Set(disabled)].sort();
  return sorted.length === 0 ? version : hash("sha256", JSON.stringify([version, sorted]), "hex");
}

/** As if the rules did not exist. What was not seen to its end stays so, whatever is switched off. */
export function leaveOut(outcomes: readonly Outcome[], disabled: readonly string[]): readonly Outcome[] {
  if (disabled.length === 0) return outcomes;
  return outcomes.map((outcome): Outcome => {
    if (outcome.kind !== "found") return outcome;
    const { part, inspector } = outcome;
    const findings = outcome.findings.filter(({ rule }) => !disabled.some((pattern) => globMatches(pattern, rule)));
    return findings.length > 0 ? { ...outcome, findings } : { part, inspector, kind: "clean" };
  });
}
