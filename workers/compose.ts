/** Starts the workers of one process: sandbox, engine, rules, pool; runs jobs, and puts new rules in the place of old ones. */
import { GatewayError } from "../src/core/errors.ts";
import type { Externals, Job, JobResult } from "../src/core/job.ts";
import type { Millis } from "../src/core/message.ts";
import type { Log } from "../src/observe/log.ts";
import { type Checked, checkRules } from "./check.ts";
import { ChildGone } from "./child.ts";
import { chooseEngine, countRules, type EngineChoice, isNativeInstalled } from "./choose-engine.ts";
import { contentKey } from "./content.ts";
import type { RuleProblem, RuleSource } from "./engines/engine.ts";
import { Pool, type PoolEvent } from "./pool.ts";
import type { JobOrder, Ready } from "./protocol.ts";
import { timeRules } from "./rule-times.ts";
import { createSandbox, type SandboxOptions } from "./sandbox.ts";
import { Slot, type Task } from "./slot.ts";
import { unfinishedCutting, unfinishedDissection, unfinishedReport, unfinishedView } from "./unfinished.ts";

export interface RuleSet {
  readonly sources: readonly RuleSource[];
  /** Jobs name it; a pool without it refuses them. */
  readonly version: string;
  /** Every external variable with its default. */
  readonly externals: Externals;
}

export interface WorkersOptions extends Pick<SandboxOptions, "scratchDir" | "spoolDir" | "memory" | "allowOldNode"> {
  readonly concurrency: number;
  /** Warm children beyond `concurrency`. Default: 1. Without, a death costs half a second of one worker, more with thousands of rules. */
  readonly spares?: number;
  /** For one job, whatever the job itself says. */
  readonly deadlineMs: Millis;
  readonly engine: "auto" | "wasm" | "native";
  readonly rules: RuleSet;
  readonly log: Log;
  readonly onEvent?: (event: PoolEvent) => void;
}

export interface WorkersStatus {
  readonly engine: EngineChoice;
  readonly ruleSet: string;
  readonly ruleCount: number;
  readonly problems: readonly RuleProblem[];
  readonly versions: Readonly<Record<string, string>>;
  /** External variables that the rules read. */
  readonly used: readonly string[];
  readonly confinement: { readonly how: readonly string[]; readonly missing: readonly string[] };
  readonly children: ReturnType<Pool["children"]>;
}

export interface Workers {
  /** A part whose processes die, or take too long or too much, has a result too: *incomplete*. Rejects with SCANNER_UNAVAILABLE, SPOOL_NOT_THERE, the signal's reason. */
  run(job: Job, signal: AbortSignal): Promise<JobResult>;
  /** Resolves when the new rules are in force; rejects and changes nothing if no child starts with them. */
  swap(rules: RuleSet): Promise<void>;
  status(): WorkersStatus;
  /** Compiles in a child that may die; nothing comes into force. */
  check(sources: readonly RuleSource[], externals: Externals): Promise<Checked>;
  /** Milliseconds for a MiB that each file takes alone; of those that can be measured. */
  time(
    sources: readonly RuleSource[],
    externals: Externals,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<RuleSource, Millis>>;
  close(): Promise<void>;
}

/** Until a child is ready: half a second with few rules, ten seconds with 8,000 in WASM, and many times that on a busy machine. */
const startMs = (rules: number): Millis => 30_000 + 20 * rules;
const checkMs: Millis = 60_000;

/** One rule set in force. */
interface Shift {
  readonly rules: RuleSet;
  readonly choice: EngineChoice;
  readonly pool: Pool;
  readonly problems: readonly RuleProblem[];
}

function orderOf(job: Job): JobOrder {
  const { content: _content, deadlineMs: _deadline, ...order } = job;
  return order;
}

function withoutAhead(order: JobOrder): JobOrder {
  if (order.kind !== "dissect") return order;
  const { ahead: _ahead, ...rest } = order;
  return rest;
}

export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { log, memory, concurrency, engine, onEvent } = options;
  const sandbox = await createSandbox(options);
  const native = isNativeInstalled();
  const check = (sources: readonly RuleSource[], externals: Externals): Promise<Checked> =>
    checkRules(sources, { sandbox, externals, deadlineMs: checkMs, log });

  function choose(sources: readonly RuleSource[]): EngineChoice {
    const count = countRules(sources.map(({ text }) => text));
    const choice = chooseEngine(engine, count, native, sandbox.confinement);
    if (!choice) throw new GatewayError("SCANNER_UNAVAILABLE", { reason: "the native engine is not installed" });
    if (choice.warning) log.warn("engine", { engine: choice.engine, reason: choice.warning });
    return choice;
  }

  function startPool(
    choice: EngineChoice,
    { externals, version }: RuleSet,
    sources: readonly RuleSource[],
  ): Promise<Pool> {
    const rules = Buffer.from(JSON.stringify(sources));
    const plan = {
      sandbox,
      engine: choice.engine,
      init: { ruleSet: version, externals },
      rules,
      startMs: startMs(countRules(sources.map(({ text }) => text))),
      log,
    };
    return Pool.start({
      size: concurrency,
      spares: options.spares ?? 1,
      memory,
      log,
      hatch: (signal) => Slot.hatch(plan, signal),
      ...(onEvent ? { onEvent } : {}),
    });
  }

  /** If no child gets ready with the rules: once more, without the files that kill them. */
  async function begin(rules: RuleSet): Promise<Shift> {
    const choice = choose(rules.sources);
    try {
      const pool = await startPool(choice, rules, rules.sources);
      return { rules, choice, pool, problems: pool.ready.problems };
    } catch (cause) {
      if (!(cause instanceof ChildGone)) throw cause;
    }
    try {
      const { harmless, problems } = await check(rules.sources, rules.externals);
      return { rules, choice, pool: await startPool(choice, rules, harmless), problems };
    } catch (cause) {
      throw new GatewayError("SCANNER_UNAVAILABLE", { reason: "no child starts" }, cause);
    }
  }

  let shift: Shift;
  try {
    shift = await begin(options.rules);
  } catch (error) {
    sandbox.dispose();
    throw error;
  }
  const retiring = new Set<Pool>();
  let swapping: Promise<void> = Promise.resolve();

  async function replace(rules: RuleSet): Promise<void> {
    const next = await begin(rules);
    const old = shift;
    shift = next;
    retiring.add(old.pool);
    void old.pool.retire().then(() => retiring.delete(old.pool));
  }

  async function unfinished(job: Job, gone: ChildGone, { versions }: Ready): Promise<JobResult> {
    switch (job.kind) {
      case "dissect":
        return unfinishedDissection(job, gone);
      case "inspect":
        return unfinishedReport(gone, versions);
      case "view":
        return unfinishedView(gone);
      case "strip":
        return unfinishedCutting(gone);
    }
  }

  return {
    async run(job, signal) {
      const { pool, rules } = shift;
      if (job.kind === "inspect" && job.ruleSet !== rules.version)
        throw new GatewayError("SCANNER_UNAVAILABLE", {
          reason: "other rules",
          has: rules.version,
          wants: job.ruleSet,
        });
      const deadlineMs = Math.min(job.deadlineMs, options.deadlineMs);
      const attempt = async (order: JobOrder): Promise<JobResult> => {
        const task: Task = { job: order, content: job.content, key: contentKey(job.content), deadlineMs };
        return (await pool.run(task, signal)).result;
      };
      const order = orderOf(job);
      try {
        if (order.kind !== "dissect" || order.ahead?.ruleSet !== rules.version)
          return await attempt(withoutAhead(order));
        // If a child dies of looking ahead, the message is still to be taken apart, and its parts judged one by one.
        return await attempt(order).catch((error: unknown) => {
          if (error instanceof ChildGone) return attempt(withoutAhead(order));
          throw error;
        });
      } catch (error) {
        if (error instanceof ChildGone) return unfinished(job, error, pool.ready);
        throw error;
      }
    },
    swap(rules) {
      // One after the other, in the order of the calls.
      const swapped = swapping.then(() => replace(rules));
      swapping = swapped.catch(() => undefined);
      return swapped;
    },
    status: () => ({
      engine: shift.choice,
      ruleSet: shift.rules.version,
      ruleCount: shift.pool.ready.ruleCount,
      problems: shift.problems,
      versions: shift.pool.ready.versions,
      used: shift.pool.ready.facts.used,
      confinement: { how: sandbox.confinement.how, missing: sandbox.confinement.missing },
      // Asks the system about every child: only for who wants to see it.
      get children() {
        return shift.pool.children();
      },
    }),
    check,
    time: (sources, externals, signal) => timeRules(sources, { sandbox, externals, log, signal }),
    async close() {
      await swapping;
      await Promise.all([shift.pool, ...retiring].map((pool) => pool.close()));
      sandbox.dispose();
    },
  };
}
