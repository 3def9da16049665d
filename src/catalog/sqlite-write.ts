/** What is written in one transaction: rows, rules, hashes, and the index of words, which is SQLite's own. */
import { type Kysely, sql } from "kysely";
import type { QueueId } from "../core/message.ts";
import { arrivalOf } from "../core/queue-id.ts";
import type { Summary } from "./catalog.ts";
import { headOf, placeOf, type Row, type Tables, texts, toRow } from "./schema.ts";
import { wordsOf } from "./words.ts";

/** SQLite binds at most 32,766 values to a statement. */
const pairsAtOnce = 5_000;

/** Holds no text, only which word is where; two and three first letters of a word are indexed for words that go on. */
export async function createWordIndex(db: Kysely<Tables>): Promise<void> {
  await sql`create virtual table message_words using fts5(words, state, content='', contentless_delete=1,
    prefix='2 3', tokenize='unicode61 remove_diacritics 2')`.execute(db);
}

export async function emptyTables(db: Kysely<Tables>): Promise<void> {
  for (const table of ["message_rules", "message_hashes", "messages"] as const) await db.deleteFrom(table).execute();
  await sql`delete from message_words`.execute(db);
}

const headsOf = (hashes: readonly string[]): readonly number[] => [
  ...new Set(hashes.flatMap((sha256) => headOf(sha256) ?? [])),
];

async function removeRows(db: Kysely<Tables>, ids: readonly QueueId[]): Promise<readonly Row[]> {
  const gone = await db.deleteFrom("messages").where("queue_id", "in", ids).returningAll().execute();
  if (gone.length === 0) return gone;
  await sql`delete from message_words where rowid in (${sql.join(gone.map(({ seq }) => seq))})`.execute(db);
  for (const { seq, rules, hashes, sha256 } of gone) {
    const named = texts(rules);
    if (named.length > 0)
      await db.deleteFrom("message_rules").where("rule", "in", named).where("seq", "=", seq).execute();
    const heads = headsOf([sha256, ...texts(hashes)]);
    if (heads.length > 0)
      await db.deleteFrom("message_hashes").where("head", "in", heads).where("seq", "=", seq).execute();
  }
  return gone;
}

/** The place by arrival, or the next that is free: of each message, whatever became of it before. */
async function placesFor(
  db: Kysely<Tables>,
  ids: readonly QueueId[],
  gone: readonly Row[],
): Promise<ReadonlyMap<QueueId, number>> {
  const places = new Map<QueueId, number>(gone.map((row) => [row.queue_id as QueueId, row.seq]));
  const taken = new Set(places.values());
  for (const id of ids) {
    if (places.has(id)) continue;
    let place = placeOf(arrivalOf(id));
    const isTaken = async (): Promise<boolean> =>
      taken.has(place) ||
      (await db.selectFrom("messages").select("seq").where("seq", "=", place).executeTakeFirst()) !== undefined;
    while (await isTaken()) place += 1;
    taken.add(place);
    places.set(id, place);
  }
  return places;
}

async function insertPairs(db: Kysely<Tables>, placed: readonly (readonly [Summary, number])[]): Promise<void> {
  const rules = placed.flatMap(([of, seq]) => [...new Set(of.rules)].map((rule) => ({ rule, seq })));
  for (let at = 0; at < rules.length; at += pairsAtOnce)
    await db
      .insertInto("message_rules")
      .values(rules.slice(at, at + pairsAtOnce))
      .execute();
  const hashes = placed.flatMap(([of, seq]) => headsOf([of.sha256, ...of.hashes]).map((head) => ({ head, seq })));
  for (let at = 0; at < hashes.length; at += pairsAtOnce)
    await db
      .insertInto("message_hashes")
      .values(hashes.slice(at, at + pairsAtOnce))
      .execute();
}

/** Null stands for a message that is to be forgotten. */
export async function replaceMessages(
  db: Kysely<Tables>,
  group: ReadonlyMap<QueueId, { readonly summary: Summary | null }>,
): Promise<void> {
  const gone = await removeRows(db, [...group.keys()]);
  const summaries = [...group.values()].flatMap(({ summary }) => summary ?? []);
  if (summaries.length === 0) return;
  const ids = summaries.map(({ queueId }) => queueId);
  const places = await placesFor(db, ids, gone);
  const placed = summaries.map((summary) => [summary, places.get(summary.queueId) ?? 0] as const);
  await db
    .insertInto("messages")
    .values(placed.map(([summary, seq]) => toRow(summary, seq)))
    .execute();
  const words = placed.map(([summary, seq]) => sql`(${seq}, ${wordsOf(summary)}, ${summary.state})`);
  await sql`insert into message_words (rowid, words, state) values ${sql.join(words)}`.execute(db);
  await insertPairs(db, placed);
}
