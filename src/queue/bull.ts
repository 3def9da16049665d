/** The queue over BullMQ on Redis: many gateways ask, many workers answer. Holds nothing that matters; what Redis loses is asked again. */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue as Bull } from "bullmq";
import { Redis } from "ioredis";
import { errorCodes, GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { type Clock, systemClock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { BullServer, type Serve } from "./bull-server.ts";
import type { Answer, Carrier } from "./carrier.ts";
import { type Beat, Ledger, readNews } from "./ledger.ts";
import type { Queue, QueueJob } from "./queue.ts";
import { type Connection, connectRedis, isUp, type RedisSettings } from "./redis.ts";

export const queueName = "inspect";

export interface BullOptions<Job, Result> {
  readonly redis: RedisSettings;
  readonly carrier: Carrier<Job, Result>;
  /** Jobs of this process that may wait; beyond, `submit` rejects with QUEUE_UNAVAILABLE. */
  readonly waiting: number;
  /** Refuse jobs that no living worker fits, instead of keeping them until one comes. */
  readonly needWorkers: boolean;
  /** Of a process that serves: what its workers fit now. */
  readonly offers?: () => string;
  readonly log: Log;
  readonly clock?: Clock;
}

interface Task<Job, Result> {
  readonly id: string;
  readonly job: Job;
  readonly fit: string;
  readonly abort: AbortController;
  readonly settled: Promise<Result>;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
  submitters: number;
  /** Since when it should be in Redis; null while it is brought there. */
  placedAt: Millis | null;
  times: number;
  placing: Promise<void>;
}

const pollMs: Millis = 250;
const lookMs: Millis = 1_000;
/** So long after it was placed it is asked whether Redis still knows of a job. */
const doubtMs: Millis = 2_000;
const placements = 5;
const firstLookMs: Millis = 5_000;
const pageOf = 200;

const away = (reason: string, cause?: unknown): GatewayError =>
  new GatewayError("QUEUE_UNAVAILABLE", { reason }, cause);

function asError({ code, detail, text }: Extract<Answer<never>, { kind: "failure" }>["failure"]): Error {
  const found = errorCodes.find((one) => one === code);
  return found ? new GatewayError(found, detail) : new Error(text);
}

export class BullQueue<Job extends QueueJob, Result> implements Queue<Job, Result> {
  readonly #options: BullOptions<Job, Result>;
  readonly #clock: Clock;
  readonly #redis: Connection;
  readonly #listen: Connection;
  readonly #ledger: Ledger;
  readonly #tasks = new Map<string, Task<Job, Result>>();
  /** By id: who asks for the same again waits until that is through. */
  readonly #leaving = new Map<string, Promise<void>>();
  readonly #servers = new Set<BullServer<Job, Result>>();
  readonly #woken = new Set<string>();
  /** Made anew when Redis comes back: one whose first words were cut off never recovers. */
  #bull: Bull | null = null;
  #beats: readonly Beat[] = [];
  #timers: readonly NodeJS.Timeout[] = [];
  #looking: Promise<void> | null = null;
  #polling = false;
  #closed = false;

  private constructor(options: BullOptions<Job, Result>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#redis = connectRedis(options.redis, "ask");
    this.#listen = connectRedis(options.redis, "listen");
    this.#ledger = new Ledger(this.#redis, options.redis.prefix, randomUUID());
  }

  /** Resolves as well when Redis is away: jobs are refused until it is there. */
  static async open<Job extends QueueJob, Result>(options: BullOptions<Job, Result>): Promise<BullQueue<Job, Result>> {
    const queue = new BullQueue(options);
    await queue.#start();
    return queue;
  }

  get isUp(): boolean {
    return this.#bull !== null;
  }

  /** The workers that were alive a moment ago. */
  get workers(): readonly Beat[] {
    return this.#beats;
  }

  /** Jobs of this process that are under way. */
  get pending(): number {
    return this.#tasks.size;
  }

  async submit(job: Job, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#closed) throw away("closed");
    const { carrier } = this.#options;
    const id = carrier.idOf(job);
    const task = this.#tasks.get(id) ?? this.#begin(id, job);
    task.submitters++;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const leave = (): void => {
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

  serve(work: (job: Job, signal: AbortSignal) => Promise<Result>, concurrency: number): Serve {
    const { redis, carrier, log, offers = () => "" } = this.#options;
    const server = new BullServer({ redis, carrier, log, offers, ledger: this.#ledger, work, concurrency });
    this.#servers.add(server);
    void this.#listen.subscribe(this.#ledger.leftChannel).catch(() => undefined);
    return {
      putBack: () => server.putBack(),
      busy: () => server.busy,
      [Symbol.asyncDispose]: async () => {
        await server.close();
        this.#servers.delete(server);
      },
    };
  }

  /** Of all gateways together. */
  async depth(): Promise<{ readonly waiting: number; readonly running: number; readonly oldestMs: number }> {
    await Promise.allSettled(this.#leaving.values());
    const bull = this.#bull;
    if (!bull) throw away("Redis is away");
    try {
      const counts = await bull.getJobCounts("wait", "prioritized", "delayed", "active");
      const { wait = 0, prioritized = 0, delayed = 0, active = 0 } = counts;
      const waiting = wait + prioritized + delayed;
      const oldest = waiting + active === 0 ? [] : await bull.getJobs(["active", "wait", "prioritized"], 0, 0, true);
      const since = Math.min(Date.now(), ...oldest.map((job) => job.timestamp));
      return { waiting, running: active, oldestMs: Date.now() - since };
    } catch (error) {
      throw away("Redis does not answer", error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all([...this.#servers].map((server) => server.close()));
    await this.#collect([...this.#tasks.keys()]).catch(() => undefined);
    for (const task of this.#tasks.values()) this.#settle(task, () => task.reject(away("closed")));
    await Promise.allSettled([...this.#leaving.values(), this.#looking]);
    await this.#bull?.close().catch(() => undefined);
    for (const connection of [this.#redis, this.#listen]) connection.disconnect();
  }

  async #start(): Promise<void> {
    this.#redis.on("close", () => this.#down("Redis has gone"));
    this.#listen.on("messageBuffer", (channel: Buffer, news: Buffer) => {
      const { id, sealed } = readNews(news);
      if (channel.toString() !== this.#ledger.doneChannel) for (const server of this.#servers) server.left(id);
      else if (sealed) this.#heard(id, sealed);
      else this.#wake(id);
    });
    // Subscribed again by itself whenever it reconnects.
    void this.#listen.subscribe(this.#ledger.doneChannel).catch(() => undefined);
    const end = this.#clock.monotonic() + firstLookMs;
    do {
      await this.#look();
      if (!this.isUp) await sleep(50);
    } while (!this.isUp && this.#clock.monotonic() < end);
    this.#timers = [
      setInterval(() => void this.#poll(), pollMs),
      setInterval(() => {
        this.#looking ??= this.#look().finally(() => (this.#looking = null));
      }, lookMs),
    ];
  }

  /** Is Redis there and does it take anything; and who works? */
  async #look(): Promise<void> {
    if (!isUp(this.#redis)) return;
    try {
      this.#beats = await this.#ledger.look();
      await Promise.all([...this.#servers].map((server) => server.beat()));
      this.#bull ??= this.#closed ? null : this.#makeBull();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#down(reason);
      if (/timed out/i.test(reason)) this.#reconnect();
    }
    for (const task of this.#tasks.values())
      if (!this.#isServed(task.fit)) this.#settle(task, () => task.reject(away("no worker has these rules")));
  }

  #makeBull(): Bull {
    const bull = new Bull(queueName, { connection: this.#redis, prefix: this.#options.redis.prefix });
    return bull.on("error", () => undefined);
  }

  /** Half-open: nobody will tell us that it is dead. A Cluster finds that out by itself. */
  #reconnect(): void {
    for (const connection of [this.#redis, this.#listen]) if (connection instanceof Redis) connection.disconnect(true);
  }

  #down(reason: string): void {
    const bull = this.#bull;
    this.#bull = null;
    void bull?.close().catch(() => undefined);
    for (const task of this.#tasks.values()) this.#settle(task, () => task.reject(away(reason)));
  }

  #isServed(fit: string): boolean {
    return !this.#options.needWorkers || this.#beats.some((beat) => beat.fit === fit);
  }

  #begin(id: string, job: Job): Task<Job, Result> {
    const fit = this.#options.carrier.fitOf(job);
    if (!this.#bull) throw away("Redis is away");
    if (this.#tasks.size >= this.#options.waiting) throw away("full");
    if (!this.#isServed(fit)) throw away("no worker has these rules");
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    promise.catch(() => undefined);
    const task: Task<Job, Result> = {
      id,
      job,
      fit,
      abort: new AbortController(),
      settled: promise,
      resolve,
      reject,
      submitters: 0,
      placedAt: null,
      times: 0,
      placing: Promise.resolve(),
    };
    this.#tasks.set(id, task);
    task.placing = this.#place(task);
    return task;
  }

  /** Brings a job into Redis, unless its result is there. What was there already stays as it is. */
  async #place(task: Task<Job, Result>): Promise<void> {
    const { carrier } = this.#options;
    task.placedAt = null;
    try {
      if (++task.times > placements) throw away("Redis lost the job again and again");
      await this.#leaving.get(task.id);
      // Both at once: the octets that nobody needs are rare, and each way costs its time.
      const packing = carrier.pack(task.job, task.abort.signal);
      packing.catch(() => undefined);
      const known = await this.#ledger.ask(task.id);
      if (known) return this.#settleWith(task, known);
      const { sealed, priority } = await packing;
      task.abort.signal.throwIfAborted();
      if (!this.#bull) throw away("Redis is away");
      await this.#bull.add(
        queueName,
        { fit: task.fit, sealed: sealed.toString("base64") },
        {
          jobId: task.id,
          removeOnComplete: true,
          removeOnFail: true,
          ...(priority === null ? {} : { priority }),
        },
      );
      task.placedAt = this.#clock.monotonic();
    } catch (error) {
      const reason = error instanceof GatewayError || task.abort.signal.aborted ? error : away("Redis refuses", error);
      this.#settle(task, () => task.reject(reason));
    }
  }

  #heard(id: string, sealed: Buffer): void {
    const task = this.#tasks.get(id);
    if (task) this.#settleWith(task, sealed);
  }

  /** Wakes come in swarms: one look at all of them. */
  #wake(id: string): void {
    if (!this.#tasks.has(id)) return;
    if (this.#woken.size === 0)
      setImmediate(() => {
        const ids = [...this.#woken];
        this.#woken.clear();
        void this.#collect(ids, 0).catch(() => undefined);
      });
    this.#woken.add(id);
  }

  async #poll(): Promise<void> {
    if (this.#polling || !this.isUp) return;
    this.#polling = true;
    try {
      await this.#collect([...this.#tasks.values()].filter((task) => task.placedAt !== null).map(({ id }) => id));
    } catch {
      // The next look says what is wrong.
    } finally {
      this.#polling = false;
    }
  }

  async #collect(ids: readonly string[], doubt: Millis = doubtMs): Promise<void> {
    for (let at = 0; at < ids.length; at += pageOf) {
      const page = ids.slice(at, at + pageOf);
      const found = await this.#ledger.collect(page);
      const missing: Task<Job, Result>[] = [];
      for (const [i, id] of page.entries()) {
        const task = this.#tasks.get(id);
        const record = found[i];
        if (task && record) this.#settleWith(task, record.sealed);
        else if (task && task.placedAt !== null && this.#clock.monotonic() - task.placedAt >= doubt) missing.push(task);
      }
      if (missing.length > 0) await this.#placeAgain(missing);
    }
  }

  /** Lost with Redis' data, or ended without a result while we began to wait. */
  async #placeAgain(tasks: readonly Task<Job, Result>[]): Promise<void> {
    const bull = this.#bull;
    if (!bull) return;
    for (const task of tasks) {
      if (await this.#redis.exists(bull.toKey(task.id))) task.placedAt = this.#clock.monotonic();
      else if (this.#tasks.get(task.id) === task && task.placedAt !== null) await (task.placing = this.#place(task));
    }
  }

  #settleWith(task: Task<Job, Result>, sealed: Buffer): void {
    try {
      const answer = this.#options.carrier.openResult(task.id, sealed);
      if (answer.kind === "result") return this.#settle(task, () => task.resolve(answer.result));
      if (answer.failure.code === "BLOB_NOT_THERE") this.#options.carrier.forget(task.job);
      this.#settle(task, () => task.reject(asError(answer.failure)));
    } catch (error) {
      this.#settle(task, () => task.reject(error));
    }
  }

  #settle(task: Task<Job, Result>, tell: () => void): void {
    if (this.#tasks.get(task.id) === task) this.#tasks.delete(task.id);
    tell();
  }

  /** Elsewhere others may wait for the same: only the last one takes it out of the queue. */
  #giveUp(task: Task<Job, Result>): void {
    if (this.#tasks.get(task.id) !== task) return;
    this.#tasks.delete(task.id);
    task.abort.abort(new GatewayError("JOB_ABORTED"));
    const leaving = task.placing
      .then(() => this.#leave(task))
      .catch(() => undefined)
      .finally(() => this.#leaving.delete(task.id));
    this.#leaving.set(task.id, leaving);
  }

  async #leave({ id }: Task<Job, Result>): Promise<void> {
    if (await this.#ledger.leave(id)) await this.#bull?.remove(id);
  }
}
