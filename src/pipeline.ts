/** The way of one message, top to bottom, on one screen. */
import type { Envelope } from "./core/message.ts";
import type { Dissection, Inspection } from "./core/outcome.ts";
import type { Reply } from "./core/status.ts";
import type { Turn } from "./core/turn.ts";
import type { Verdict } from "./core/verdict.ts";
import type { Entry, Release } from "./spool/spool.ts";

/** What became of each forward-path, by address. */
export type Replies = ReadonlyMap<string, Reply>;

export interface Stages {
  dissect(entry: Entry, signal: AbortSignal): Promise<Dissection>;
  inspect(entry: Entry, dissection: Dissection, signal: AbortSignal): Promise<Inspection>;
  decide(envelope: Envelope, dissection: Dissection, inspection: Inspection): Verdict;
  /** Carries the verdict out, and moves or removes the entry accordingly. */
  dispose(entry: Entry, verdict: Verdict, turn: Turn, signal: AbortSignal): Promise<Replies>;
  /** Sends what a person has released, whatever a verdict would say. */
  release(entry: Entry, release: Release, turn: Turn, signal: AbortSignal): Promise<Replies>;
}

/** What shall become of the message? Safe to call again: each step that left its file is skipped. */
export async function judge(entry: Entry, stages: Stages, signal: AbortSignal): Promise<Verdict> {
  const made = await entry.read<Verdict>("verdict.json");
  if (made) return made;
  const dissection = await entry.once("parts.json", () => stages.dissect(entry, signal));
  const inspection = await entry.once("inspection.json", () => stages.inspect(entry, dissection, signal));
  return entry.once("verdict.json", () => stages.decide(entry.envelope, dissection, inspection));
}

/** The whole way of one message. The turn is still to be taken while its client waits, and taken once the message is ours. */
export async function carry(entry: Entry, stages: Stages, turn: Turn, signal: AbortSignal): Promise<Replies> {
  const release = await entry.read<Release>("release.json");
  if (release) return stages.release(entry, release, turn, signal);
  return stages.dispose(entry, await judge(entry, stages, signal), turn, signal);
}
