/** Quarantine does not grow for ever: expiry by age, then by quota, announced a day before; never younger than a day, so that a flood cannot push the evidence out. */
import type { Bytes, Millis, QueueId } from "../core/message.ts";
import type { Dissection } from "../core/outcome.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Journal } from "../spool/journal.ts";
import type { Entry, Spool } from "../spool/spool.ts";

export interface RetentionOptions {
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly keepMs: Millis;
  readonly quota: Bytes;
  /** Announced: it expires within a day. */
  readonly onSoon?: (id: QueueId, leftMs: Millis) => void;
  /** What all held messages take together. */
  readonly onTotal?: (bytes: Bytes) => void;
}

const day = 86_400_000;

/** How often it is called: each message is announced once. */
const everyMs = 3_600_000;

async function* held(spool: Spool): AsyncGenerator<Entry> {
  for await (const id of spool.list("quarantine")) {
    // Released or discarded since it was listed, or unreadable, of which the spool has told.
    const entry = await spool.open(id, "quarantine").catch(() => null);
    if (entry) yield entry;
  }
}

/** Returns how many have expired. Safe to run at any time; the journal's line comes before the removal. */
export async function expireQuarantine({
  spool,
  journal,
  clock,
  log,
  keepMs,
  quota,
  onSoon,
  onTotal,
}: RetentionOptions): Promise<number> {
  const now = clock.now().getTime();
  // Twice through the folder, so that no more than one message is in memory.
  let total = 0;
  for await (const entry of held(spool)) total += entry.size;
  onTotal?.(total);
  const announce = (id: QueueId, leftMs: Millis): void => {
    log.warn("expires_soon", { queue_id: id, delay_ms: leftMs });
    onSoon?.(id, leftMs);
  };
  let expired = 0;
  for await (const entry of held(spool)) {
    const age = now - new Date(entry.envelope.arrivedAt).getTime();
    const tooOld = age > keepMs;
    const tooMuch = total > quota && age > day;
    if (!tooOld && !tooMuch) {
      if (age > keepMs - day && age <= keepMs - day + everyMs) announce(entry.id, keepMs - age);
      continue;
    }
    await journal.append(
      {
        at: clock.now().toISOString(),
        event: "expired",
        queueId: entry.id,
        forwardPaths: entry.envelope.forwardPaths.map((path) => path.address),
        reversePath: entry.envelope.reversePath,
        sha256: (await entry.read<Dissection>("parts.json"))?.sha256 ?? null,
        size: entry.size,
        text: tooOld ? "held longer than quarantine.keep" : "beyond quarantine.quota",
      },
      "synced",
    );
    await entry.remove();
    total -= entry.size;
    expired++;
  }
  return expired;
}
