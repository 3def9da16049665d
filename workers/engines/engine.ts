/** YARA-X behind one contract, twice: in WASM and native. Equal findings; the suite is test/contract/engine.ts. */
import type { Externals } from "../../src/core/job.ts";
import type { PatternMatch, Severity } from "../../src/core/outcome.ts";

export interface RuleSource {
  /** Namespace; unique. */
  readonly pack: string;
  /** As shown to people: path below the pack's folder. */
  readonly file: string;
  readonly text: string;
  /** Of rules that state none: the pack's default. */
  readonly severity?: Severity;
}

export interface RuleProblem {
  readonly pack: string;
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

/** The engine's own limit ran out: the part is *incomplete: timeout*, and the engine stays usable. */
export class ScanTimeout extends Error {}

export interface CompiledRules {
  /** Private rules are left out. At most 16 matches a rule. Throws ScanTimeout; anything else thrown is a bug or a trap, and the engine is then unusable. */
  scan(bytes: Uint8Array, externals: Externals): readonly RuleHit[];
  readonly ruleCount: number;
  /** To be awaited before a scan with these variables, where there is one: what is rarely needed is loaded then. */
  prepare?(externals: Externals): Promise<void>;
  close(): void;
}

export interface RuleEngine {
  readonly name: "wasm" | "native";
  /** "yara-x 1.20.0 wasm" */
  readonly version: string;
  /** The process shall be replaced after so many scans; null if it may live for ever. */
  readonly recycleAfter: number | null;
  /** Compiles each file in a namespace of its own pack; a file with errors is left out and reported. Includes are refused. `externals` gives every variable its type and default. */
  compile(
    sources: readonly RuleSource[],
    externals: Externals,
  ): { readonly rules: CompiledRules; readonly problems: readonly RuleProblem[] };
}
