/** Sends each job where it is to be done, and does here what elsewhere cannot be done now. */
import { type ErrorCode, explain, GatewayError, isGatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { type Clock, systemClock } from "../observe/clock.ts";
import type { Queue, QueueJob } from "./queue.ts";

export interface RoutedOptions<Job extends QueueJob, Result> {
  readonly here: Queue<Job, Result>;
  readonly elsewhere: Queue<Job, Result> & { readonly pending: number };
  readonly isForElsewhere: (job: Job) => boolean;
  /** `fail`: an error is an error, and nothing is done here instead. */
  readonly onFailure: "local" | "fail";
  /** Each time a job was done elsewhere, or could not be. */
  readonly onRoute: (where: "here" | "elsewhere", error: unknown) => void;
  readonly clock?: Clock;
}

/** What is wrong with the way, not with the job. */
const ofTheWay: readonly ErrorCode[] = [
  "QUEUE_UNAVAILABLE",
  "SCANNER_UNAVAILABLE",
  "BLOBS_UNAVAILABLE",
  "BLOB_NOT_THERE",
  "SEAL_BROKEN",
];

/** After the blob store has kept a job waiting for nothing, others do not try: each would wait as long. */
const restMs: Millis = 5_000;

export class RoutedQueue<Job extends QueueJob, Result> implements Queue<Job, Result> {
  readonly #options: RoutedOptions<Job, Result>;
  readonly #clock: Clock;
  #restUntil: Millis = 0;

  constructor(options: RoutedOptions<Job, Result>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async submit(job: Job, signal: AbortSignal): Promise<Result> {
    const { here, elsewhere, isForElsewhere, onFailure, onRoute } = this.#options;
    if (!isForElsewhere(job)) return here.submit(job, signal);
    try {
      if (this.#clock.monotonic() < this.#restUntil) throw new GatewayError("QUEUE_UNAVAILABLE", { reason: "resting" });
      const result = await elsewhere.submit(job, signal);
      onRoute("elsewhere", null);
      return result;
    } catch (error) {
      if (signal.aborted || !ofTheWay.some((code) => isGatewayError(error, code))) throw error;
      if (isGatewayError(error, "BLOBS_UNAVAILABLE")) this.#restUntil = this.#clock.monotonic() + restMs;
      onRoute("here", error);
      if (onFailure === "fail") throw new GatewayError("QUEUE_UNAVAILABLE", { reason: explain(error) }, error);
      return here.submit(job, signal);
    }
  }

  /** What is for elsewhere is served there. */
  serve(work: (job: Job, signal: AbortSignal) => Promise<Result>, concurrency: number): AsyncDisposable {
    return this.#options.here.serve(work, concurrency);
  }

  /** Of this process: what waits here, and what it waits for elsewhere. */
  async depth(): Promise<{ readonly waiting: number; readonly running: number; readonly oldestMs: number }> {
    const { waiting, running, oldestMs } = await this.#options.here.depth();
    return { waiting: waiting + this.#options.elsewhere.pending, running, oldestMs };
  }

  async close(): Promise<void> {
    await Promise.all([this.#options.here.close(), this.#options.elsewhere.close()]);
  }
}
