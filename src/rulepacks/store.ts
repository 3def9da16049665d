/** The rules in use: loads them, learns from the compiler which files to leave out, and keeps their last good version on. */
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { RuleProblem, RuleSource } from "../../workers/engines/engine.ts";
import { explain } from "../core/errors.ts";
import type { Externals } from "../core/job.ts";
import type { Log } from "../observe/log.ts";
import { usedExternals } from "./externals.ts";
import { LastGood } from "./last-good.ts";
import { type LoadedPack, type LoadedRules, loadRulePacks, versionOf } from "./load.ts";
import { keyOf, learnFrom, plan } from "./plan.ts";
import { type Watching, watchFolders } from "./watch.ts";

export interface RuleStoreOptions {
  readonly folders: readonly string[];
  readonly dataDir: string;
  readonly log: Log;
}

/** What goes to the workers. */
export interface RuleSet {
  readonly sources: readonly RuleSource[];
  readonly version: string;
  readonly externals: Externals;
}

interface InUse {
  readonly sources: readonly RuleSource[];
  readonly version: string;
  readonly used: ReadonlySet<string>;
}

export class RuleStore {
  #folders: readonly string[];
  readonly #log: Log;
  readonly #lastGood: LastGood;
  #loaded: LoadedRules;
  #inUse: InUse;
  /** Keys of files whose present text does not compile. */
  #refused = new Set<string>();
  /** Of present texts, by key. */
  #found = new Map<string, readonly RuleProblem[]>();
  #keeping: Promise<void> = Promise.resolve();

  private constructor({ folders, log }: RuleStoreOptions, lastGood: LastGood, loaded: LoadedRules) {
    this.#folders = folders;
    this.#log = log;
    this.#lastGood = lastGood;
    this.#loaded = loaded;
    this.#inUse = this.#choose();
    this.#tell(loaded.problems);
  }

  /** Throws RULES_UNREADABLE. */
  static async open(options: RuleStoreOptions): Promise<RuleStore> {
    const loaded = await loadRulePacks(options.folders);
    return new RuleStore(options, await LastGood.open(join(options.dataDir, "rules-last-good")), loaded);
  }

  /** From the next load() on. */
  use(folders: readonly string[]): void {
    this.#folders = folders;
  }

  /** Reads the folders again. Throws RULES_UNREADABLE and changes nothing. */
  async load(): Promise<void> {
    const loaded = await loadRulePacks(this.#folders);
    const before = this.#loaded;
    this.#loaded = loaded;
    if (loaded.version === before.version && isDeepStrictEqual(loaded.problems, before.problems)) return;
    // What failed beside other files may compile now.
    this.#refused = new Set();
    this.#found = new Map();
    this.#lastGood.keepOnly(new Set([...loaded.sources, ...loaded.unreadable].map(keyOf)));
    this.#inUse = this.#choose();
    this.#tell(loaded.problems);
  }

  ruleSet(externals: Externals): RuleSet {
    const { sources, version } = this.#inUse;
    return { sources, version, externals };
  }

  /** External variables that the rules in use read (R19). */
  get usedExternals(): ReadonlySet<string> {
    return this.#inUse.used;
  }

  get packs(): readonly LoadedPack[] {
    return this.#loaded.packs;
  }

  /** Of the files as they lie there, whatever stands in for them. */
  get problems(): readonly RuleProblem[] {
    return [...this.#loaded.problems, ...[...this.#found.values()].flat()];
  }

  /** The present text of a file, to show a problem in it; null if there is none. */
  textOf(problem: Pick<RuleProblem, "pack" | "file">): string | null {
    return this.#loaded.sources.find((source) => keyOf(source) === keyOf(problem))?.text ?? null;
  }

  /**
   * What the compiler said of the last rule set. True if another set must be compiled now: files that failed are
   * replaced by their last good version, or left out. Comes to an end when asked until it says false.
   */
  learn(problems: readonly RuleProblem[]): boolean {
    const tried = this.#inUse;
    const { good, refused, lost } = learnFrom(tried.sources, problems, this.#lastGood);
    for (const source of good) this.#lastGood.set(keyOf(source), source.text);
    for (const source of lost) this.#lastGood.delete(keyOf(source));
    for (const source of [...refused, ...lost]) this.#refused.add(keyOf(source));
    this.#remember(problems, new Map(tried.sources.map((source) => [keyOf(source), source.text])));
    this.#keeping = this.#lastGood
      .save()
      .catch((error: unknown) => this.#log.error("rules_not_kept", { error_cause: explain(error) }));
    this.#inUse = this.#choose();
    return this.#inUse.version !== tried.version;
  }

  /** Tells of each change of the folders, when it has come to rest. */
  watch(onChange: () => void): Watching {
    return watchFolders({ folders: this.#folders, onChange });
  }

  /** What was learned is on the disk then. */
  close(): Promise<void> {
    return this.#keeping;
  }

  #choose(): InUse {
    const sources = plan(this.#loaded, this.#refused, this.#lastGood);
    return { sources, version: versionOf(sources), used: usedExternals(sources) };
  }

  /** Only what was said of present texts; a stand-in is nobody's concern. */
  #remember(problems: readonly RuleProblem[], tried: ReadonlyMap<string, string>): void {
    const present = new Map(this.#loaded.sources.map((source) => [keyOf(source), source.text]));
    const byKey = Map.groupBy(problems, keyOf);
    for (const [key, text] of tried) {
      if (present.get(key) !== text) continue;
      const found = byKey.get(key) ?? [];
      if (!this.#found.has(key)) this.#tell(found);
      if (found.length > 0) this.#found.set(key, found);
      else this.#found.delete(key);
    }
  }

  #tell(problems: readonly RuleProblem[]): void {
    for (const problem of problems) {
      const { line, column, code, message, level } = problem;
      const fields = { file: keyOf(problem), line, column, error_code: code, error_cause: message };
      if (level === "warning") this.#log.debug("rule_warning", fields);
      else this.#log.error("rule_refused", { ...fields, instead: this.#standIn(problem) });
    }
  }

  #standIn(problem: Pick<RuleProblem, "pack" | "file">): string {
    return this.#lastGood.get(keyOf(problem)) === undefined ? "nothing" : "its last good version";
  }
}
