/** YARA-X behind one contract, twice: in WASM and native. Equal findings; the suite is test/contract/engine.ts. */
import type { Externals } from "../../src/core/job.ts";
import type { PatternMatch } from "../../src/core/outcome.ts";

export interface RuleSource {
  /** Namespace; unique. */
  readonly pack: string;
  /** As shown to people: path below the pack's folder. */
  readonly file: string;
  readonly text: string;
}

export interface RuleProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** "E001" or the like; "" if the engine gave none. */
  readonly code: string;
  readonly message: string;
  readonly level: "error" | "warning";
}

export interface RuleHit {
  readonly pack: string;
  readonly rule: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string | number | boolean>>;
  readonly matches: readonly PatternMatch[];
}

export interface CompiledRules {
  /** Private rules are left out. At most 16 matches a rule. Throws on a bug or a trap; the instance is then unusable. */
  scan(bytes: Uint8Array, externals: Externals): readonly RuleHit[];
  readonly ruleCount: number;
  close(): void;
}

export interface RuleEngine {
  readonly name: "wasm" | "native";
  /** "yara-x 1.20.0 wasm" */
  readonly version: string;
  /** Compiles each file in a namespace of its own pack; a file with errors is left out and reported. Includes are refused. `externals` gives every variable its type and default. */
  compile(
    sources: readonly RuleSource[],
    externals: Externals,
  ): { readonly rules: CompiledRules; readonly problems: readonly RuleProblem[] };
}
