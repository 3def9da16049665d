/** Makes the catalog again from the journal and the spool, which are the truth. */
import type { Catalog, Summary } from "./catalog/catalog.ts";
import { summaryOf } from "./compose-books.ts";
import { states } from "./core/state.ts";
import type { Journal, JournalEvent, JournalLine } from "./spool/journal.ts";
import type { Spool } from "./spool/spool.ts";

const stateOf: Readonly<Partial<Record<JournalEvent, Summary["state"]>>> = {
  forwarded: "forwarded",
  released: "forwarded",
  rejected: "rejected",
  discarded: "discarded",
  bounced: "bounced",
  expired: "expired",
  quarantined: "quarantine",
};

const fromJournal = (line: JournalLine, state: Summary["state"]): Summary => ({
  queueId: line.queueId,
  state,
  arrivedAt: line.at,
  route: "",
  client: "",
  reversePath: line.reversePath,
  forwardPaths: line.forwardPaths,
  subject: "",
  size: line.size,
  sha256: line.sha256 ?? "",
  disposition: null,
  summary: null,
  severity: null,
  rules: [],
  names: [],
  hashes: [],
  reason: line.text,
});

/** `onProgress` hears the number of messages so far. Returns it at the end. */
export async function rebuildCatalog(
  catalog: Catalog,
  spool: Spool,
  journal: Journal,
  onProgress: (done: number) => void,
): Promise<number> {
  await catalog.clear();
  let done = 0;
  const tick = (): void => {
    if (++done % 1000 === 0) onProgress(done);
  };
  let writes: Promise<void>[] = [];
  const record = async (summary: Summary): Promise<void> => {
    writes.push(catalog.record(summary));
    tick();
    if (writes.length >= 500) {
      await Promise.all(writes);
      writes = [];
    }
  };
  for await (const line of journal.read()) {
    const state = stateOf[line.event];
    if (state) await record(fromJournal(line, state));
  }
  for (const state of states) {
    if (state === "arriving") continue;
    for await (const id of spool.list(state)) {
      const entry = await spool.open(id, state).catch(() => null);
      if (entry) await record(await summaryOf(entry, state, ""));
    }
  }
  await Promise.all(writes);
  return done;
}
