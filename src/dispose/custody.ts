/** What is ours: claims, the journal's lines about them, and when to try again. Every disposition goes through here. */
import type { QueueId, Sha256 } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import { format, type Reply } from "../core/status.ts";
import type { Claimed } from "../core/state.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { Clock } from "../observe/clock.ts";
import type { Journal, JournalEvent } from "../spool/journal.ts";
import type { Delivery, Entry, Spool } from "../spool/spool.ts";

/** For the log and the metrics: one at accept or claim, one at the end of a message (R28). */
export type MessageEvent =
  | { readonly event: "accepted"; readonly entry: Entry; readonly to: Claimed }
  | {
      readonly event: "forwarded" | "released" | "bounced" | "expired";
      readonly entry: Entry;
      readonly forwardPaths: readonly string[];
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
}

const remembered = 1_000;

export function createCustody(options: CustodyOptions) {
  const { spool, journal, clock, onEvent } = options;
  const ours = new WeakSet<Entry>();
  const unheard = new Map<string, QueueId>();

  const sha256Of = async (entry: Entry): Promise<Sha256 | null> =>
    (await entry.read<Dissection>("parts.json"))?.sha256 ?? null;

  async function write(
    entry: Entry,
    event: JournalEvent,
    forwardPaths: readonly string[],
    text: string,
    durability: "synced" | "lazy",
    related?: QueueId,
  ): Promise<void> {
    const { reversePath, queueId } = entry.envelope;
    const line = {
      at: clock.now().toISOString(),
      event,
      queueId,
      forwardPaths,
      reversePath,
      sha256: await sha256Of(entry),
      size: entry.size,
      text,
    };
    await journal.append(related ? { ...line, related } : line, durability);
  }

  const allPaths = (entry: Entry): readonly string[] => entry.envelope.forwardPaths.map((path) => path.address);

  async function twinKey(entry: Entry): Promise<string | null> {
    const sha256 = await sha256Of(entry);
    return sha256 && JSON.stringify([sha256, entry.envelope.reversePath, allPaths(entry)]);
  }

  const deliveryOf = async (entry: Entry): Promise<Delivery> =>
    (await entry.read<Delivery>("delivery.json")) ?? {
      attempts: 0,
      nextAttempt: null,
      expires: options.expires(entry).toISOString(),
      judging: false,
      crashes: 0,
      paths: {},
    };

  async function postpone(entry: Entry, at: Date): Promise<void> {
    await entry.record({ ...(await deliveryOf(entry)), nextAttempt: at.toISOString() });
  }

  return {
    deliveryOf,
    isOurs: (entry: Entry): boolean => ours.has(entry),

    /** Takes responsibility, and says so in the journal, before any 250 is written. */
    async claim(entry: Entry, to: Exclude<Claimed, "corrupt">): Promise<void> {
      await entry.claim(to);
      ours.add(entry);
      await write(entry, "accepted", allPaths(entry), "", "synced");
      onEvent({ event: "accepted", entry, to });
    },

    /** The held message that this one repeats, if its client went away before it heard our 250 and now comes again (R9). */
    async twin(entry: Entry): Promise<QueueId | null> {
      const key = await twinKey(entry);
      const id = key === null ? undefined : unheard.get(key);
      if (key !== null) unheard.delete(key);
      return id ?? null;
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
      await write(entry, "rejected", group?.forwardPaths ?? allPaths(entry), format(refusal), "lazy");
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
      related?: QueueId,
    ): Promise<void> {
      await write(entry, event, forwardPaths, text, durability, related);
      onEvent({ event, entry, forwardPaths, text });
    },

    postpone: (entry: Entry, forMs: number) => postpone(entry, new Date(clock.now().getTime() + forMs)),

    /** Into `deferred`, until the next attempt by the route's backoff. */
    async later(entry: Entry, text: string): Promise<void> {
      const at = options.nextAttempt(entry, await deliveryOf(entry)) ?? clock.now();
      await postpone(entry, at);
      await entry.move("deferred");
      onEvent({ event: "deferred", entry, group: null, text });
      options.waiting(entry, at);
    },

    async waiting(entry: Entry): Promise<void> {
      const { nextAttempt } = await deliveryOf(entry);
      options.waiting(entry, nextAttempt ? new Date(nextAttempt) : clock.now());
    },

    /** One derived, claimed entry per group; safe to repeat after a crash, since the ids are made from the original's. */
    async split(entry: Entry, groups: readonly Group[], verdict: Verdict | null): Promise<readonly Entry[]> {
      const parts = await entry.read("parts.json");
      const inspection = await entry.read("inspection.json");
      const derived: Entry[] = [];
      for (const group of groups) {
        const queueId = options.derivedId(entry.id, JSON.stringify(group.forwardPaths));
        const forwardPaths = entry.envelope.forwardPaths.filter((path) => group.forwardPaths.includes(path.address));
        const files = {
          ...(parts === null ? {} : { "parts.json": parts }),
          ...(inspection === null ? {} : { "inspection.json": inspection }),
          ...(verdict === null ? {} : { "verdict.json": { ...verdict, groups: [group] } }),
        };
        const made = await spool.derive(
          entry,
          { envelope: { ...entry.envelope, queueId, forwardPaths }, files },
          "incoming",
        );
        ours.add(made);
        await write(made, "accepted", group.forwardPaths, "", "synced", entry.id);
        onEvent({ event: "accepted", entry: made, to: "incoming" });
        derived.push(made);
      }
      return derived;
    },
  };
}

export type Custody = ReturnType<typeof createCustody>;
