/** Accounts for every message that got a 250 (R17): what the journal says was accepted is in the spool, or final for every forward-path. */
import type { QueueId } from "../core/message.ts";
import { states } from "../core/state.ts";
import type { Journal, JournalEvent } from "../spool/journal.ts";
import type { Spool } from "../spool/spool.ts";

export interface Account {
  readonly accepted: number;
  /** Forward-paths by their final event, and messages by the state they wait in. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Messages that are neither in the spool nor final for every forward-path. */
  readonly unaccounted: readonly QueueId[];
}

const final: ReadonlySet<JournalEvent> = new Set(["forwarded", "released", "discarded", "bounced", "expired"]);

export async function reconcile(spool: Spool, journal: Journal, from?: Date): Promise<Account> {
  const open = new Map<QueueId, Set<string>>();
  const outcomes: Record<string, number> = {};
  let accepted = 0;
  for await (const line of journal.read(from)) {
    if (line.event === "accepted") {
      accepted++;
      open.set(line.queueId, new Set(line.forwardPaths));
    }
    if (!final.has(line.event)) continue;
    outcomes[line.event] = (outcomes[line.event] ?? 0) + line.forwardPaths.length;
    const left = open.get(line.queueId);
    for (const path of line.forwardPaths) left?.delete(path);
    if (left?.size === 0) open.delete(line.queueId);
  }
  for (const state of states) {
    if (state === "arriving") continue;
    let waiting = 0;
    for await (const id of spool.list(state)) {
      waiting++;
      if (state !== "corrupt") open.delete(id);
    }
    if (waiting > 0) outcomes[state] = waiting;
  }
  return { accepted, outcomes, unaccounted: [...open.keys()] };
}
