/** Quarantine does not grow for ever: expiry by age and by room, in classes that a flood of one cannot take from another. */
import type { Bytes, Millis, QueueId } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Journal } from "../spool/journal.ts";
import type { Entry, Spool } from "../spool/spool.ts";
import { contentOf, type HeldClass, heldClasses, whyHeld } from "./held-class.ts";
import { type ClassRules, type ClassTotal, HeldLedger } from "./held-ledger.ts";
import { HeldOnce } from "./held-once.ts";

export type HeldTotals = Readonly<Record<HeldClass, ClassTotal>>;

export interface RetentionOptions {
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  /** Of all classes together. */
  readonly quota: Bytes;
  readonly classes: Readonly<Record<HeldClass, ClassRules>>;
  /** Announced: it expires within a day. */
  readonly onSoon?: (id: QueueId, leftMs: Millis) => void;
  readonly onExpired?: (held: HeldClass, why: "age" | "quota") => void;
  /** What each class takes, before anything has to go for want of room. */
  readonly onTotals?: (totals: HeldTotals) => void;
}

/** Nothing expires for want of room before it is that old: a person has had a day to see it. */
const day: Millis = 86_400_000;
/** How often it is called: each message is announced once. */
const everyMs: Millis = 3_600_000;

const arrivedAt = ({ envelope }: Entry): number => new Date(envelope.arrivedAt).getTime();

/** Released or discarded since it was listed, or unreadable, of which the spool has told: null. */
const openHeld = (spool: Spool, id: QueueId): Promise<Entry | null> => spool.open(id, "quarantine").catch(() => null);

async function survey(spool: Spool, log: Log): Promise<HeldLedger> {
  const ledger = new HeldLedger();
  const once = new HeldOnce(spool);
  for await (const id of spool.list("quarantine")) {
    const entry = await openHeld(spool, id);
    if (!entry) continue;
    try {
      const dissection = await entry.read<Dissection>("parts.json");
      const octets = await once.of(entry, dissection);
      ledger.add(
        id,
        arrivedAt(entry),
        octets,
        whyHeld(await entry.read<Verdict>("verdict.json")),
        contentOf(dissection),
      );
    } catch (error) {
      // It counts all the same: what cannot be read takes room too.
      log.warn("held_unreadable", { queue_id: id, error_cause: String(error) });
      ledger.add(id, arrivedAt(entry), { size: entry.size, holders: 1 }, whyHeld(null), id);
    }
  }
  return ledger;
}

/** Returns how many have expired. Safe to run at any time; the journal's line comes before the removal. */
export async function expireQuarantine(options: RetentionOptions): Promise<number> {
  const { spool, journal, clock, log, quota, classes, onSoon, onExpired, onTotals } = options;
  const now = clock.now().getTime();
  let expired = 0;

  async function expire(id: QueueId, held: HeldClass, why: "age" | "quota"): Promise<void> {
    const entry = await openHeld(spool, id);
    if (!entry) return;
    const text = why === "age" ? `held longer than quarantine.classes.${held}.keep` : "beyond quarantine.quota";
    await journal.append(
      {
        at: clock.now().toISOString(),
        event: "expired",
        queueId: id,
        forwardPaths: entry.envelope.forwardPaths.map((path) => path.address),
        reversePath: entry.envelope.reversePath,
        sha256: (await entry.read<Dissection>("parts.json").catch(() => null))?.sha256 ?? null,
        size: entry.size,
        text: `${text}, class ${held}`,
      },
      "synced",
    );
    await entry.remove();
    onExpired?.(held, why);
    expired++;
  }

  const ledger = await survey(spool, log);
  for (const name of heldClasses) {
    const oldest = now - classes[name].keepMs;
    for (const { id } of ledger.older(name, oldest)) await expire(id, name, "age");
    ledger.forgetOlder(name, oldest);
    for (const { id, arrived } of ledger.older(name, oldest + day)) {
      const leftMs = arrived - oldest;
      if (leftMs < day - everyMs) continue;
      log.warn("expires_soon", { queue_id: id, delay_ms: leftMs });
      onSoon?.(id, leftMs);
    }
  }
  const totals = ledger.totals(quota, classes);
  onTotals?.(totals);
  for (const name of heldClasses)
    for (const id of ledger.surplus(name, totals[name].allowed, now - day)) await expire(id, name, "quota");
  return expired;
}
