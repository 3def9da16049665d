/** YARA-X in WASM: memory-safe, needs no addon, and so runs under Node's permission model; has no time limit of its own. */
import type { Compiler, Rules } from "@virustotal/yara-x";
import type { Externals } from "../../src/core/job.ts";
import type { PatternMatch } from "../../src/core/outcome.ts";
import { declaredRules, usedNames } from "../../src/rulepacks/tokens.ts";
import { annotate } from "./annotate.ts";
import type { CompiledRules, RuleEngine, RuleHit, RuleSource } from "./engine.ts";
import { maxMatchesPerPattern, maxMatchesPerRule } from "./limits.ts";
import { sift } from "./sift.ts";
import { type LoadedYaraX, loadYaraX } from "./wasm-loader.ts";

interface Match {
  readonly identifier: string;
  readonly namespace: string;
  readonly isPrivate: boolean;
  readonly tags: readonly string[];
  readonly metadata: readonly { readonly identifier: string; readonly value: string | number | boolean | number[] }[];
  readonly patterns: readonly {
    readonly identifier: string;
    readonly isPrivate: boolean;
    readonly matches: readonly { readonly offset: number; readonly length: number }[];
  }[];
}

interface ScanResult {
  readonly valid: boolean;
  readonly errors: readonly string[];
  readonly matches: readonly Match[];
}

function toHit({ identifier, namespace, tags, metadata, patterns }: Match): RuleHit {
  const matches: PatternMatch[] = [];
  for (const pattern of patterns) {
    if (pattern.isPrivate) continue;
    for (const { offset, length } of pattern.matches.slice(0, maxMatchesPerRule - matches.length))
      matches.push({ pattern: pattern.identifier, offset, length });
  }
  // Bytes that are no UTF-8 cannot be shown; the native engine has this word for them.
  const meta = metadata.map(
    ({ identifier: key, value }) => [key, typeof value === "object" ? "unknown" : value] as const,
  );
  return { pack: namespace, rule: identifier, tags, meta: Object.fromEntries(meta), matches };
}

class WasmRules implements CompiledRules {
  readonly ruleCount: number;
  readonly #call: LoadedYaraX["call"];
  readonly #rules: Rules;
  readonly #scanner: ReturnType<Rules["scanner"]>;
  /** Of the variables that the rules use: setting one costs as much as a small scan. */
  readonly #current: Map<string, Externals[string]>;
  readonly #defaults: Externals;

  constructor(call: LoadedYaraX["call"], rules: Rules, sources: readonly RuleSource[], defaults: Externals) {
    const names = new Set(Object.keys(defaults));
    const used = new Set(sources.flatMap(({ text }) => [...usedNames(text, names)]));
    this.ruleCount = sources.reduce((sum, { text }) => sum + declaredRules(text).length, 0);
    this.#call = call;
    this.#rules = rules;
    this.#scanner = rules.scanner();
    this.#scanner.setMaxMatchesPerPattern(maxMatchesPerPattern);
    this.#current = new Map(Object.entries(defaults).filter(([name]) => used.has(name)));
    this.#defaults = defaults;
  }

  scan(bytes: Uint8Array, externals: Externals): readonly RuleHit[] {
    const result = this.#call(() => {
      for (const [name, value] of this.#current) {
        const wanted = externals[name] ?? this.#defaults[name] ?? value;
        if (wanted === value) continue;
        this.#scanner.setGlobal(name, wanted);
        this.#current.set(name, wanted);
      }
      return this.#scanner.scan(bytes) as ScanResult;
    });
    if (!result.valid) throw new Error(`YARA-X cannot scan: ${result.errors.join("; ")}`);
    return result.matches.filter(({ isPrivate }) => !isPrivate).map(toHit);
  }

  close(): void {
    this.#call(() => {
      this.#scanner.free();
      this.#rules.free();
    });
  }
}

/** Throws a trap on, which ends the engine; a report of the compiler is a text. */
function attempt(compiler: Compiler, source: string): string | null {
  try {
    compiler.addSource(source);
    return null;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith("error[")) return error.message;
    throw error;
  }
}

export interface WasmEngineOptions {
  /** Report warnings too, at the price of a second compilation. */
  readonly warnings?: boolean;
  /** False leaves YARA-X as it is, for comparison. */
  readonly repaired?: boolean;
}

export interface WasmEngine extends RuleEngine {
  /** Why the engine runs without repairs and must be recycled; null if it need not. */
  readonly unrepaired: string | null;
  /** Slots in YARA-X's table of references, for tests of endurance. */
  references(): number;
}

/** An unrepaired build traps after some 12,900 scans, and slows down long before. */
const scansWithoutRepairs = 2_000;

export async function createWasmEngine(options: WasmEngineOptions = {}): Promise<WasmEngine> {
  const { api, call, references, unrepaired } = await loadYaraX(options);

  function makeCompiler(externals: Externals): Compiler {
    const compiler = new api.Compiler();
    for (const [name, value] of Object.entries(externals)) compiler.defineGlobal(name, value);
    return compiler;
  }

  function build(sources: readonly RuleSource[], externals: Externals, prepare: (text: string) => string) {
    const compiler = makeCompiler(externals);
    let pack: string | null = null;
    for (const source of sources) {
      if (source.pack !== pack) compiler.newNamespace(source.pack);
      pack = source.pack;
      const report = attempt(compiler, prepare(source.text));
      if (report === null) continue;
      compiler.free();
      return { report };
    }
    const rules = compiler.build();
    compiler.free();
    return { rules };
  }

  function check(source: RuleSource, externals: Externals): readonly string[] {
    const compiler = makeCompiler(externals);
    attempt(compiler, source.text);
    const reports = [...compiler.errors, ...compiler.warnings];
    compiler.free();
    return reports;
  }

  return {
    name: "wasm",
    version: "yara-x 1.20.0 wasm",
    recycleAfter: unrepaired === null ? null : scansWithoutRepairs,
    unrepaired,
    references,
    compile(sources, externals) {
      const compiler = {
        build(some: readonly RuleSource[]) {
          const silent = call(() => build(some, externals, annotate));
          return "rules" in silent ? silent : call(() => build(some, externals, (text) => text));
        },
        check: (source: RuleSource) => call(() => check(source, externals)),
      };
      const { rules, accepted, problems } = sift(compiler, sources, options.warnings ?? false);
      return { rules: new WasmRules(call, rules, accepted, externals), problems };
    },
  };
}
