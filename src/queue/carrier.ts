/** How jobs and results travel: what of them goes into Redis, sealed, and what lies elsewhere. */

export interface Packed {
  /** Goes into Redis; tells nobody anything. */
  readonly sealed: Buffer;
  /** 1 is taken before 2; null before all others. */
  readonly priority: number | null;
}

export interface Unpacked<Job> {
  readonly job: Job;
  /** After the job: gives back what was fetched for it. */
  release(): Promise<void>;
}

export interface Carrier<Job, Result> {
  /** Equal for equal jobs on all nodes, and meaningless to others; letters and digits. */
  idOf(job: Job): string;
  /** Workers that tell the same may do the job: the rules and the code that its result depends on. */
  fitOf(job: Job): string;
  /** Rejects with BLOBS_UNAVAILABLE and the like. */
  pack(job: Job, signal: AbortSignal): Promise<Packed>;
  /** Rejects with BLOBS_UNAVAILABLE, BLOB_NOT_THERE, SEAL_BROKEN. */
  unpack(sealed: Buffer, id: string, signal: AbortSignal): Promise<Unpacked<Job>>;
  /** The job's content was lost: it is not to be relied on that it is there. */
  forget(job: Job): void;
  sealResult(id: string, result: Answer<Result>): Buffer;
  /** Throws SEAL_BROKEN. */
  openResult(id: string, sealed: Buffer): Answer<Result>;
  /** May other messages have it too? */
  isLasting(result: Result): boolean;
  /** What is said of a job that took its worker with it, again and again. */
  poisoned(): Result;
}

export interface Failure {
  /** Of the catalogue of errors; null for others. */
  readonly code: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export type Answer<Result> =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "failure"; readonly failure: Failure };
