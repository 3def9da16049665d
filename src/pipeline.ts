/** The way of one message, top to bottom, on one screen. */
import type { Envelope } from "./core/message.ts";
import type { Dissection, Inspection } from "./core/outcome.ts";
import type { Reply } from "./core/status.ts";
import type { Verdict } from "./core/verdict.ts";
import type { Entry, Release } from "./spool/spool.ts";

/** What became of each forward-path, by address. */
export type Replies = ReadonlyMap<string, Reply>;

export interface Stages {
  dissect(entry: Entry, signal: AbortSignal): Promise<Dissection>;
  inspect(entry: Entry, dissection: Dissection, signal: AbortSignal): Promise<Inspection>;
  decide(envelope: Envelope, dissection: Dissection, inspection: Inspection): Verdict;
  /** Carries the verdict out, and moves or removes the entry accordingly. */
  dispose(entry: Entry, verdict: Verdict, signal: AbortSignal): Promise<Replies>;
  /** Sends what a person has released, whatever a verdict would say. */
  release(entry: Entry, release: Release, signal: AbortSignal): Promise<Replies>;
}

/** What shall become of the message? Safe to call again: each step that left its file is skipped. */
export async function judge(entry: Entry, stages: Stages, signal: AbortSignal): Promise<Verdict> {
  const dissection = await entry.once("parts.json", () => stages.dissect(entry, signal));
  const inspection = await entry.once("inspection.json", () => stages.inspect(entry, dissection, signal));
  return entry.once("verdict.json", () => stages.decide(entry.envelope, dissection, inspection));
}

/** The whole way of one message, whether the client still waits or it is ours already. */
export async function carry(entry: Entry, stages: Stages, signal: AbortSignal): Promise<Replies> {
  const release = await entry.read<Release>("release.json");
  if (release) return stages.release(entry, release, signal);
  return stages.dispose(entry, await judge(entry, stages, signal), signal);
}
