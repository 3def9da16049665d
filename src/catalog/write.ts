/** What is written in one transaction: rows, rules, hashes, and what the database's own search needs. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { QueueId } from "../core/message.ts";
import { arrivalOf } from "../core/queue-id.ts";
import type { Page, Query, Summary } from "./catalog.ts";
import { type Found, foundColumns, headOf, idOf, placeOf, summaryIn, type Tables, toRow } from "./schema.ts";

/** SQLite binds at most 32,766 values to a statement. */
const pairsAtOnce = 5_000;

export type Placed = readonly (readonly [of: Summary, seq: number])[];

/** What is not the same in every database. */
export interface Search {
  /** More columns of a row. */
  columns(of: Summary): Readonly<Record<string, RawBuilder<unknown>>>;
  removed(db: Kysely<Tables>, seqs: readonly number[]): Promise<void>;
  added(db: Kysely<Tables>, placed: Placed): Promise<void>;
  /** Removes everything at once, where only one node writes. */
  readonly empty?: (db: Kysely<Tables>) => Promise<void>;
  find(db: Kysely<Tables>, where: Query, page: Page): Promise<readonly Found[]>;
}

const rulePairs = (placed: Placed) =>
  placed.flatMap(([of, seq]) => [...new Set(of.rules)].map((rule) => ({ rule, seq })));
const hashPairs = (placed: Placed) =>
  placed.flatMap(([of, seq]) =>
    [...new Set([of.sha256, ...of.hashes].flatMap((sha256) => headOf(sha256) ?? []))].map((head) => ({ head, seq })),
  );

function* portions<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += pairsAtOnce) yield all.slice(at, at + pairsAtOnce);
}

export async function removeRows(
  db: Kysely<Tables>,
  search: Search,
  ids: readonly QueueId[],
): Promise<readonly Found[]> {
  const gone = await db.deleteFrom("messages").where("queue_id", "in", ids).returning(foundColumns).execute();
  if (gone.length === 0) return gone;
  const placed = gone.map((row) => [summaryIn(row), row.seq] as const);
  await search.removed(
    db,
    gone.map(({ seq }) => seq),
  );
  for (const some of portions(rulePairs(placed)))
    await sql`delete from message_rules where (rule, seq) in (values ${sql.join(
      some.map(({ rule, seq }) => sql`(${rule}, cast(${seq} as bigint))`),
    )})`.execute(db);
  for (const some of portions(hashPairs(placed)))
    await sql`delete from message_hashes where (head, seq) in (values ${sql.join(
      some.map(({ head, seq }) => sql`(cast(${head} as bigint), cast(${seq} as bigint))`),
    )})`.execute(db);
  return gone;
}

/** The place by arrival, or the next that is free: of each message, whatever became of it before. */
async function placesFor(
  db: Kysely<Tables>,
  ids: readonly QueueId[],
  gone: readonly Found[],
): Promise<ReadonlyMap<QueueId, number>> {
  const places = new Map<QueueId, number>(gone.map((row) => [idOf(row), row.seq]));
  const taken = new Set(places.values());
  const fresh = ids.filter((id) => !places.has(id));
  const wanted = fresh.map((id) => placeOf(arrivalOf(id)));
  const there =
    wanted.length === 0 ? [] : await db.selectFrom("messages").select("seq").where("seq", "in", wanted).execute();
  for (const { seq } of there) taken.add(seq);
  for (const [i, id] of fresh.entries()) {
    let place = wanted[i] ?? 0;
    const isTaken = async (): Promise<boolean> =>
      taken.has(place) ||
      (place !== wanted[i] &&
        (await db.selectFrom("messages").select("seq").where("seq", "=", place).executeTakeFirst()) !== undefined);
    while (await isTaken()) place += 1;
    taken.add(place);
    places.set(id, place);
  }
  return places;
}

interface Change {
  /** Null stands for a message that is to be forgotten. */
  readonly summary: Summary | null;
  readonly takeOver: boolean;
}

/** A row is its node's, until another has adopted the message. */
async function withoutOthers(
  db: Kysely<Tables>,
  node: string,
  group: ReadonlyMap<QueueId, Change>,
): Promise<ReadonlyMap<QueueId, Change>> {
  const mine = [...group].filter(([, { takeOver }]) => !takeOver).map(([id]) => id);
  if (mine.length === 0) return group;
  const query = db.selectFrom("messages").select("queue_id").where("queue_id", "in", mine).where("node", "<>", node);
  const others = new Set((await query.execute()).map(idOf));
  return new Map([...group].filter(([id]) => !others.has(id)));
}

export async function replaceMessages(
  db: Kysely<Tables>,
  search: Search,
  node: string,
  changes: ReadonlyMap<QueueId, Change>,
): Promise<void> {
  const group = search.empty ? changes : await withoutOthers(db, node, changes);
  if (group.size === 0) return;
  const gone = await removeRows(db, search, [...group.keys()]);
  const summaries = [...group.values()].flatMap(({ summary }) => summary ?? []);
  if (summaries.length === 0) return;
  const places = await placesFor(
    db,
    summaries.map(({ queueId }) => queueId),
    gone,
  );
  const placed: Placed = summaries.map((summary) => [summary, places.get(summary.queueId) ?? 0]);
  await db
    .insertInto("messages")
    .values(placed.map(([summary, seq]) => ({ ...toRow(summary, node, seq), ...search.columns(summary) })))
    .execute();
  await search.added(db, placed);
  for (const some of portions(rulePairs(placed))) await db.insertInto("message_rules").values(some).execute();
  for (const some of portions(hashPairs(placed))) await db.insertInto("message_hashes").values(some).execute();
}
