/** What each rule file costs alone: the engines tell no time by rule, so files are measured apart, in a child of the lowest priority that may die. */
import { constants, setPriority } from "node:os";
import type { Externals } from "../src/core/job.ts";
import type { Millis } from "../src/core/message.ts";
import type { Log } from "../src/observe/log.ts";
import { Child, ChildGone } from "./child.ts";
import type { RuleSource } from "./engines/engine.ts";
import type { Sandbox } from "./sandbox.ts";

export interface TimeOrder {
  readonly kind: "time";
  readonly externals: Externals;
}

export interface Timed {
  readonly kind: "timed";
  /** For each file in order, milliseconds for a MiB; null where it does not compile alone. */
  readonly ms: readonly (Millis | null)[];
}

export interface TimeOptions {
  readonly sandbox: Sandbox;
  readonly externals: Externals;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Files for one child: compiled rules are not all given back by the engine. */
const batch = 40;
const batchMs: Millis = 60_000;

async function timeBatch(sources: readonly RuleSource[], options: TimeOptions): Promise<Timed["ms"]> {
  const { sandbox, externals, log, signal } = options;
  const { process, scratch } = sandbox.start("opener", "workers/rule-timer.ts", ["pipe", "pipe", "pipe"]);
  const { stdin, stdout, pid } = process;
  if (!stdin || !stdout) throw new TypeError("a child without pipes");
  const child = new Child(process, { name: "rule timer", input: stdin, output: stdout, log });
  try {
    if (pid !== undefined) lower(pid);
    const order: TimeOrder = { kind: "time", externals };
    const { header } = await child.ask(order, Buffer.from(JSON.stringify(sources)), batchMs, signal);
    const { ms } = header as Partial<Timed>;
    if (!Array.isArray(ms) || ms.length !== sources.length)
      throw new ChildGone("crashed", "its answer has the wrong shape");
    return ms.map((one: unknown) => (typeof one === "number" && Number.isFinite(one) ? one : null));
  } finally {
    child.kill("aborted", "has told what it knows");
    await child.gone;
    scratch.remove();
  }
}

/** Not where children have users of their own and we may not. */
function lower(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // It runs as the others do.
  }
}

/** Milliseconds for a MiB by file. Files that cannot be measured, alone or with others of their batch, are left out. */
export async function timeRules(
  sources: readonly RuleSource[],
  options: TimeOptions,
): Promise<ReadonlyMap<RuleSource, Millis>> {
  const times = new Map<RuleSource, Millis>();
  for (let at = 0; at < sources.length && !options.signal.aborted; at += batch) {
    const some = sources.slice(at, at + batch);
    const ms = await timeBatch(some, options).catch((error: unknown) => {
      if (!(error instanceof ChildGone)) throw error;
      return [];
    });
    for (const [index, source] of some.entries()) {
      const found = ms[index];
      if (typeof found === "number") times.set(source, found);
    }
  }
  return times;
}
