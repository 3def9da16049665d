/** Splits a message by its groups (R3): derived entries, all of them claimed and in the journal before the original may go. */
import type { QueueId } from "../core/message.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { JournalLine } from "../spool/journal.ts";
import type { Delivery, Entry, NewEntry, SplitPart, Spool } from "../spool/spool.ts";
import { closedBy, isPending, pathsOf } from "./settled.ts";

export interface SplitGround {
  readonly spool: Spool;
  readonly derivedId: (from: QueueId, what: string) => QueueId;
  /** Writes the plan down, synced: rules may change between a crash and the next try, and with them the groups. */
  readonly fix: (parts: readonly SplitPart[]) => Promise<void>;
  readonly linesAbout: (entry: Entry, ids: readonly QueueId[]) => Promise<readonly JournalLine[]>;
  /** The journal's line, synced. */
  readonly accept: (id: QueueId, forwardPaths: readonly string[]) => Promise<void>;
  /** Closes the line of one that must go again. */
  readonly withdraw: (id: QueueId, forwardPaths: readonly string[]) => Promise<void>;
}

interface Plan extends NewEntry, SplitPart {}

/** One for each group with somebody left to send to. */
function partsOf(
  entry: Entry,
  groups: readonly Group[],
  delivery: Delivery,
  derivedId: SplitGround["derivedId"],
): readonly SplitPart[] {
  return groups.flatMap((group): readonly SplitPart[] => {
    const forwardPaths = pathsOf(entry).filter(
      (path) => group.forwardPaths.includes(path) && isPending(delivery, path),
    );
    return forwardPaths.length > 0 ? [{ id: derivedId(entry.id, JSON.stringify(forwardPaths)), forwardPaths }] : [];
  });
}

const hasAll = (group: Group, { forwardPaths }: SplitPart): boolean =>
  forwardPaths.every((path) => group.forwardPaths.includes(path));

/** A part for which the judgement of now has no group of its own is judged by itself. */
async function planned(
  entry: Entry,
  parts: readonly SplitPart[],
  groups: readonly Group[],
  verdict: Verdict | null,
): Promise<readonly Plan[]> {
  const dissection = await entry.read("parts.json");
  const inspection = await entry.read("inspection.json");
  return parts.map((part): Plan => {
    const { id, forwardPaths } = part;
    const group = groups.find((each) => hasAll(each, part));
    const files = {
      ...(dissection === null ? {} : { "parts.json": dissection }),
      ...(inspection === null ? {} : { "inspection.json": inspection }),
      ...(verdict && group ? { "verdict.json": { ...verdict, groups: [{ ...group, forwardPaths }] } } : {}),
    };
    const mine = entry.envelope.forwardPaths.filter(({ address }) => forwardPaths.includes(address));
    return { ...part, envelope: { ...entry.envelope, queueId: id, forwardPaths: mine }, files };
  });
}

/** Returns those that wait in `incoming`. Safe to repeat: the first plan stands, and what has left is known from the journal. */
export async function splitEntry(
  entry: Entry,
  groups: readonly Group[],
  verdict: Verdict | null,
  delivery: Delivery,
  ground: SplitGround,
): Promise<readonly Entry[]> {
  const parts = delivery.split ?? partsOf(entry, groups, delivery, ground.derivedId);
  const plans = await planned(entry, parts, groups, verdict);
  const made =
    entry.state === "arriving"
      ? await takeAll(entry, plans, ground)
      : await divide(entry, plans, delivery.split === undefined, ground);
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
  { spool, linesAbout, accept, fix }: SplitGround,
): Promise<readonly Entry[]> {
  const ids = plans.map(({ id }) => id);
  if (isFirstTry) await fix(plans.map(({ id, forwardPaths }) => ({ id, forwardPaths })));
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
