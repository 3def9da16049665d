/** Carries jobs of the queue's tests as JSON: their queue is under test, not what they say. */
import { createHash } from "node:crypto";
import type { Answer, Carrier } from "../../src/queue/carrier.ts";
import type { QueueJob } from "../../src/queue/queue.ts";

export interface JsonCarrierOptions<Result> {
  readonly fit?: () => string;
  readonly isLasting?: (result: Result) => boolean;
}

export function jsonCarrier<Job extends QueueJob, Result>(
  poisoned: Result,
  { fit = () => "", isLasting = () => true }: JsonCarrierOptions<Result> = {},
): Carrier<Job, Result> {
  return {
    idOf: ({ id }) => createHash("sha256").update(id).digest("hex"),
    fitOf: fit,
    pack: (job) => Promise.resolve({ sealed: Buffer.from(JSON.stringify(job)), priority: job.priority ?? null }),
    unpack: (sealed) =>
      Promise.resolve({ job: JSON.parse(sealed.toString()) as Job, release: () => Promise.resolve() }),
    forget: () => undefined,
    sealResult: (_id, answer) => Buffer.from(JSON.stringify(answer)),
    openResult: (_id, sealed) => JSON.parse(sealed.toString()) as Answer<Result>,
    isLasting,
    poisoned: () => poisoned,
  };
}
