/** Measures the rule files in force some time after they came into force, only those that are new, and shows the slowest. */
import { hash } from "node:crypto";
import type { RuleSource } from "../workers/engines/engine.ts";
import type { Scanner } from "./compose-scan.ts";
import { explain } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import { externalDefaults } from "./rulepacks/externals.ts";

export interface RuleTimesOptions {
  readonly scanner: {
    readonly rules: Pick<Scanner["rules"], "ruleSet">;
    readonly workers: Pick<Scanner["workers"], "time">;
  };
  readonly metrics: Pick<Metrics, "ruleFileSeconds">;
  readonly log: Log;
  /** Not while a start or a flood of changes is under way. */
  readonly afterMs?: Millis;
}

const shown = 20;
const keyOf = ({ text }: RuleSource): string => hash("sha256", text, "hex");

export function startRuleTimes({ scanner, metrics, log, afterMs = 300_000 }: RuleTimesOptions): {
  close(): Promise<void>;
} {
  let known = new Map<string, Millis>();
  const stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  async function measure(): Promise<void> {
    const { sources } = scanner.rules.ruleSet(externalDefaults);
    const fresh = sources.filter((source) => !known.has(keyOf(source)));
    const times = await scanner.workers.time(fresh, externalDefaults, stop.signal);
    const found = new Map([...times].map(([source, ms]) => [keyOf(source), ms]));
    // What cannot be measured is not tried again before its text changes.
    known = new Map(
      sources.map((source) => [keyOf(source), found.get(keyOf(source)) ?? known.get(keyOf(source)) ?? 0]),
    );
    const slowest = sources
      .map((source) => ({ file: `${source.pack}/${source.file}`, ms: known.get(keyOf(source)) ?? 0 }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, shown);
    metrics.ruleFileSeconds.reset();
    for (const { file, ms } of slowest) if (ms > 0) metrics.ruleFileSeconds.set({ file }, ms / 1000);
  }

  const timer = setInterval(() => {
    running = running
      .then(() => (stop.signal.aborted ? undefined : measure()))
      .catch((error: unknown) => log.error("failed", { error_cause: explain(error) }));
  }, afterMs).unref();
  return {
    close() {
      clearInterval(timer);
      stop.abort();
      return running;
    },
  };
}
