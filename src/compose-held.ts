/** After a crash between the claim or move into quarantine and the journal's line: the line is written by the next start. */
import type { Millis, QueueId } from "./core/message.ts";
import { arrivalOf } from "./core/queue-id.ts";
import type { Group, Verdict } from "./core/verdict.ts";
import type { Custody } from "./dispose/custody.ts";
import type { Clock } from "./observe/clock.ts";
import type { Journal } from "./spool/journal.ts";
import type { Entry, Spool } from "./spool/spool.ts";

export interface HeldOptions {
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly custody: Pick<Custody, "quarantined">;
}

/** Crashes come while mail comes: only what arrived so long before the last held message can lack its line. */
const spanMs: Millis = 2 * 86_400_000;
/** However long the gateway was down, no more of the journal is read. */
const longestMs: Millis = 7 * 86_400_000;

/** What it is held for, as far as that was written down. */
export async function groupOf(entry: Entry): Promise<Group> {
  const verdict = await entry.read<Verdict>("verdict.json");
  const [group] = verdict?.groups ?? [];
  if (group) return group;
  const [first] = entry.envelope.forwardPaths;
  return {
    forwardPaths: entry.envelope.forwardPaths.map((path) => path.address),
    route: first?.route ?? "",
    disposition: { kind: "quarantine", reason: "held without a verdict" },
    because: [],
    policyLine: "on_scanner_failure",
  };
}

/** Looks at what is held now; the answer writes the missing lines. To be called before anything moves. */
export async function findHeld({ spool, journal, clock, custody }: HeldOptions): Promise<() => Promise<number>> {
  const all: QueueId[] = [];
  for await (const id of spool.list("quarantine")) all.push(id);
  const newest = all.at(-1);
  const since = newest ? Math.max(arrivalOf(newest) - spanMs, clock.now().getTime() - longestMs) : 0;
  const silent = new Set(all.filter((id) => arrivalOf(id) >= since));
  return async () => {
    if (silent.size === 0) return 0;
    for await (const { event, queueId } of journal.read(new Date(since)))
      if (event === "quarantined") silent.delete(queueId);
    let count = 0;
    for (const id of silent) {
      // Released or discarded since it was listed, or unreadable, of which the spool has told.
      const entry = await spool.open(id, "quarantine").catch(() => null);
      if (!entry) continue;
      const group = await groupOf(entry);
      const { disposition } = group;
      await custody.quarantined(
        entry,
        group,
        "reason" in disposition ? disposition.reason : `instead of ${disposition.kind}`,
      );
      count++;
    }
    return count;
  };
}
