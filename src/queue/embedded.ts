/** The queue inside one process: first come, first served among jobs of one priority; bounded; equal ids in flight share one result. */
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { type Clock, systemClock } from "../observe/clock.ts";
import type { Queue, QueueJob } from "./queue.ts";

interface Task<Job, Result> {
  readonly job: Job;
  readonly since: Millis;
  readonly abort: AbortController;
  readonly settled: Promise<Result>;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  submitters: number;
}

/** Those that wait, in order of arrival; a Set, so that a job given up leaves from the middle at no cost. */
class Line<T> {
  readonly #waiting = new Set<T>();
  /** Stands behind the last one taken; from the head, each look would pass the graves of all that left. */
  #cursor = this.#waiting.values();

  get size(): number {
    return this.#waiting.size;
  }

  values(): Iterable<T> {
    return this.#waiting;
  }

  add(one: T): void {
    this.#waiting.add(one);
  }

  delete(one: T): void {
    this.#waiting.delete(one);
  }

  take(): T | null {
    let next = this.#cursor.next();
    if (next.done) {
      this.#cursor = this.#waiting.values();
      next = this.#cursor.next();
    }
    if (next.done) return null;
    this.#waiting.delete(next.value);
    return next.value;
  }
}

interface Server<Job, Result> {
  readonly work: (job: Job, signal: AbortSignal) => Promise<Result>;
  readonly concurrency: number;
  readonly running: Set<Promise<void>>;
}

export interface EmbeddedQueueOptions {
  /** Jobs that may wait; beyond, `submit` rejects with QUEUE_UNAVAILABLE. */
  readonly waiting: number;
  readonly clock?: Clock;
}

export class EmbeddedQueue<Job extends QueueJob, Result> implements Queue<Job, Result> {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #byId = new Map<string, Task<Job, Result>>();
  /** By priority, the first to be served first; there are as many as there are priorities, which is few. */
  readonly #lines = new Map<number, Line<Task<Job, Result>>>();
  readonly #running = new Set<Task<Job, Result>>();
  readonly #servers = new Set<Server<Job, Result>>();
  #closed = false;

  constructor({ waiting, clock = systemClock }: EmbeddedQueueOptions) {
    this.#limit = waiting;
    this.#clock = clock;
  }

  async submit(job: Job, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#closed) throw new GatewayError("QUEUE_UNAVAILABLE", { reason: "closed" });
    const task = this.#byId.get(job.id) ?? this.#enqueue(job);
    task.submitters++;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const leave = () => {
      reject(signal.reason);
      task.submitters--;
      if (task.submitters === 0) this.#giveUp(task);
    };
    signal.addEventListener("abort", leave, { once: true });
    task.settled.then(resolve, reject);
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  serve(work: (job: Job, signal: AbortSignal) => Promise<Result>, concurrency: number): AsyncDisposable {
    const server: Server<Job, Result> = { work, concurrency, running: new Set() };
    this.#servers.add(server);
    this.#dispatch();
    return {
      [Symbol.asyncDispose]: async () => {
        this.#servers.delete(server);
        await Promise.all(server.running);
      },
    };
  }

  depth(): Promise<{ readonly waiting: number; readonly running: number; readonly oldestMs: number }> {
    // A Map keeps the order of arrival.
    const [oldest] = this.#byId.values();
    const oldestMs = oldest ? this.#clock.monotonic() - oldest.since : 0;
    return Promise.resolve({ waiting: this.#waiting, running: this.#running.size, oldestMs });
  }

  /** Running jobs end; waiting ones are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const task of [...this.#lines.values()].flatMap((line) => [...line.values()]))
      this.#settle(task, () => task.reject(new GatewayError("QUEUE_UNAVAILABLE", { reason: "closed" })));
    await Promise.all([...this.#servers].flatMap((server) => [...server.running]));
    this.#servers.clear();
  }

  #enqueue(job: Job): Task<Job, Result> {
    if (this.#waiting >= this.#limit && !this.#hasRoom())
      throw new GatewayError("QUEUE_UNAVAILABLE", { reason: "full", waiting: this.#waiting });
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    // Whoever submitted hears of a failure through a promise of its own; nobody may be left when it comes.
    promise.catch(() => undefined);
    const task = {
      job,
      since: this.#clock.monotonic(),
      abort: new AbortController(),
      settled: promise,
      resolve,
      reject,
      submitters: 0,
    };
    this.#byId.set(job.id, task);
    this.#lineOf(job).add(task);
    this.#dispatch();
    return task;
  }

  get #waiting(): number {
    let count = 0;
    for (const { size } of this.#lines.values()) count += size;
    return count;
  }

  #lineOf({ priority = 0 }: Job): Line<Task<Job, Result>> {
    const there = this.#lines.get(priority);
    if (there) return there;
    const line = new Line<Task<Job, Result>>();
    const all = [...this.#lines, [priority, line] as const].sort(([one], [other]) => one - other);
    this.#lines.clear();
    for (const [key, value] of all) this.#lines.set(key, value);
    return line;
  }

  #hasRoom(): boolean {
    for (const server of this.#servers) if (server.running.size < server.concurrency) return true;
    return false;
  }

  #dispatch(): void {
    for (const server of this.#servers)
      while (server.running.size < server.concurrency) {
        const task = this.#take();
        if (!task) return;
        this.#running.add(task);
        const run = this.#run(server, task).finally(() => {
          server.running.delete(run);
          this.#dispatchIfServing(server);
        });
        server.running.add(run);
      }
  }

  #take(): Task<Job, Result> | null {
    for (const line of this.#lines.values()) {
      const task = line.take();
      if (task) return task;
    }
    return null;
  }

  #dispatchIfServing(server: Server<Job, Result>): void {
    if (this.#servers.has(server)) this.#dispatch();
  }

  async #run(server: Server<Job, Result>, task: Task<Job, Result>): Promise<void> {
    try {
      const result = await server.work(task.job, task.abort.signal);
      this.#settle(task, () => task.resolve(result));
    } catch (error) {
      this.#settle(task, () => task.reject(error));
    }
  }

  /** Out of the books first: an equal id that comes from now on is a new job. */
  #settle(task: Task<Job, Result>, tell: () => void): void {
    this.#lineOf(task.job).delete(task);
    this.#running.delete(task);
    if (this.#byId.get(task.job.id) === task) this.#byId.delete(task.job.id);
    tell();
  }

  #giveUp(task: Task<Job, Result>): void {
    if (this.#byId.get(task.job.id) === task) this.#byId.delete(task.job.id);
    this.#lineOf(task.job).delete(task);
    task.abort.abort(new GatewayError("JOB_ABORTED"));
  }
}
