/** Forwarding: one transaction with the next hop, and what its replies mean for the client who waits or for the message that is ours. */
import { format, parseReply, type Reply, reply } from "../core/status.ts";
import type { Turn } from "../core/turn.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { Clock } from "../observe/clock.ts";
import type { Delivery, Entry, Release } from "../spool/spool.ts";
import type { Custody } from "./custody.ts";
import { isPending } from "./settled.ts";
import type { Delivered, NextHop } from "./next-hop.ts";

type Replies = ReadonlyMap<string, Reply>;

/** Why a message may leave. */
export type Reason =
  | { readonly group: Group; readonly verdict: Verdict }
  | { readonly release: Release }
  | { readonly unscanned: Group };

export interface ForwardOptions {
  readonly nextHop: NextHop;
  readonly custody: Custody;
  readonly clock: Clock;
  /** Our fields for the top of the message. */
  readonly fields: (entry: Entry, reason: Reason) => Promise<string>;
  /** Sends a DSN for forward-paths that failed for good. `again`: it may have been sent before a crash, and must not be sent twice. */
  readonly bounce: (entry: Entry, failed: Replies, hop: string, again: boolean) => Promise<void>;
}

export interface Forwarder {
  forward(entry: Entry, reason: Reason, turn: Turn, signal: AbortSignal): Promise<Replies>;
  /** Writes the lines and sends the DSNs that a crash, or a full disk, has kept from following a result. */
  catchUp(entry: Entry): Promise<void>;
}

/** How long a message that left unscanned is kept for the scan that it still needs. */
const rescanMs = 60_000;

/** Its text was damaged on the disk; what became of the forward-path was not. */
const illegible = reply(5, 50, "0.0", "The reply was not kept");

interface Told {
  readonly group: Group | null;
  readonly release: Release | null;
}

const groupOf = (reason: Reason): Group | null =>
  "group" in reason ? reason.group : "unscanned" in reason ? reason.unscanned : null;

const joined = (replies: Replies): string => [...new Set([...replies.values()].map(format))].join("; ");

/** Forward-paths in this state that were not told yet, with what was said about each. */
function picked(delivery: Delivery, state: "sent" | "failed" | "pending"): Replies {
  const found = Object.entries(delivery.paths).filter(([, each]) => each.state === state && !each.told);
  return new Map(found.map(([path, each]) => [path, parseReply(each.reply) ?? illegible]));
}

const allTold = (delivery: Delivery): Delivery => ({
  ...delivery,
  paths: Object.fromEntries(
    Object.entries(delivery.paths).map(([path, each]) => [
      path,
      each.state === "pending" ? each : { ...each, told: true },
    ]),
  ),
});

export function createForwarder({ nextHop, custody, clock, fields, bounce }: ForwardOptions): Forwarder {
  /** The client still waits: the next hop's word is its answer, and nothing was ever ours (R8: unless only some were refused). */
  async function passOn(entry: Entry, reason: Reason, delivered: Delivered): Promise<void> {
    const paths = [...delivered.replies.keys()];
    const [first] = delivered.replies.values();
    const group = groupOf(reason);
    if (first?.status.class === 2) await custody.settled(entry, "forwarded", paths, format(first), "lazy", { group });
    else if (first?.status.class === 5) await custody.rejected(entry, null, first);
    else if (first) custody.deferred(entry, null, first);
    await entry.remove();
  }

  function merge(delivery: Delivery, replies: Replies, expired: boolean): Delivery {
    const at = clock.now().toISOString();
    const paths = { ...delivery.paths };
    for (const [path, answer] of replies) {
      const failed = answer.status.class === 5 || (answer.status.class === 4 && expired);
      paths[path] = {
        state: answer.status.class === 2 ? "sent" : failed ? "failed" : "pending",
        reply: format(answer),
        at,
      };
    }
    return { ...delivery, judging: false, paths };
  }

  /** The lines and the DSN about what is settled and was not told yet; all of it may be repeated. */
  async function tell(entry: Entry, delivery: Delivery, why: Told, hop: string | null): Promise<void> {
    const { group, release } = why;
    const sent = picked(delivery, "sent");
    if (sent.size > 0) {
      const event = release && !release.notice ? "released" : "forwarded";
      const more = { group, related: release?.from };
      await custody.settled(entry, event, [...sent.keys()], joined(sent), "synced", more);
    }
    const failed = picked(delivery, "failed");
    if (failed.size === 0) return;
    await bounce(entry, failed, hop ?? "", hop === null);
    const [first] = failed.values();
    const event = first?.status.class === 4 ? "expired" : "bounced";
    await custody.settled(entry, event, [...failed.keys()], joined(failed), "synced", { group });
  }

  /** Ours: every reply is written down before anything else follows from it. */
  async function settle(entry: Entry, reason: Reason, before: Delivery, delivered: Delivered): Promise<void> {
    const after = merge(before, delivered.replies, await custody.isExpired(entry));
    await custody.record(entry, after);
    const release = "release" in reason ? reason.release : null;
    await tell(entry, after, { group: groupOf(reason), release }, delivered.hop);
    const pending = picked(after, "pending");
    if (pending.size > 0) await custody.later(entry, joined(pending), allTold(after));
    else if ("unscanned" in reason) await waitForScan(entry, allTold(after));
    else await entry.remove();
  }

  async function waitForScan(entry: Entry, delivery?: Delivery): Promise<void> {
    await custody.postpone(entry, rescanMs, delivery);
    await entry.move("deferred");
    await custody.waiting(entry);
  }

  return {
    async forward(entry, reason, turn, signal) {
      const delivery = await custody.deliveryOf(entry);
      const pending = entry.envelope.forwardPaths.filter((path) => isPending(delivery, path.address));
      const route = pending[0]?.route;
      if (route === undefined) {
        await ("unscanned" in reason ? waitForScan(entry) : entry.remove());
        return new Map();
      }
      const outgoing = {
        envelope: entry.envelope,
        forwardPaths: pending.map((path) => path.address),
        fields: await fields(entry, reason),
        size: entry.size,
        octets: () => entry.octets(),
      };
      const mixed = async (): Promise<void> => {
        if (await turn.takeOrWait()) await custody.claim(entry, "active");
      };
      const delivered = await nextHop.send(route, outgoing, mixed, signal);
      if (await turn.takeOrWait()) await passOn(entry, reason, delivered);
      else await settle(entry, reason, await custody.deliveryOf(entry), delivered);
      return delivered.replies;
    },

    async catchUp(entry) {
      const delivery = await custody.deliveryOf(entry);
      if (picked(delivery, "sent").size + picked(delivery, "failed").size === 0) return;
      const closed = await custody.closed(entry);
      const isOpen = ([path]: readonly [string, unknown]): boolean => !closed.has(path);
      const open = { ...delivery, paths: Object.fromEntries(Object.entries(delivery.paths).filter(isOpen)) };
      await tell(entry, open, { group: null, release: await entry.read<Release>("release.json") }, null);
      await custody.record(entry, allTold(delivery));
    },
  };
}
