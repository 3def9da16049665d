/** Room for one job at a time: an opener, and with the native engine its matcher. They are born and die together. */
import type { ChildProcess } from "node:child_process";
import { Duplex } from "node:stream";
import type { Content } from "../src/core/job.ts";
import type { Bytes, Millis } from "../src/core/message.ts";
import type { Log } from "../src/observe/log.ts";
import { Child, ChildGone, type Death } from "./child.ts";
import { contentSize } from "./content.ts";
import {
  type Answer,
  type Compile,
  type Compiled,
  type Init,
  isAnswer,
  isCompiled,
  isReady,
  type JobOrder,
  keptBytes,
  type Order,
  type Ready,
} from "./protocol.ts";
import type { Sandbox, Scratch } from "./sandbox.ts";

export interface Task {
  readonly job: JobOrder;
  readonly content: Content;
  /** Of the content, see contentKey. */
  readonly key: string;
  readonly deadlineMs: Millis;
}

export interface SlotPlan {
  readonly sandbox: Sandbox;
  readonly engine: "wasm" | "native";
  readonly init: Omit<Init, "kind" | "matcher">;
  /** Rules as JSON, encoded once for all children. */
  readonly rules: Uint8Array;
  /** For all that happens before a child is ready; compiling thousands of rules takes its time. */
  readonly startMs: Millis;
  readonly log: Log;
  /** Another program than workers/opener.ts: for tests. */
  readonly program?: string;
}

/** However well a child behaves. */
const jobsPerLife = 20_000;
const noRules = Buffer.from("[]");
const nonsense = (child: Child): ChildGone => {
  child.kill("crashed", "its answer has the wrong shape");
  return new ChildGone("crashed", "its answer has the wrong shape");
};

interface Pair {
  readonly opener: Child;
  readonly matcher: Child | null;
  /** The opener's; a matcher reads no files. */
  readonly scratch: Scratch;
}

type Link = NonNullable<ChildProcess["stdio"][3]>;

function startMatcher(sandbox: Sandbox, link: Link, log: Log): Child {
  // As standard input, since only the first three descriptors are made blocking in a child.
  const { process, scratch } = sandbox.start("matcher", "workers/matcher.ts", [link, "ignore", "pipe", "pipe"]);
  // Now the two children alone hold the ends of the link: when one is gone, the other reads the end of the stream.
  link.destroy();
  const control = process.stdio[3];
  if (!(control instanceof Duplex)) throw new TypeError("a matcher without control");
  const matcher = new Child(process, { name: "matcher", input: control, output: control, log });
  void matcher.gone.then(() => scratch.remove());
  return matcher;
}

function startPair({ sandbox, engine, log, program = "workers/opener.ts" }: SlotPlan): Pair {
  const pipes = Array.from({ length: engine === "native" ? 4 : 3 }, () => "pipe" as const);
  const { process, scratch } = sandbox.start("opener", program, pipes);
  const { stdin, stdout, stdio } = process;
  if (!stdin || !stdout) throw new TypeError("an opener without pipes");
  const opener = new Child(process, { name: "opener", input: stdin, output: stdout, log });
  const matcher = stdio[3] ? startMatcher(sandbox, stdio[3], log) : null;
  void opener.gone.then(({ message }) => {
    scratch.remove();
    matcher?.kill("aborted", `its opener: ${message}`);
  });
  void matcher?.gone.then(({ why, message }) => opener.kill(why, `its matcher: ${message}`));
  return { opener, matcher, scratch };
}

async function prepare({ opener, matcher }: Pair, plan: SlotPlan, signal: AbortSignal): Promise<Ready> {
  const { init, rules, startMs } = plan;
  let compiled: Compiled | null = null;
  if (matcher) {
    const compile: Compile = { kind: "compile", engine: "native", externals: init.externals };
    const { header } = await matcher.ask(compile, rules, startMs, signal);
    if (!isCompiled(header)) throw nonsense(matcher);
    compiled = header;
  }
  const order: Init = { kind: "init", ...init, matcher: compiled };
  const { header } = await opener.ask(order, compiled ? noRules : rules, startMs, signal);
  if (!isReady(header)) throw nonsense(opener);
  return header;
}

export class Slot {
  readonly ready: Ready;
  readonly #opener: Child;
  readonly #matcher: Child | null;
  readonly #scratch: Scratch;
  #kept: string | null = null;
  #jobs = 0;
  #worn = false;

  private constructor(ready: Ready, { opener, matcher, scratch }: Pair) {
    this.ready = ready;
    this.#opener = opener;
    this.#matcher = matcher;
    this.#scratch = scratch;
  }

  /** Rejects with ChildGone when a child dies before it is ready. */
  static async hatch(plan: SlotPlan, signal: AbortSignal): Promise<Slot> {
    const pair = startPair(plan);
    try {
      return new Slot(await prepare(pair, plan, signal), pair);
    } catch (error) {
      pair.opener.kill("aborted", "did not become ready");
      await Promise.all([pair.opener.gone, pair.matcher?.gone]);
      throw error;
    }
  }

  get alive(): boolean {
    return this.#opener.alive && (this.#matcher?.alive ?? true);
  }

  get gone(): Promise<ChildGone> {
    return this.#opener.gone;
  }

  get kept(): string | null {
    return this.#kept;
  }

  get jobs(): number {
    return this.#jobs;
  }

  get spent(): boolean {
    return this.#worn || this.#jobs >= jobsPerLife;
  }

  get pids(): readonly number[] {
    return this.#matcher ? [this.#opener.pid, this.#matcher.pid] : [this.#opener.pid];
  }

  /** The larger of the two: the limit holds for each. */
  get rss(): Bytes {
    return Math.max(this.#opener.rss, this.#matcher?.rss ?? 0);
  }

  kill(why: Death, text: string): void {
    this.#opener.kill(why, text);
  }

  /** Rejects with ChildGone, or with SPOOL_NOT_THERE. */
  async run({ job, content, key, deadlineMs }: Task, signal: AbortSignal): Promise<Answer> {
    this.#jobs++;
    const name = content.kind === "file" && key !== this.#kept ? await this.#scratch.put(content.file) : undefined;
    try {
      signal.throwIfAborted();
      const source: Order["source"] =
        key === this.#kept ? { from: "kept" } : name === undefined ? { from: "body" } : { from: "file", name };
      const body = source.from === "body" && content.kind === "bytes" ? content.bytes : new Uint8Array();
      this.#kept = contentSize(content) <= keptBytes ? key : null;
      const order: Order = { kind: "job", job, source };
      const { header } = await this.#opener.ask(order, body, deadlineMs, signal);
      if (!isAnswer(header, job.kind)) throw nonsense(this.#opener);
      this.#worn = header.health === "worn";
      return header;
    } finally {
      if (name !== undefined) this.#scratch.take(name);
    }
  }
}
