/** The catalog as journal and spool, which are the truth, say it is: made again, or kept up with what the journal hears. */
import type { Catalog, Filling, Summary } from "./catalog/catalog.ts";
import { summaryOf } from "./compose-summary.ts";
import { explain } from "./core/errors.ts";
import type { QueueId } from "./core/message.ts";
import { arrivalOf } from "./core/queue-id.ts";
import { states } from "./core/state.ts";
import type { Log } from "./observe/log.ts";
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
  // The line was written when it left.
  arrivedAt: new Date(arrivalOf(line.queueId)).toISOString(),
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

/** Held messages leave by no stage: a person has discarded them, or their time was over. The journal hears of both. */
export function followed(
  journal: Journal,
  catalog: Catalog,
  log: Log,
  onLine: (line: JournalLine) => void = () => undefined,
): Journal {
  async function note(line: JournalLine): Promise<void> {
    const state = stateOf[line.event];
    if (state !== "discarded" && state !== "expired") return;
    await catalog.record(await onTop(catalog, fromJournal(line, state)));
  }
  const notes = new Set<Promise<void>>();
  return {
    async append(line, durability) {
      await journal.append(line, durability);
      onLine(line);
      const noted = note(line)
        .catch((error: unknown) =>
          log.warn("catalog_lags", { error_cause: explain(error), remedy: "sallyport rebuild" }),
        )
        .finally(() => notes.delete(noted));
      notes.add(noted);
    },
    read: (from) => journal.read(from),
    prune: (before) => journal.prune(before),
    async close() {
      await Promise.all(notes);
      await journal.close();
    },
  };
}

export interface FillOptions {
  readonly catalog: Catalog;
  readonly spool: Spool;
  readonly journal: Journal;
  /** Hears the number of messages so far. */
  readonly onProgress?: (done: number) => void;
  /** What is recorded already, and newer. */
  readonly isKnown?: (id: QueueId) => boolean;
  readonly signal?: AbortSignal;
  /** Only what has happened since, beside what the catalog knows already; null or absent: everything. */
  readonly since?: Date | null;
}

/** What the journal knows of it, on top of what the catalog does. */
async function onTop(catalog: Catalog, made: Summary): Promise<Summary> {
  const known = await catalog.get(made.queueId);
  return known ? { ...known, state: made.state, reason: made.reason } : made;
}

async function* fromLines({ catalog, journal, since }: FillOptions): AsyncGenerator<Summary> {
  for await (const line of journal.read(since ?? undefined)) {
    const state = stateOf[line.event];
    if (!state || (since && Date.parse(line.at) < since.getTime())) continue;
    const made = fromJournal(line, state);
    yield since ? await onTop(catalog, made) : made;
  }
}

async function* summaries(options: FillOptions): AsyncGenerator<Summary> {
  const { catalog, spool } = options;
  yield* fromLines(options);
  for (const state of states) {
    if (state === "arriving") continue;
    for await (const id of spool.list(state)) {
      const entry = await spool.open(id, state).catch(() => null);
      // Why it is held is known to the journal, not to the spool.
      const reason = state === "quarantine" ? ((await catalog.get(id))?.reason ?? "") : "";
      if (entry) yield await summaryOf(entry, state, reason);
    }
  }
}

/** What other nodes have taken from us or we from them, by what was last. */
async function handovers({ journal, since }: FillOptions): Promise<ReadonlyMap<QueueId, "adopted" | "ceded">> {
  const found = new Map<QueueId, "adopted" | "ceded">();
  for await (const { queueId, event } of journal.read(since ?? undefined))
    if (event === "adopted" || event === "ceded") found.set(queueId, event);
  return found;
}

/** Fills an empty catalog. Returns the number of messages. */
export async function fillCatalog(options: FillOptions): Promise<number> {
  const { catalog, onProgress, isKnown, signal } = options;
  const handed = await handovers(options);
  let done = 0;
  let writes: Promise<void>[] = [];
  for await (const summary of summaries(options)) {
    if (signal?.aborted) break;
    const { queueId } = summary;
    if (isKnown?.(queueId) || handed.get(queueId) === "ceded") continue;
    const written = catalog.record(summary, { takeOver: handed.get(queueId) === "adopted" });
    // Heard of at the end of the group; until then a refusal must not count as nobody's.
    written.catch(() => undefined);
    writes.push(written);
    onProgress?.(++done);
    if (writes.length < 500) continue;
    await Promise.all(writes);
    writes = [];
  }
  await Promise.all(writes);
  return done;
}

/** How many rows a fill makes, those of the journal that the spool makes again counted twice. */
export async function countRows({ spool, journal }: Pick<FillOptions, "spool" | "journal">): Promise<number> {
  let rows = 0;
  for await (const { event } of journal.read()) if (stateOf[event]) rows++;
  for (const state of states) if (state !== "arriving") rows += await spool.count(state);
  return rows;
}

/** Safe to repeat: until it is through, the catalog counts as one that has to be filled, by whoever opens it next. */
export async function rebuildCatalog(options: FillOptions & { readonly catalog: Catalog & Filling }): Promise<number> {
  const { catalog } = options;
  await catalog.clear();
  const count = await fillCatalog(options);
  await catalog.setFilled();
  return count;
}
