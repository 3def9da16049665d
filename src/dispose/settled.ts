/** Which forward-paths are still to be served: by an entry's own record, and by the journal. */
import type { Delivery, Entry } from "../spool/spool.ts";
import type { JournalEvent, JournalLine } from "../spool/journal.ts";

const final: ReadonlySet<JournalEvent> = new Set(["forwarded", "released", "discarded", "bounced", "expired"]);

/** Forward-paths that the lines call final. */
export const closedBy = (lines: readonly JournalLine[]): ReadonlySet<string> =>
  new Set(lines.filter((line) => final.has(line.event)).flatMap((line) => line.forwardPaths));

export const pathsOf = (entry: Entry): readonly string[] => entry.envelope.forwardPaths.map((path) => path.address);

export const isPending = (delivery: Delivery, path: string): boolean =>
  (delivery.paths[path]?.state ?? "pending") === "pending";
