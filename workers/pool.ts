/** Slots with one rule set and a warm spare: gives out jobs, replaces what dies, watches memory, tries a part three times. */
import { GatewayError } from "../src/core/errors.ts";
import type { Bytes, Millis } from "../src/core/message.ts";
import type { Log } from "../src/observe/log.ts";
import { ChildGone } from "./child.ts";
import type { Answer, Ready } from "./protocol.ts";
import type { Slot, Task } from "./slot.ts";

export type PoolEvent = "started" | "start-failed" | "recycled" | "crashed" | "timeout" | "memory";

export interface PoolOptions {
  /** Jobs at the same time. */
  readonly size: number;
  /** Ready slots beyond that, for when one dies. */
  readonly spares: number;
  /** The signal comes when the pool is closed meanwhile. */
  readonly hatch: (signal: AbortSignal) => Promise<Slot>;
  /** Resident memory of one child; beyond, it is killed. */
  readonly memory: Bytes;
  readonly log: Log;
  readonly onEvent?: (event: PoolEvent) => void;
}

interface Waiter {
  readonly key: string;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
}

const tries = 3;
const watchEveryMs = 100;
const slowestRetryMs = 30_000;
/** A waiting job may be overtaken by this many others whose octets a child has already. */
const overtakes = 4;
/** An idle child above this share of its limit is replaced before it meets the limit in a job. */
const idleShare = 0.75;

export class Pool {
  readonly ready: Ready;
  readonly #options: PoolOptions;
  readonly #slots = new Set<Slot>();
  /** The last one used is at the end: it is warm, the spare stays cold. */
  readonly #idle: Slot[] = [];
  readonly #waiters: Waiter[] = [];
  #failures = 0;
  #retry: NodeJS.Timeout | null = null;
  #watch: NodeJS.Timeout | null = null;
  #running = 0;
  readonly #hatching = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #drained: (() => void) | null = null;

  private constructor(options: PoolOptions, slots: readonly [Slot, ...Slot[]]) {
    this.#options = options;
    this.ready = slots[0].ready;
    for (const slot of slots) this.#admit(slot);
    this.#refill();
  }

  /** Resolves when all slots but the spare are ready, or have failed; rejects if none is ready, with what kept one from it. */
  static async start(options: PoolOptions): Promise<Pool> {
    const never = new AbortController().signal;
    const starts = await Promise.allSettled(Array.from({ length: options.size }, () => options.hatch(never)));
    const [first, ...others] = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    if (!first) throw starts.find((start) => start.status === "rejected")?.reason;
    return new Pool(options, [first, ...others]);
  }

  /** Rejects with ChildGone (crashed three times, timeout, memory), the signal's reason, SCANNER_UNAVAILABLE or SPOOL_NOT_THERE. */
  async run(task: Task, signal: AbortSignal): Promise<Answer> {
    this.#running++;
    try {
      for (let attempt = 1; ; attempt++) {
        const slot = await this.#acquire(task.key, signal);
        const answer = await this.#attempt(slot, task, signal, attempt);
        if (answer) return answer;
      }
    } finally {
      this.#running--;
      if (this.#running === 0) this.#drained?.();
    }
  }

  /** Lets the jobs that wait or run end, then ends its children. Nobody may bring new ones. */
  async retire(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    await this.close();
  }

  /** Ends its children at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry ?? undefined);
    clearInterval(this.#watch ?? undefined);
    this.#watch = null;
    this.#refuseWaiters("closed");
    const slots = [...this.#slots];
    for (const slot of slots) slot.kill("aborted", "closed");
    await Promise.all([...this.#hatching, ...slots.map((slot) => slot.gone)]);
  }

  children(): readonly {
    readonly pids: readonly number[];
    readonly rss: Bytes;
    readonly busy: boolean;
    readonly jobs: number;
  }[] {
    return [...this.#slots].map((slot) => ({
      pids: slot.pids,
      rss: slot.rss,
      busy: !this.#idle.includes(slot),
      jobs: slot.jobs,
    }));
  }

  /** The answer, or null if the part is to be tried again in another child. */
  async #attempt(slot: Slot, task: Task, signal: AbortSignal, attempt: number): Promise<Answer | null> {
    try {
      const answer = await slot.run(task, signal);
      if (answer.health !== "broken") return answer;
      this.#report("crashed");
      slot.kill("aborted", "broke in a job");
      return attempt < tries ? null : answer;
    } catch (error) {
      if (!(error instanceof ChildGone)) throw error;
      if (error.why === "aborted")
        throw signal.aborted ? signal.reason : new GatewayError("SCANNER_UNAVAILABLE", { reason: "closed" });
      this.#report(error.why);
      if (error.why !== "crashed" || attempt >= tries) throw error;
      return null;
    } finally {
      this.#release(slot);
    }
  }

  #acquire(key: string, signal: AbortSignal): Promise<Slot> {
    if (this.#closed) throw new GatewayError("SCANNER_UNAVAILABLE", { reason: "closed" });
    signal.throwIfAborted();
    const slot = this.#pick(key);
    if (slot) return Promise.resolve(slot);
    if (this.#slots.size === 0 && this.#failures > 0)
      throw new GatewayError("SCANNER_UNAVAILABLE", { reason: "no child starts" });
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const leave = () => {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      reject(signal.reason);
    };
    const settled = () => signal.removeEventListener("abort", leave);
    const waiter: Waiter = {
      key,
      resolve: (given) => {
        settled();
        resolve(given);
      },
      reject: (reason) => {
        settled();
        reject(reason);
      },
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiters.push(waiter);
    return promise;
  }

  /** An idle slot, best one that has the octets, while fewer than `size` are busy. */
  #pick(key: string): Slot | null {
    if (this.#slots.size - this.#idle.length >= this.#options.size) return null;
    const known = this.#idle.findLastIndex((slot) => slot.kept === key);
    const [slot] = known >= 0 ? this.#idle.splice(known, 1) : this.#idle.splice(-1);
    if (slot) this.#startWatch();
    return slot ?? null;
  }

  #release(slot: Slot): void {
    if (!slot.alive) return this.#forget(slot);
    if (slot.spent || (slot.jobs % 16 === 0 && slot.rss > this.#options.memory * idleShare)) {
      this.#report("recycled");
      slot.kill("aborted", "has served long enough");
      return this.#forget(slot);
    }
    this.#idle.push(slot);
    this.#serveWaiters();
  }

  #serveWaiters(): void {
    while (this.#waiters.length > 0) {
      const last = this.#idle.at(-1);
      const near = this.#waiters.slice(0, overtakes).findIndex(({ key }) => key === last?.kept);
      const chosen = Math.max(0, near);
      const slot = this.#pick(this.#waiters[chosen]?.key ?? "");
      if (!slot) return;
      this.#waiters.splice(chosen, 1)[0]?.resolve(slot);
    }
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #admit(slot: Slot): void {
    if (this.#closed) return slot.kill("aborted", "closed");
    this.#slots.add(slot);
    this.#idle.push(slot);
    this.#report("started");
    void slot.gone.then(() => this.#forget(slot));
    this.#serveWaiters();
  }

  #forget(slot: Slot): void {
    if (!this.#slots.delete(slot)) return;
    const at = this.#idle.indexOf(slot);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#refill();
  }

  /** As many as work, and one more that is warm when one of them dies. */
  #refill(): void {
    if (this.#closed) return;
    while (this.#retry === null && this.#slots.size + this.#hatching.size < this.#options.size + this.#options.spares) {
      const hatching = this.#hatch().finally(() => this.#hatching.delete(hatching));
      this.#hatching.add(hatching);
    }
  }

  async #hatch(): Promise<void> {
    try {
      this.#admit(await this.#options.hatch(this.#closing.signal));
      this.#failures = 0;
    } catch (error) {
      if (!this.#closed) this.#startFailed(error);
    }
  }

  #startFailed(error: unknown): void {
    this.#failures++;
    this.#report("start-failed");
    this.#options.log.error("child_not_started", { error_cause: String(error), attempt: this.#failures });
    if (this.#slots.size === 0) this.#refuseWaiters("no child starts");
    if (this.#retry) return;
    const wait: Millis = Math.min(slowestRetryMs, 100 * 2 ** this.#failures);
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#refill();
    }, wait).unref();
  }

  #refuseWaiters(reason: string): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(new GatewayError("SCANNER_UNAVAILABLE", { reason }));
  }

  /** Looks while anything runs: native memory and WASM memory are counted by no limit of V8. */
  #startWatch(): void {
    this.#watch ??= setInterval(() => {
      for (const slot of this.#slots)
        if (slot.rss > this.#options.memory) slot.kill("memory", `more than ${this.#options.memory} bytes resident`);
      if (this.#idle.length < this.#slots.size) return;
      clearInterval(this.#watch ?? undefined);
      this.#watch = null;
    }, watchEveryMs).unref();
  }

  #report(event: PoolEvent): void {
    this.#options.onEvent?.(event);
  }
}
