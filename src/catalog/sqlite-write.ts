/** What is written in one transaction: rows, rules, hashes, and the index of words, which is SQLite's own. */
import { type Kysely, sql } from "kysely";
import type { QueueId } from "../core/message.ts";
import type { Summary } from "./catalog.ts";
import { type Tables, toRow } from "./schema.ts";
import { wordsOf } from "./words.ts";

/** SQLite binds at most 32,766 values to a statement. */
const pairsAtOnce = 5_000;

/** Holds no text, only which word is where; two and three first letters of a word are indexed for words that go on. */
export async function createWordIndex(db: Kysely<Tables>): Promise<void> {
  await sql`create virtual table message_words using fts5(words, content='', contentless_delete=1, prefix='2 3',
    tokenize='unicode61 remove_diacritics 2')`.execute(db);
}

export async function emptyTables(db: Kysely<Tables>): Promise<void> {
  for (const table of ["message_rules", "message_hashes", "messages"] as const) await db.deleteFrom(table).execute();
  await sql`delete from message_words`.execute(db);
}

const distinct = (items: readonly string[]): readonly string[] => [...new Set(items)];

async function insertRules(db: Kysely<Tables>, summaries: readonly Summary[]): Promise<void> {
  const rows = summaries.flatMap(({ queueId, rules }) => distinct(rules).map((rule) => ({ rule, queue_id: queueId })));
  for (let at = 0; at < rows.length; at += pairsAtOnce)
    await db
      .insertInto("message_rules")
      .values(rows.slice(at, at + pairsAtOnce))
      .execute();
}

async function insertHashes(db: Kysely<Tables>, summaries: readonly Summary[]): Promise<void> {
  const rows = summaries.flatMap(({ queueId, sha256: whole, hashes }) =>
    distinct([whole, ...hashes]).map((sha256) => ({ sha256, queue_id: queueId })),
  );
  for (let at = 0; at < rows.length; at += pairsAtOnce)
    await db
      .insertInto("message_hashes")
      .values(rows.slice(at, at + pairsAtOnce))
      .execute();
}

/** Null stands for a message that is to be forgotten. */
export async function replaceMessages(
  db: Kysely<Tables>,
  group: ReadonlyMap<QueueId, { readonly summary: Summary | null }>,
): Promise<void> {
  const ids = [...group.keys()];
  const gone = await db.deleteFrom("messages").where("queue_id", "in", ids).returning("seq").execute();
  if (gone.length > 0) {
    await sql`delete from message_words where rowid in (${sql.join(gone.map(({ seq }) => seq))})`.execute(db);
    await db.deleteFrom("message_rules").where("queue_id", "in", ids).execute();
    await db.deleteFrom("message_hashes").where("queue_id", "in", ids).execute();
  }
  const summaries = [...group.values()].flatMap(({ summary }) => summary ?? []);
  if (summaries.length === 0) return;
  const rows = await db.insertInto("messages").values(summaries.map(toRow)).returning(["seq", "queue_id"]).execute();
  for (const { seq, queue_id } of rows) {
    const summary = group.get(queue_id as QueueId)?.summary;
    if (summary) await sql`insert into message_words (rowid, words) values (${seq}, ${wordsOf(summary)})`.execute(db);
  }
  await insertRules(db, summaries);
  await insertHashes(db, summaries);
}
