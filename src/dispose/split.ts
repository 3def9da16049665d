/** Splits a message by its groups (R3): derived entries, all of them claimed and in the journal before the original may go. */
import type { QueueId } from "../core/message.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { JournalLine } from "../spool/journal.ts";
import type { Delivery, Entry, NewEntry, Spool } from "../spool/spool.ts";

export interface SplitGround {
  readonly spool: Spool;
  readonly derivedId: (from: QueueId, what: string) => QueueId;
  readonly linesAbout: (entry: Entry, ids: readonly QueueId[]) => Promise<readonly JournalLine[]>;
  /** The journal's line, synced. */
  readonly accept: (made: Entry) => Promise<void>;
  /** Closes the line of one that must go again. */
  readonly withdraw: (made: Entry) => Promise<void>;
}

/** Returns those that wait in `incoming`. Safe to repeat: ids are made from the original's, and what has left is known from the journal. */
export async function splitEntry(
  entry: Entry,
  groups: readonly Group[],
  verdict: Verdict | null,
  delivery: Delivery,
  { spool, derivedId, linesAbout, accept, withdraw }: SplitGround,
): Promise<readonly Entry[]> {
  const isOpen = (path: string): boolean => (delivery.paths[path]?.state ?? "pending") === "pending";
  const parts = await entry.read("parts.json");
  const inspection = await entry.read("inspection.json");
  const plans = groups.flatMap((group): readonly NewEntry[] => {
    const forwardPaths = entry.envelope.forwardPaths.filter(
      ({ address }) => group.forwardPaths.includes(address) && isOpen(address),
    );
    if (forwardPaths.length === 0) return [];
    const addresses = forwardPaths.map(({ address }) => address);
    const files = {
      ...(parts === null ? {} : { "parts.json": parts }),
      ...(inspection === null ? {} : { "inspection.json": inspection }),
      ...(verdict === null ? {} : { "verdict.json": { ...verdict, groups: [{ ...group, forwardPaths: addresses }] } }),
    };
    const queueId = derivedId(entry.id, JSON.stringify(addresses));
    return [{ envelope: { ...entry.envelope, queueId, forwardPaths }, files }];
  });

  const mayBeSecondTry = delivery.attempts > 1;
  const ids = plans.map(({ envelope }) => envelope.queueId);
  const lines = mayBeSecondTry ? await linesAbout(entry, ids) : [];
  const isKnown = (id: QueueId): boolean => lines.some((line) => line.queueId === id);
  const hasLeft = async (id: QueueId): Promise<boolean> =>
    isKnown(id) &&
    (await spool.find(id).then(
      () => false,
      () => true,
    ));

  const made: Entry[] = [];
  try {
    for (const plan of plans)
      if (!(await hasLeft(plan.envelope.queueId))) made.push(await spool.derive(entry, plan, "incoming"));
    for (const each of made) if (!isKnown(each.id)) await accept(each);
  } catch (error) {
    // The client is told to come back, hence none of it may go its way.
    if (entry.state === "arriving") for (const each of made) await undo(each, withdraw);
    throw error;
  }
  return made.filter((each) => each.state === "incoming");
}

async function undo(made: Entry, withdraw: SplitGround["withdraw"]): Promise<void> {
  await withdraw(made);
  await made.remove();
}
