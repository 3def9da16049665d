/** Splits a message by its groups (R3): derived entries, all of them claimed and in the journal before the original may go. */
import type { QueueId } from "../core/message.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { JournalLine } from "../spool/journal.ts";
import type { Delivery, Entry, NewEntry, Spool } from "../spool/spool.ts";
import { closedBy, isPending } from "./settled.ts";

export interface SplitGround {
  readonly spool: Spool;
  readonly derivedId: (from: QueueId, what: string) => QueueId;
  readonly linesAbout: (entry: Entry, ids: readonly QueueId[]) => Promise<readonly JournalLine[]>;
  /** The journal's line, synced. */
  readonly accept: (id: QueueId, forwardPaths: readonly string[]) => Promise<void>;
  /** Closes the line of one that must go again. */
  readonly withdraw: (id: QueueId, forwardPaths: readonly string[]) => Promise<void>;
}

interface Plan extends NewEntry {
  readonly id: QueueId;
  readonly forwardPaths: readonly string[];
}

/** One for each group with somebody left to send to. */
async function plansOf(
  entry: Entry,
  groups: readonly Group[],
  verdict: Verdict | null,
  delivery: Delivery,
  derivedId: SplitGround["derivedId"],
): Promise<readonly Plan[]> {
  const parts = await entry.read("parts.json");
  const inspection = await entry.read("inspection.json");
  return groups.flatMap((group): readonly Plan[] => {
    const mine = entry.envelope.forwardPaths.filter(
      ({ address }) => group.forwardPaths.includes(address) && isPending(delivery, address),
    );
    const forwardPaths = mine.map(({ address }) => address);
    const files = {
      ...(parts === null ? {} : { "parts.json": parts }),
      ...(inspection === null ? {} : { "inspection.json": inspection }),
      ...(verdict === null ? {} : { "verdict.json": { ...verdict, groups: [{ ...group, forwardPaths }] } }),
    };
    const id = derivedId(entry.id, JSON.stringify(forwardPaths));
    const envelope = { ...entry.envelope, queueId: id, forwardPaths: mine };
    return forwardPaths.length > 0 ? [{ id, forwardPaths, envelope, files }] : [];
  });
}

/** Returns those that wait in `incoming`. Safe to repeat: ids are made from the original's, and what has left is known from the journal. */
export async function splitEntry(
  entry: Entry,
  groups: readonly Group[],
  verdict: Verdict | null,
  delivery: Delivery,
  ground: SplitGround,
): Promise<readonly Entry[]> {
  const plans = await plansOf(entry, groups, verdict, delivery, ground.derivedId);
  const made =
    entry.state === "arriving"
      ? await takeAll(entry, plans, ground)
      : await divide(entry, plans, delivery.attempts <= 1, ground);
  return made.filter((each) => each.state === "incoming");
}

/** The client waits: nothing is said to be ours before all of it is, and if that fails it must not go its way, since the client comes back. */
async function takeAll(
  entry: Entry,
  plans: readonly Plan[],
  { spool, accept, withdraw }: SplitGround,
): Promise<readonly Entry[]> {
  const made: Entry[] = [];
  try {
    for (const plan of plans) made.push(await spool.derive(entry, plan, "incoming"));
    for (const { id, forwardPaths } of plans) await accept(id, forwardPaths);
    return made;
  } catch (error) {
    for (const [index, each] of made.entries()) {
      await withdraw(each.id, plans[index]?.forwardPaths ?? []);
      await each.remove();
    }
    throw error;
  }
}

/** It is ours: the lines come first, for with them the original's is closed, and after a crash the derived ones may leave before we are here again. */
async function divide(
  entry: Entry,
  plans: readonly Plan[],
  isFirstTry: boolean,
  { spool, linesAbout, accept }: SplitGround,
): Promise<readonly Entry[]> {
  const ids = plans.map(({ id }) => id);
  const known = isFirstTry ? [] : await linesAbout(entry, ids);
  const made: Entry[] = [];
  for (const plan of plans) {
    const lines = known.filter((line) => line.queueId === plan.id);
    const closed = closedBy(lines);
    if (plan.forwardPaths.every((path) => closed.has(path))) continue;
    if (lines.length === 0) await accept(plan.id, plan.forwardPaths);
    made.push(await spool.derive(entry, plan, "incoming"));
  }
  return made;
}
