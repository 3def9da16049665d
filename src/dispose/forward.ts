/** Forwarding: one transaction with the next hop, and what its replies mean for the client who waits or for the message that is ours. */
import type { ForwardPath } from "../core/message.ts";
import { format, type Reply } from "../core/status.ts";
import type { Turn } from "../core/turn.ts";
import type { Group, Verdict } from "../core/verdict.ts";
import type { Clock } from "../observe/clock.ts";
import type { Delivery, Entry, Release } from "../spool/spool.ts";
import type { Custody } from "./custody.ts";
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
  /** Sends a DSN for forward-paths that failed for good; must be safe to repeat. */
  readonly bounce: (entry: Entry, failed: Replies, hop: string) => Promise<void>;
}

export interface Forwarder {
  forward(entry: Entry, reason: Reason, turn: Turn, signal: AbortSignal): Promise<Replies>;
}

/** How long a message that left unscanned is kept for the scan that it still needs. */
const rescanMs = 60_000;

const isPending = (delivery: Delivery, path: ForwardPath): boolean =>
  (delivery.paths[path.address]?.state ?? "pending") === "pending";

export function createForwarder({ nextHop, custody, clock, fields, bounce }: ForwardOptions): Forwarder {
  /** The client still waits: the next hop's word is its answer, and nothing was ever ours (R8: unless only some were refused). */
  async function passOn(entry: Entry, delivered: Delivered): Promise<void> {
    const paths = [...delivered.replies.keys()];
    const [first] = delivered.replies.values();
    if (first?.status.class === 2) await custody.settled(entry, "forwarded", paths, format(first), "lazy");
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

  /** Ours: every reply is written down before anything else follows from it. */
  async function settle(entry: Entry, reason: Reason, before: Delivery, delivered: Delivered): Promise<void> {
    const expired = before.expires !== null && clock.now() >= new Date(before.expires);
    const after = merge(before, delivered.replies, expired);
    await entry.record(after);
    const pick = (state: string): Map<string, Reply> =>
      new Map([...delivered.replies].filter(([path]) => after.paths[path]?.state === state));
    const sent = pick("sent");
    const failed = pick("failed");
    const text = (replies: Replies): string => [...new Set([...replies.values()].map(format))].join("; ");
    const related = "release" in reason ? reason.release.from : undefined;
    if (sent.size > 0)
      await custody.settled(entry, related ? "released" : "forwarded", [...sent.keys()], text(sent), "synced", related);
    if (failed.size > 0) {
      await bounce(entry, failed, delivered.hop);
      await custody.settled(entry, expired ? "expired" : "bounced", [...failed.keys()], text(failed), "synced");
    }
    const pending = pick("pending");
    if (pending.size > 0) await custody.later(entry, text(pending));
    else if ("unscanned" in reason) {
      await custody.postpone(entry, rescanMs);
      await entry.move("deferred");
      await custody.waiting(entry);
    } else await entry.remove();
  }

  return {
    async forward(entry, reason, turn, signal) {
      const delivery = await custody.deliveryOf(entry);
      const pending = entry.envelope.forwardPaths.filter((path) => isPending(delivery, path));
      const route = pending[0]?.route;
      if (route === undefined) {
        await entry.remove();
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
      if (await turn.takeOrWait()) await passOn(entry, delivered);
      else await settle(entry, reason, await custody.deliveryOf(entry), delivered);
      return delivered.replies;
    },
  };
}
