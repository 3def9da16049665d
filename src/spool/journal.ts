/**
 * The truth about what has left (R17): append-only lines with a hash chain, one file a day, synced in groups.
 * Contract; the implementation is disk-journal.ts.
 */
import type { QueueId, Sha256 } from "../core/message.ts";

/** `accepted` is written with a claim or with the 250 of a proxied message, `adopted` with the claim of what a lost gateway held; `ceded`: another gateway has adopted it. The others but `quarantined` and `corrupt` are final for the forward-paths they name, as `ceded` is. */
export type JournalEvent =
  | "accepted"
  | "forwarded"
  | "rejected"
  | "quarantined"
  | "released"
  | "discarded"
  | "bounced"
  | "expired"
  | "adopted"
  | "ceded"
  | "corrupt";

export interface JournalLine {
  readonly at: string;
  readonly event: JournalEvent;
  readonly queueId: QueueId;
  readonly forwardPaths: readonly string[];
  readonly reversePath: string;
  readonly sha256: Sha256 | null;
  readonly size: number;
  /** Reply of the next hop, who discarded, why bounced … */
  readonly text: string;
  /** The person who decided; absent where the gateway did. */
  readonly by?: string;
  /** The entry this one was made from (released, split) or became. */
  readonly related?: QueueId;
}

export interface Journal {
  /** Resolves when the line is on stable storage; `lazy` lines resolve at once and are synced with the next group. */
  append(line: JournalLine, durability?: "synced" | "lazy"): Promise<void>;
  /** Oldest first. Throws JOURNAL_DAMAGED naming file and line where the chain is broken. */
  read(from?: Date): AsyncIterable<JournalLine>;
  /** Removes the files of days before this one; the chain begins anew behind them. Says how many went. */
  prune(before: Date): Promise<number>;
  close(): Promise<void>;
}
