/** Which of the two engines looks for rules, and why; people read the reason in `status` and `doctor`. */
import type { Confinement } from "./confine.ts";

export interface EngineChoice {
  readonly engine: "wasm" | "native";
  readonly why: string;
  /** Works, but not as it should: a warning for people. */
  readonly warning: string | null;
}

/** Up to here WASM costs a few milliseconds a part, a loss but no harm; at 8,000 rules 60. */
export const wasmRules = 1000;

/** Null if `native` was asked for and is not there. */
export function chooseEngine(
  wanted: "auto" | "wasm" | "native",
  ruleCount: number,
  native: boolean,
  { ok, missing }: Pick<Confinement, "ok" | "missing">,
): EngineChoice | null {
  const lacks = `the system cannot confine the native engine (missing: ${missing.join(", ")})`;
  if (wanted === "wasm") return { engine: "wasm", why: "as configured", warning: null };
  if (wanted === "native") {
    if (!native) return null;
    return { engine: "native", why: "as configured", warning: ok ? null : lacks };
  }
  if (native && ok) return { engine: "native", why: "installed, and confined by the system", warning: null };
  const obstacle = native ? lacks : "the native engine is not installed";
  if (ruleCount <= wasmRules) return { engine: "wasm", why: obstacle, warning: null };
  return { engine: "wasm", why: obstacle, warning: `${ruleCount} rules are slow in WASM, and ${obstacle}` };
}

/** Good enough to choose by; the engine's own count is the one that is shown. */
export function countRules(texts: Iterable<string>): number {
  let count = 0;
  for (const text of texts) count += text.match(/^[ \t]*(?:(?:private|global)[ \t]+){0,2}rule[ \t]+\w/gm)?.length ?? 0;
  return count;
}

export function isNativeInstalled(): boolean {
  try {
    import.meta.resolve("@litko/yara-x-linux-x64-gnu");
    return true;
  } catch {
    return false;
  }
}
