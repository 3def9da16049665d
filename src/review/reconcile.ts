/** Accounts for every message that got a 250 (R17): what the journal says was accepted is in the spool, or final for every forward-path, or was split into messages that are. */
import type { QueueId } from "../core/message.ts";
import { states } from "../core/state.ts";
import type { Journal, JournalEvent } from "../spool/journal.ts";
import type { Spool } from "../spool/spool.ts";

export interface Account {
  readonly accepted: number;
  /** Forward-paths by their final event, and messages by the state they wait in. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Forward-paths of what was discarded, by the person who did it; "sallyport" for copies that were not needed after all. */
  readonly discardedBy: Readonly<Record<string, number>>;
  /** Messages that are neither in the spool nor final for every forward-path. */
  readonly unaccounted: readonly QueueId[];
}

const final: ReadonlySet<JournalEvent> = new Set(["forwarded", "released", "discarded", "bounced", "expired", "ceded"]);

interface Open {
  readonly forwardPaths: Set<string>;
  /** What it was split from. */
  readonly from: QueueId | undefined;
}

const add = (counts: Map<string, number>, key: string, count: number): Map<string, number> =>
  counts.set(key, (counts.get(key) ?? 0) + count);

interface Counts {
  readonly outcomes: Map<string, number>;
  readonly discardedBy: Map<string, number>;
}

/** The accepted messages with the forward-paths that the journal does not close. */
async function unsettled(
  journal: Journal,
  { outcomes, discardedBy }: Counts,
  from?: Date,
): Promise<{ readonly accepted: number; readonly open: Map<QueueId, Open> }> {
  const open = new Map<QueueId, Open>();
  let accepted = 0;
  const close = (id: QueueId, forwardPaths: readonly string[]): void => {
    const left = open.get(id)?.forwardPaths;
    for (const path of forwardPaths) left?.delete(path);
    if (left?.size === 0) open.delete(id);
  };
  for await (const line of journal.read(from)) {
    if (line.event === "accepted" || line.event === "adopted") {
      accepted++;
      open.set(line.queueId, { forwardPaths: new Set(line.forwardPaths), from: line.related });
      if (line.related) close(line.related, line.forwardPaths);
    }
    if (!final.has(line.event)) continue;
    add(outcomes, line.event, line.forwardPaths.length);
    if (line.event === "discarded") add(discardedBy, line.by ?? "sallyport", line.forwardPaths.length);
    close(line.queueId, line.forwardPaths);
  }
  return { accepted, open };
}

async function look(spool: Spool, journal: Journal, from?: Date): Promise<Account> {
  const outcomes = new Map<string, number>();
  const discardedBy = new Map<string, number>();
  const there = new Set<QueueId>();
  const { accepted, open } = await unsettled(journal, { outcomes, discardedBy }, from);
  for (const state of states) {
    if (state === "arriving") continue;
    for await (const id of spool.list(state)) {
      add(outcomes, state, 1);
      if (state !== "corrupt") there.add(id);
    }
  }
  // A crash may come between the line of a derived message and its folder: then it is still in what it is made from.
  const isThere = (id: QueueId | undefined): boolean => id !== undefined && there.has(id);
  const missing = [...open].filter(([id, { from: origin }]) => !isThere(id) && !isThere(origin));
  return {
    accepted,
    outcomes: Object.fromEntries(outcomes),
    discardedBy: Object.fromEntries(discardedBy),
    unaccounted: missing.map(([id]) => id),
  };
}

const mostLooks = 3;

/** Safe beside a running gateway: what seems to be missing is looked for again, since it may have been on its way from one state to another. */
export async function reconcile(spool: Spool, journal: Journal, from?: Date): Promise<Account> {
  let account = await look(spool, journal, from);
  for (let looks = 1; looks < mostLooks && account.unaccounted.length > 0; looks++) {
    const missing = new Set(account.unaccounted);
    const next = await look(spool, journal, from);
    account = { ...next, unaccounted: next.unaccounted.filter((id) => missing.has(id)) };
  }
  return account;
}
