/** What is ours: claims, the journal's lines about them, and when to try again. Every disposition goes through here. */
import type { Millis, QueueId, Sha256 } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import { format, type Reply } from "../core/status.ts";
import type { Claimed } from "../core/state.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { Clock } from "../observe/clock.ts";
import type { Journal, JournalEvent, JournalLine } from "../spool/journal.ts";
import type { Delivery, Entry, Spool } from "../spool/spool.ts";
import { closedBy, pathsOf } from "./settled.ts";
import { splitEntry } from "./split.ts";

/** For the log and the metrics: one at accept or claim, one at the end of a message (R28). */
export type MessageEvent =
  | { readonly event: "accepted"; readonly entry: Entry; readonly to: Claimed }
  | {
      readonly event: "forwarded" | "released" | "bounced" | "expired";
      readonly entry: Entry;
      readonly forwardPaths: readonly string[];
      /** The judgement by which it left; null for a release, a notice, and what a crash has kept from being told in time. */
      readonly group: Group | null;
      readonly text: string;
    }
  | {
      readonly event: "quarantined" | "rejected" | "deferred";
      readonly entry: Entry;
      readonly group: Group | null;
      readonly text: string;
    };

export interface Waiting {
  /** Wakes whoever owns `deferred`. */
  (entry: Entry, at: Date): void;
}

export interface CustodyOptions {
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  /** When to try next, by the attempts so far; null when forwarding is to be given up. */
  readonly nextAttempt: (entry: Entry, delivery: Delivery) => Date | null;
  readonly expires: (entry: Entry) => Date;
  readonly waiting: Waiting;
  readonly derivedId: (from: QueueId, what: string) => QueueId;
  readonly onEvent: (event: MessageEvent) => void;
  /** A line about what has happened anyway could not be written. */
  readonly onTrouble: (entry: Entry, error: unknown) => void;
}

const remembered = 1_000;
/** What still has to be done after its time was up is not tried without a pause. */
const afterExpiryMs: Millis = 3_600_000;
const sha256Of = async (entry: Entry): Promise<Sha256 | null> =>
  (await entry.read<Dissection>("parts.json"))?.sha256 ?? null;

export function createCustody(options: CustodyOptions) {
  const { spool, journal, clock, onEvent, onTrouble } = options;
  const ours = new WeakSet<Entry>();
  const unheard = new Map<string, QueueId>();
  /** Results that a full disk has kept from being written: while we live, nothing is sent twice for that. */
  const unwritten = new WeakMap<Entry, Delivery>();

  /** A lazy line tells of what was never ours: the reply to the client does not depend on it. */
  async function write(
    entry: Entry,
    event: JournalEvent,
    forwardPaths: readonly string[],
    text: string,
    durability: "synced" | "lazy",
    { queueId = entry.id, related }: { readonly queueId?: QueueId; readonly related?: QueueId } = {},
  ): Promise<void> {
    const { reversePath } = entry.envelope;
    const at = clock.now().toISOString();
    const sha256 = await sha256Of(entry);
    const line = { at, event, queueId, forwardPaths, reversePath, sha256, size: entry.size, text };
    const written = journal.append(related ? { ...line, related } : line, durability);
    await (durability === "lazy" ? written.catch((error: unknown) => onTrouble(entry, error)) : written);
  }

  async function twinKey(entry: Entry): Promise<string | null> {
    const sha256 = await sha256Of(entry);
    return sha256 && JSON.stringify([sha256, entry.envelope.reversePath, pathsOf(entry)]);
  }

  const deliveryOf = async (entry: Entry): Promise<Delivery> =>
    unwritten.get(entry) ??
    (await entry.read<Delivery>("delivery.json")) ?? {
      attempts: 0,
      nextAttempt: null,
      expires: options.expires(entry).toISOString(),
      judging: false,
      crashes: 0,
      paths: {},
    };

  async function record(entry: Entry, delivery: Delivery): Promise<void> {
    unwritten.set(entry, delivery);
    await entry.record(delivery);
    unwritten.delete(entry);
  }

  async function postpone(entry: Entry, at: Date, delivery?: Delivery): Promise<void> {
    await record(entry, { ...(delivery ?? (await deliveryOf(entry))), nextAttempt: at.toISOString() });
  }

  /** The journal's lines about these messages since the arrival of `entry`: only a start after a crash, or a second try, has to look. */
  async function linesAbout(entry: Entry, ids: readonly QueueId[]): Promise<readonly JournalLine[]> {
    const lines: JournalLine[] = [];
    for await (const line of journal.read(new Date(entry.envelope.arrivedAt)))
      if (ids.includes(line.queueId)) lines.push(line);
    return lines;
  }

  return {
    deliveryOf,
    record,
    isOurs: (entry: Entry): boolean => ours.has(entry),

    /** Takes responsibility, and says so in the journal, before any 250 is written. */
    async claim(entry: Entry, to: Exclude<Claimed, "corrupt">): Promise<void> {
      await entry.claim(to);
      try {
        await write(entry, "accepted", pathsOf(entry), "", "synced");
      } catch (error) {
        // No 250 without the line: the client keeps the message, hence we must not.
        await entry.remove();
        throw error;
      }
      ours.add(entry);
      onEvent({ event: "accepted", entry, to });
    },

    /** It must not be ours after all: the client comes back with it. */
    async withdraw(entry: Entry): Promise<void> {
      await write(entry, "discarded", pathsOf(entry), "not taken after all", "lazy");
      await entry.remove();
      ours.delete(entry);
    },

    /** Does it exist, or has it existed? Only after a crash, or for a person, can it have been made from this entry before. */
    async isMade(entry: Entry, id: QueueId): Promise<boolean> {
      const hasBegun = (await deliveryOf(entry)).stripped !== undefined || (await entry.review()).length > 0;
      if (!hasBegun) return false;
      const isThere = await spool.find(id).then(
        () => true,
        () => false,
      );
      return isThere || (await linesAbout(entry, [id])).length > 0;
    },

    /** The held message that this one repeats, if its client went away before it heard our 250 and now comes again (R9). */
    async twin(entry: Entry): Promise<QueueId | null> {
      const key = await twinKey(entry);
      const id = key === null ? undefined : unheard.get(key);
      if (key === null || id === undefined) return null;
      unheard.delete(key);
      return spool.open(id, "quarantine").then(
        () => id,
        () => null,
      );
    },

    async rememberUnheard(entry: Entry): Promise<void> {
      const key = await twinKey(entry);
      if (key !== null) unheard.set(key, entry.id);
      for (const oldest of unheard.keys()) {
        if (unheard.size <= remembered) break;
        unheard.delete(oldest);
      }
    },

    async quarantined(entry: Entry, group: Group, reason: string): Promise<void> {
      await write(entry, "quarantined", group.forwardPaths, reason, "synced");
      onEvent({ event: "quarantined", entry, group, text: reason });
    },

    async rejected(entry: Entry, group: Group | null, refusal: Reply): Promise<void> {
      await write(entry, "rejected", group?.forwardPaths ?? pathsOf(entry), format(refusal), "lazy");
      onEvent({ event: "rejected", entry, group, text: format(refusal) });
    },

    deferred(entry: Entry, group: Group | null, answer: Reply): void {
      onEvent({ event: "deferred", entry, group, text: format(answer) });
    },

    /** A final outcome for some forward-paths. */
    async settled(
      entry: Entry,
      event: "forwarded" | "released" | "bounced" | "expired",
      forwardPaths: readonly string[],
      text: string,
      durability: "synced" | "lazy",
      { group = null, related }: { readonly group?: Group | null; readonly related?: QueueId | undefined } = {},
    ): Promise<void> {
      await write(entry, event, forwardPaths, text, durability, related ? { related } : {});
      onEvent({ event, entry, forwardPaths, group, text });
    },

    /** Forward-paths that the journal calls final. */
    async closed(entry: Entry): Promise<ReadonlySet<string>> {
      return closedBy(await linesAbout(entry, [entry.id]));
    },

    async isExpired(entry: Entry): Promise<boolean> {
      const { expires } = await deliveryOf(entry);
      return expires !== null && clock.now() >= new Date(expires);
    },

    postpone: (entry: Entry, forMs: Millis, delivery?: Delivery) =>
      postpone(entry, new Date(clock.now().getTime() + forMs), delivery),

    /** Into `deferred`, until the next attempt by the route's backoff. */
    async later(entry: Entry, text: string, delivery?: Delivery): Promise<void> {
      const known = delivery ?? (await deliveryOf(entry));
      const at = options.nextAttempt(entry, known) ?? new Date(clock.now().getTime() + afterExpiryMs);
      await postpone(entry, at, { ...known, judging: false });
      await entry.move("deferred");
      onEvent({ event: "deferred", entry, group: null, text });
      options.waiting(entry, at);
    },

    async waiting(entry: Entry): Promise<void> {
      const { nextAttempt } = await deliveryOf(entry);
      options.waiting(entry, nextAttempt ? new Date(nextAttempt) : clock.now());
    },

    /** It was being split when the gateway died: parts of it may be on their way. */
    isSplit: async (entry: Entry): Promise<boolean> => (await deliveryOf(entry)).split !== undefined,

    /** One derived, claimed entry per group with someone left to send to; safe to repeat after a crash, since the ids are made from the original's. */
    async split(entry: Entry, groups: readonly Group[], verdict: Verdict | null): Promise<readonly Entry[]> {
      const delivery = await deliveryOf(entry);
      const derived = await splitEntry(entry, groups, verdict, delivery, {
        spool,
        fix: (split) => record(entry, { ...delivery, split }),
        derivedId: options.derivedId,
        linesAbout,
        accept: (queueId, paths) => write(entry, "accepted", paths, "", "synced", { queueId, related: entry.id }),
        withdraw: (queueId, paths) => write(entry, "discarded", paths, "not taken after all", "lazy", { queueId }),
      });
      for (const made of derived) {
        ours.add(made);
        onEvent({ event: "accepted", entry: made, to: "incoming" });
      }
      return derived;
    },
  };
}

export type Custody = ReturnType<typeof createCustody>;
