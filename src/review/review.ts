/** What a person may do with a held message: look, release, discard, rescan. The owner of `quarantine`; every act is written down before it is done. */
import { GatewayError } from "../core/errors.ts";
import type { Content } from "../core/job.ts";
import type { QueueId } from "../core/message.ts";
import type { MessageView } from "../core/message-view.ts";
import type { Dissection, Inspection } from "../core/outcome.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Clock } from "../observe/clock.ts";
import type { Journal, JournalLine } from "../spool/journal.ts";
import type { Delivery, Entry, Release, ReviewLine, Spool, Stripped } from "../spool/spool.ts";

export interface Act {
  readonly by: string;
  readonly why: string;
}

export interface Held {
  readonly id: QueueId;
  readonly state: Entry["state"];
  readonly envelope: Entry["envelope"];
  readonly size: number;
  readonly dissection: Dissection | null;
  readonly inspection: Inspection | null;
  readonly verdict: Verdict | null;
  readonly review: readonly ReviewLine[];
  /** How far forwarding has come. */
  readonly delivery?: Delivery | null;
  /** Of a copy without some parts. */
  readonly stripped?: Stripped | null;
}

export interface ReviewOptions {
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly derivedId: (from: QueueId, what: string) => QueueId;
  /** Hands a released or rescanned message to the owner of `incoming`. */
  readonly enqueue: (entry: Entry) => void;
  /** Reads it as a mail program would, in a process that may die of it. */
  readonly view: (id: QueueId, content: Content) => Promise<MessageView>;
}

export function createReview({ spool, journal, clock, derivedId, enqueue, view }: ReviewOptions) {
  const open = (id: QueueId): Promise<Entry> => spool.open(id, "quarantine");

  async function note(
    entry: Entry,
    event: JournalLine["event"],
    act: Act,
    forwardPaths: readonly string[],
  ): Promise<void> {
    const sha256 = (await entry.read<Dissection>("parts.json"))?.sha256 ?? null;
    const { reversePath, queueId } = entry.envelope;
    const text = `by ${act.by}: ${act.why}`;
    await journal.append(
      {
        at: clock.now().toISOString(),
        event,
        queueId,
        forwardPaths,
        reversePath,
        sha256,
        size: entry.size,
        text,
        by: act.by,
      },
      "synced",
    );
  }

  const line = (what: ReviewLine["what"], act: Act): ReviewLine => ({
    at: clock.now().toISOString(),
    what,
    by: act.by,
    why: act.why,
  });

  /** Who is still to get it: all that were asked for; if nobody was named, all who have not got it by a release, or by forwarding before it was held. */
  async function recipients(
    entry: Entry,
    review: readonly ReviewLine[],
    wanted: readonly string[] | null,
  ): Promise<readonly string[]> {
    const all = entry.envelope.forwardPaths.map((path) => path.address);
    const { paths = {} } = (await entry.read<Delivery>("delivery.json")) ?? {};
    const done = new Set([
      ...review.filter((each) => each.what === "released").flatMap((each) => each.forwardPaths ?? []),
      ...all.filter((path) => paths[path]?.state === "sent"),
    ]);
    const asked = wanted ?? all.filter((path) => !done.has(path));
    const strangers = asked.filter((path) => !all.includes(path));
    if (strangers.length > 0)
      throw new GatewayError("USAGE", { recipient: strangers.join(", "), remedy: `choose among ${all.join(", ")}` });
    return asked;
  }

  async function isOnItsWay(id: QueueId, since: string): Promise<boolean> {
    const found = await spool.find(id).then(
      () => true,
      () => false,
    );
    if (found) return true;
    for await (const each of journal.read(new Date(since))) if (each.queueId === id) return true;
    return false;
  }

  /** A release that was written down but never made, since the gateway died in between. */
  async function unfinished(
    review: readonly ReviewLine[],
    to: readonly string[] | null,
  ): Promise<(Act & { readonly released: QueueId; readonly forwardPaths: readonly string[] }) | null> {
    for (const { what, released, forwardPaths = [], by, why, at } of review) {
      if (what !== "released" || !released || (to !== null && !sameSet(forwardPaths, to))) continue;
      if (!(await isOnItsWay(released, at))) return { released, forwardPaths, by, why };
    }
    return null;
  }

  function refuseTwice(id: QueueId, review: readonly ReviewLine[], forwardPaths: readonly string[]): void {
    const releases = review.filter((each) => each.what === "released");
    const before = releases.find((each) => each.forwardPaths?.some((path) => forwardPaths.includes(path)));
    const told = before ?? (forwardPaths.length === 0 ? releases.at(-1) : undefined);
    if (told) throw new GatewayError("SENT_BEFORE", sentBefore(id, told));
    if (forwardPaths.length === 0) throw new GatewayError("SENT_BEFORE", { message: id });
  }

  return {
    async show(id: QueueId): Promise<Held> {
      const entry = await spool.find(id);
      return {
        id,
        state: entry.state,
        envelope: entry.envelope,
        size: entry.size,
        dissection: await entry.read<Dissection>("parts.json"),
        inspection: await entry.read<Inspection>("inspection.json"),
        verdict: await entry.read<Verdict>("verdict.json"),
        review: await entry.review(),
        delivery: await entry.read<Delivery>("delivery.json"),
        stripped: await entry.read<Stripped>("strip.json"),
      };
    },

    /** What its recipient would have read. */
    view: async (id: QueueId): Promise<MessageView> => view(id, (await spool.find(id)).content()),

    /** Sends the original to all or some of its recipients, once each. The same release again is recognised by its id (R15). */
    async release(
      id: QueueId,
      act: Act,
      to: readonly string[] | null = null,
    ): Promise<{ readonly released: QueueId; readonly forwardPaths: readonly string[]; readonly again: boolean }> {
      const entry = await open(id);
      const review = await entry.review();
      const lost = await unfinished(review, to);
      if (lost) return { ...(await derive(entry, lost.released, lost.forwardPaths, lost)), again: true };
      const forwardPaths = await recipients(entry, review, to);
      refuseTwice(id, review, forwardPaths);
      const released = derivedId(id, JSON.stringify([...forwardPaths].sort()));
      await entry.append({ ...line("released", act), forwardPaths, released });
      return { ...(await derive(entry, released, forwardPaths, act)), again: false };
    },

    async discard(id: QueueId, act: Act): Promise<void> {
      const entry = await open(id);
      await entry.append(line("discarded", act));
      await note(
        entry,
        "discarded",
        act,
        entry.envelope.forwardPaths.map((path) => path.address),
      );
      await entry.remove();
    },

    /** Judges it again, with the rules and the policy of now. */
    async rescan(id: QueueId, act: Act): Promise<void> {
      const entry = await open(id);
      const released = (await entry.review()).find((each) => each.what === "released");
      // Were it found clean now, those who have the released copy would get it again.
      if (released) throw new GatewayError("SENT_BEFORE", sentBefore(id, released));
      await entry.append(line("rescanned", act));
      await entry.forget("inspection.json");
      await entry.move("incoming");
      enqueue(entry);
    },
  };

  async function derive(
    entry: Entry,
    released: QueueId,
    forwardPaths: readonly string[],
    act: Act,
  ): Promise<{ readonly released: QueueId; readonly forwardPaths: readonly string[] }> {
    const release: Release = { from: entry.id, by: act.by, why: act.why, at: clock.now().toISOString() };
    const paths = entry.envelope.forwardPaths.filter((path) => forwardPaths.includes(path.address));
    const parts = await entry.read("parts.json");
    const files = { "release.json": release, ...(parts === null ? {} : { "parts.json": parts }) };
    const made = await spool.derive(
      entry,
      { envelope: { ...entry.envelope, queueId: released, forwardPaths: paths }, files },
      "incoming",
    );
    await note(made, "accepted", act, forwardPaths);
    enqueue(made);
    return { released, forwardPaths };
  }
}

const sentBefore = (id: QueueId, { by, at, why, forwardPaths = [] }: ReviewLine): GatewayError["detail"] => ({
  message: id,
  to: forwardPaths.join(", "),
  by,
  at,
  reason: why,
});

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((each) => b.includes(each));

export type Review = ReturnType<typeof createReview>;
