/** The side that works: takes jobs from BullMQ, refuses what others must do, and writes results where those who wait find them. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Job as BullJob, WaitingError, Worker } from "bullmq";
import { explain, GatewayError, isGatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Log } from "../observe/log.ts";
import type { Answer, Carrier } from "./carrier.ts";
import type { Ledger } from "./ledger.ts";
import { connectRedis, type RedisSettings } from "./redis.ts";

export interface ServerOptions<Job, Result> {
  readonly redis: RedisSettings;
  readonly carrier: Carrier<Job, Result>;
  readonly ledger: Ledger;
  readonly offers: () => string;
  readonly work: (job: Job, signal: AbortSignal) => Promise<Result>;
  readonly concurrency: number;
  readonly log: Log;
}

export interface Serve extends AsyncDisposable {
  /** Running jobs go back into the queue, for others. */
  putBack(): void;
  busy(): number;
}

/** A job whose worker is gone is taken up after `lockMs` and at most twice `stalledMs`. */
const lockMs: Millis = 10_000;
const stalledMs: Millis = 5_000;
/** Workers that a job may take with it. */
const stalls = 3;
/** Not ours to do: others get the time to take it. */
const refusalMs: Millis = 150;
const refusals = 40;
const lastingMs: Millis = 86_400_000;
const momentMs: Millis = 30_000;
/** While Redis takes no results, they are offered again; the lock on the job holds meanwhile, as far as it can. */
const insistMs: Millis = 60_000;
const insistEveryMs: Millis = 500;

interface Data {
  readonly fit: string;
  readonly sealed: string;
}

const isData = (data: unknown): data is Data =>
  typeof data === "object" &&
  data !== null &&
  "fit" in data &&
  typeof data.fit === "string" &&
  "sealed" in data &&
  typeof data.sealed === "string";

const failure = (error: unknown): Answer<never> => ({
  kind: "failure",
  failure: {
    code: isGatewayError(error) ? error.code : null,
    detail: isGatewayError(error) ? error.detail : {},
    text: explain(error),
  },
});

export class BullServer<Job, Result> {
  readonly #options: ServerOptions<Job, Result>;
  readonly #running = new Map<string, AbortController>();
  /** Who waits for these hears of it when they have left the queue. */
  readonly #momentary = new Set<string>();
  readonly #connection;
  #worker: Worker;
  #puttingBack = false;
  #closed = false;

  constructor(options: ServerOptions<Job, Result>) {
    this.#options = options;
    this.#connection = connectRedis(options.redis, "wait");
    this.#worker = this.#start();
  }

  get busy(): number {
    return this.#running.size;
  }

  async beat(): Promise<void> {
    const { ledger, offers, concurrency } = this.#options;
    if (!this.#closed) await ledger.beat({ fit: offers(), slots: concurrency, busy: this.busy });
  }

  /** Nobody waits for it any more. */
  left(id: string): void {
    this.#running.get(id)?.abort(new GatewayError("JOB_ABORTED"));
  }

  putBack(): void {
    this.#puttingBack = true;
    for (const abort of this.#running.values()) abort.abort(new GatewayError("JOB_ABORTED"));
  }

  /** Takes no more jobs, lets the running ones end. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#options.ledger.gone().catch(() => undefined);
    await this.#worker.close();
    this.#connection.disconnect();
  }

  #start(): Worker {
    const { redis, concurrency, log } = this.#options;
    const worker = new Worker<unknown>("inspect", (job, token) => this.#process(job, token), {
      connection: this.#connection,
      prefix: redis.prefix,
      concurrency,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      // We count ourselves, since a job that BullMQ drops has no result.
      maxStalledCount: 1_000,
      runRetryDelay: 1_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    worker.on("error", (error) => log.debug("queue_error", { error_cause: explain(error) }));
    worker.on("completed", ({ id = "" }) => {
      if (this.#momentary.delete(id)) void this.#options.ledger.wake(id).catch(() => undefined);
    });
    void worker.waitUntilReady().catch(() => this.#startAnew(worker));
    return worker;
  }

  /** One whose first words to Redis were cut off never recovers. */
  async #startAnew(failed: Worker): Promise<void> {
    await sleep(refusalMs);
    if (this.#closed || this.#worker !== failed) return;
    this.#worker = this.#start();
    await failed.close(true).catch(() => undefined);
  }

  async #process(bull: BullJob<unknown>, token: string | undefined): Promise<void> {
    const { id = "", data } = bull;
    const { offers, log } = this.#options;
    if (!isData(data)) return;
    if (bull.stalledCounter >= stalls) {
      log.error("job_poisoned", { job: id, workers_lost: bull.stalledCounter });
      return this.#answer(id, { kind: "result", result: this.#options.carrier.poisoned() });
    }
    if (data.fit !== offers()) {
      if (bull.attemptsStarted > refusals)
        return this.#answer(id, failure(new GatewayError("SCANNER_UNAVAILABLE", { reason: "other rules" })));
      return this.#refuse(bull, token);
    }
    await this.#judge(bull, data, token);
  }

  /** Another gateway may have brought it just when its result was made. */
  async #isDone(id: string): Promise<boolean> {
    const [found] = await this.#options.ledger.collect([id]);
    return found?.lasting === true;
  }

  async #judge(bull: BullJob<unknown>, data: Data, token: string | undefined): Promise<void> {
    const { id = "" } = bull;
    const abort = new AbortController();
    this.#running.set(id, abort);
    try {
      const result = await this.#run(data, id, abort.signal);
      if (result) await this.#answer(id, { kind: "result", result: result.made });
      else this.#momentary.add(id);
    } catch (error) {
      const isTransient = isGatewayError(error, "SCANNER_UNAVAILABLE") && bull.attemptsStarted <= refusals;
      if (this.#puttingBack || isTransient) await this.#refuse(bull, token);
      else if (abort.signal.aborted) this.#momentary.add(id);
      else await this.#answer(id, failure(error));
    } finally {
      this.#running.delete(id);
    }
  }

  /** Null if there is a result already; that is asked while the octets are fetched. */
  async #run({ sealed }: Data, id: string, signal: AbortSignal): Promise<{ readonly made: Result } | null> {
    const { carrier, work } = this.#options;
    const isDone = this.#isDone(id);
    isDone.catch(() => undefined);
    const { job, release } = await carrier.unpack(Buffer.from(sealed, "base64"), id, signal);
    try {
      return (await isDone) ? null : { made: await work(job, signal) };
    } finally {
      await release();
    }
  }

  /** Without a delay of BullMQ's, which would go by clocks that may differ. */
  async #refuse(bull: BullJob<unknown>, token: string | undefined): Promise<never> {
    if (!this.#puttingBack) await sleep(refusalMs);
    await bull.moveToWait(token);
    throw new WaitingError();
  }

  async #answer(id: string, answer: Answer<Result>): Promise<void> {
    const { carrier, ledger } = this.#options;
    const lasting = answer.kind === "result" && carrier.isLasting(answer.result);
    const sealed = carrier.sealResult(id, answer);
    if (!lasting) this.#momentary.add(id);
    for (let waited = 0; ; waited += insistEveryMs) {
      try {
        return await ledger.answer(id, sealed, lasting, lasting ? lastingMs : momentMs);
      } catch (error) {
        if (waited >= insistMs) throw error;
        await sleep(insistEveryMs);
      }
    }
  }
}
