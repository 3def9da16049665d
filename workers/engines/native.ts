/** YARA-X as a native addon: many times faster with thousands of rules, but confined by the operating system only. */
import { createRequire } from "node:module";
import type { Externals } from "../../src/core/job.ts";
import { declaredRules, usedNames } from "../../src/rulepacks/tokens.ts";
import {
  type CompiledRules,
  type RuleEngine,
  type RuleHit,
  type RuleProblem,
  type RuleSource,
  ScanTimeout,
} from "./engine.ts";
import { filesReading, looksLikeNumber } from "./exact.ts";
import { maxMatchesPerPattern, maxMatchesPerRule } from "./limits.ts";
import { sift } from "./sift.ts";
import { createWasmEngine } from "./wasm.ts";

interface Report {
  readonly message: string;
}

interface Match {
  readonly ruleIdentifier: string;
  readonly namespace: string;
  readonly meta: Readonly<Record<string, string | number | boolean>>;
  readonly tags: readonly string[];
  readonly matches: readonly { readonly identifier: string; readonly offset: number; readonly length: number }[];
}

interface NativeRules {
  addRuleSources(sources: readonly { readonly source: string; readonly namespace: string }[]): void;
  scan(bytes: Buffer, variables: Externals): readonly Match[];
  serialize(): Buffer;
  setMaxMatchesPerPattern(count: number): void;
  setTimeout(ms: number): void;
}

interface Options {
  readonly defineVariables: Externals;
  readonly enableIncludes: false;
}

interface Addon {
  compile(source: string, options: Options): NativeRules;
  validate(
    source: string,
    options: Options,
  ): { readonly errors: readonly Report[]; readonly warnings: readonly Report[] };
  deserialize(bytes: Buffer): NativeRules;
}

const addonName = "@litko/yara-x-linux-x64-gnu";

/** Loads the addon, which then stays in the process. */
const loadAddon = (): Addon => createRequire(import.meta.url)(addonName) as Addon;

export function nativeAvailable():
  | { readonly available: true }
  | { readonly available: false; readonly reason: string } {
  try {
    loadAddon();
    return { available: true };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    return { available: false, reason: `${addonName} cannot be loaded: ${reason}` };
  }
}

function toHit({ ruleIdentifier, namespace, meta, tags, matches }: Match): RuleHit {
  return {
    pack: namespace,
    rule: ruleIdentifier,
    tags,
    meta,
    matches: matches
      .slice(0, maxMatchesPerRule)
      .map(({ identifier, offset, length }) => ({ pattern: identifier, offset, length })),
  };
}

/** Compiled rules that can go to another process, which need not compile them again. */
export interface SerialisedRules {
  readonly bytes: Uint8Array;
  readonly ruleCount: number;
  /** The variables that the rules use, with their defaults. */
  readonly externals: Externals;
  /** What is compiled again, in WASM, should a text variable look like a number. */
  readonly exact: readonly RuleSource[];
}

class LoadedRules implements CompiledRules {
  readonly ruleCount: number;
  readonly #native: NativeRules;
  readonly #externals: Externals;
  readonly #exactNames: ReadonlySet<string>;
  readonly #compileExact: () => CompiledRules;
  readonly #loadWasm: () => Promise<void>;
  #exact: CompiledRules | null = null;

  constructor(
    native: NativeRules,
    serialised: Omit<SerialisedRules, "bytes">,
    { compileExact, loadWasm }: { readonly compileExact: () => CompiledRules; readonly loadWasm: () => Promise<void> },
  ) {
    this.ruleCount = serialised.ruleCount;
    this.#native = native;
    this.#externals = serialised.externals;
    this.#exactNames = new Set(
      serialised.exact.flatMap(({ pack, text }) => declaredRules(text).map(({ name }) => `${pack}/${name}`)),
    );
    this.#compileExact = compileExact;
    this.#loadWasm = loadWasm;
  }

  async prepare(externals: Externals): Promise<void> {
    const names = Object.keys(this.#externals);
    if (names.some((name) => looksLikeNumber(externals[name] ?? this.#externals[name]))) await this.#loadWasm();
  }

  /** All variables are given each time: the binding keeps those of the scan before. */
  scan(bytes: Uint8Array, externals: Externals): readonly RuleHit[] {
    const values = Object.entries(this.#externals).map(([name, value]) => [name, externals[name] ?? value] as const);
    if (!values.some(([, value]) => looksLikeNumber(value))) return this.#scan(bytes, Object.fromEntries(values));
    const harmless = values.map(([name, value]) => [name, looksLikeNumber(value) ? "" : value] as const);
    const hits = this.#scan(bytes, Object.fromEntries(harmless));
    this.#exact ??= this.#compileExact();
    const others = hits.filter(({ pack, rule }) => !this.#exactNames.has(`${pack}/${rule}`));
    return [...others, ...this.#exact.scan(bytes, externals)];
  }

  #scan(bytes: Uint8Array, variables: Externals): readonly RuleHit[] {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      return this.#native.scan(buffer, variables).map(toHit);
    } catch (error) {
      if (error instanceof Error && error.message === "Scan timed out") throw new ScanTimeout(error.message);
      throw error;
    }
  }

  /** The memory of the rules goes with the last reference to them. */
  close(): void {
    this.#exact?.close();
  }
}

export interface NativeEngineOptions {
  /** Report warnings too, at the price of a second compilation. */
  readonly warnings?: boolean;
  /** Of one scan, as the second line of defence: the first is a parent that kills. */
  readonly timeoutMs?: number;
  /** Load WASM (44 MB) only when `prepare` finds that a scan needs it. */
  readonly lazy?: boolean;
}

export interface NativeEngine extends RuleEngine {
  /** Compiles once for many processes. */
  compileToBytes(
    sources: readonly RuleSource[],
    externals: Externals,
  ): { readonly serialised: SerialisedRules; readonly problems: readonly RuleProblem[] };
  load(serialised: SerialisedRules): CompiledRules;
}

/** Throws where the addon cannot be loaded: ask `nativeAvailable` first. */
export async function createNativeEngine(options: NativeEngineOptions = {}): Promise<NativeEngine> {
  const addon = loadAddon();
  let wasm = options.lazy ? null : await createWasmEngine();

  function build(sources: readonly RuleSource[], externals: Externals) {
    try {
      const rules = addon.compile("", { defineVariables: externals, enableIncludes: false });
      rules.addRuleSources(sources.map(({ text, pack }) => ({ source: text, namespace: pack })));
      return { rules };
    } catch (error) {
      return { report: error instanceof Error ? error.message : String(error) };
    }
  }

  function compileAll(sources: readonly RuleSource[], externals: Externals) {
    const compiler = {
      build: (some: readonly RuleSource[]) => build(some, externals),
      check({ text }: RuleSource) {
        const { errors, warnings } = addon.validate(text, { defineVariables: externals, enableIncludes: false });
        return [...errors, ...warnings].map(({ message }) => message);
      },
    };
    const { rules, accepted, problems } = sift(compiler, sources, options.warnings ?? false);
    const names = new Set(Object.keys(externals));
    const used = new Set(accepted.flatMap(({ text }) => [...usedNames(text, names)]));
    const texts = new Set([...used].filter((name) => typeof externals[name] === "string"));
    const facts = {
      ruleCount: accepted.reduce((sum, { text }) => sum + declaredRules(text).length, 0),
      externals: Object.fromEntries(Object.entries(externals).filter(([name]) => used.has(name))),
      exact: texts.size > 0 ? filesReading(accepted, texts) : [],
    };
    return { rules, facts, problems };
  }

  function prepare(rules: NativeRules, facts: Omit<SerialisedRules, "bytes">): CompiledRules {
    rules.setMaxMatchesPerPattern(maxMatchesPerPattern);
    rules.setTimeout(options.timeoutMs ?? 60_000);
    return new LoadedRules(rules, facts, {
      compileExact() {
        if (!wasm) throw new TypeError("prepare() was not awaited before the scan");
        return wasm.compile(facts.exact, facts.externals).rules;
      },
      async loadWasm() {
        wasm ??= await createWasmEngine();
      },
    });
  }

  return {
    name: "native",
    version: "yara-x 1.20.0 native",
    recycleAfter: null,
    compile(sources, externals) {
      const { rules, facts, problems } = compileAll(sources, externals);
      return { rules: prepare(rules, facts), problems };
    },
    compileToBytes(sources, externals) {
      const { rules, facts, problems } = compileAll(sources, externals);
      return { serialised: { ...facts, bytes: rules.serialize() }, problems };
    },
    load: ({ bytes, ...facts }) =>
      prepare(addon.deserialize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)), facts),
  };
}
