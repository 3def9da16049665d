/** Accounts as they happen: a message that this process has accepted, and that left the spool without an end in the journal, is missed within seconds. */
import type { Millis, QueueId } from "../core/message.ts";
import type { JournalEvent, JournalLine } from "../spool/journal.ts";
import type { Clock } from "./clock.ts";
import type { Move } from "./spool-counts.ts";

const final: ReadonlySet<JournalEvent> = new Set(["forwarded", "released", "discarded", "bounced", "expired", "ceded"]);
/** A line may come a moment after the folder has gone. */
const graceMs: Millis = 10_000;

export class Ledger {
  readonly #clock: Clock;
  /** Forward-paths without an end. */
  readonly #open = new Map<QueueId, Set<string>>();
  /** Since when they are neither in the spool nor at their end. */
  readonly #gone = new Map<QueueId, number>();
  /** What the last comparison of journal and spool has missed. */
  #missed = new Set<QueueId>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly hear = ({ event, queueId, forwardPaths, related }: JournalLine): void => {
    if (event === "accepted" || event === "adopted") {
      this.#open.set(queueId, new Set(forwardPaths));
      if (related) this.#close(related, forwardPaths);
    }
    if (final.has(event)) this.#close(queueId, forwardPaths);
  };

  readonly moved = ({ id, to }: Move): void => {
    if (to !== "gone" && to !== "corrupt") this.#gone.delete(id);
    else if (this.#open.has(id)) this.#gone.set(id, to === "corrupt" ? 0 : this.#clock.now().getTime());
  };

  /** The whole truth, for messages of earlier processes as well. */
  compared(missing: Iterable<QueueId>): void {
    this.#missed = new Set(missing);
  }

  readonly missing = (): ReadonlySet<QueueId> => {
    const late = this.#clock.now().getTime() - graceMs;
    const lost = [...this.#gone].filter(([, since]) => since <= late).map(([id]) => id);
    return new Set([...lost, ...this.#missed]);
  };

  #close(id: QueueId, forwardPaths: readonly string[]): void {
    this.#missed.delete(id);
    const left = this.#open.get(id);
    for (const path of forwardPaths) left?.delete(path);
    if (left?.size !== 0) return;
    this.#open.delete(id);
    this.#gone.delete(id);
  }
}
