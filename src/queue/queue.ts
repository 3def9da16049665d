/**
 * Brings jobs to workers and results back. Holds nothing that matters: after a crash the caller submits again.
 * At least once; equal ids in flight share one result, and a shared job is aborted only when its last submitter is gone (R19).
 */
export interface QueueJob {
  readonly id: string;
  /** None before 5 (nobody waits) before 10 (back-tests). */
  readonly priority?: number;
}

export interface Queue<Job extends QueueJob, Result> {
  /** Rejects with the signal's reason, or with QUEUE_UNAVAILABLE, SCANNER_UNAVAILABLE (temporary). */
  submit(job: Job, signal: AbortSignal): Promise<Result>;
  /** Runs at most `concurrency` jobs at a time until disposed of; disposing lets running jobs end. */
  serve(work: (job: Job, signal: AbortSignal) => Promise<Result>, concurrency: number): AsyncDisposable;
  /** Waiting plus running: the measure for back-pressure. */
  depth(): Promise<{ readonly waiting: number; readonly running: number; readonly oldestMs: number }>;
  close(): Promise<void>;
}
