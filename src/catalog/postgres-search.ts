/** Lists and searches of PostgreSQL: words in a tsvector, pieces by pg_trgm where it is installed. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Page, Query, Summary } from "./catalog.ts";
import { both, columns, type Condition, interpret, lastSeq } from "./conditions.ts";
import type { Found, Tables } from "./schema.ts";
import { lexemes, type Phrase, wordsOf } from "./words.ts";
import type { Search } from "./write.ts";

/** The highest position in a tsvector. */
const lastPosition = 16_383;

/** Letters and digits only: nothing in it needs quotes. */
const vectorOf = (text: string): string =>
  lexemes(text)
    .map((lexeme, i) => `'${lexeme}':${Math.min(i + 1, lastPosition)}`)
    .join(" ");

/** Null if a phrase has no word that could be found. */
function queryOf(phrases: readonly Phrase[]): string | null {
  const all = phrases.map(({ words, goesOn }) => {
    const found = lexemes(words);
    return found.map((lexeme, i) => `'${lexeme}'${goesOn && i === found.length - 1 ? ":*" : ""}`).join(" <-> ");
  });
  return all.includes("") ? null : all.map((one) => `(${one})`).join(" & ");
}

/** Words that come in are found at once, but are sorted in later; a search has to go through these, so they are kept few. */
const pendingKiB = 1_024;

export async function createIndexes(db: Kysely<Tables>): Promise<void> {
  await sql`alter table messages add column words tsvector not null default ''`.execute(db);
  await sql`create index messages_words on messages using gin (words)
    with (gin_pending_list_limit = ${sql.lit(pendingKiB)})`.execute(db);
}

/** Without the extension pieces are looked for row by row, newest first. It may be made later: then this is done at the next start. */
export async function createPieces(db: Kysely<unknown>): Promise<void> {
  const trigrams = await rows(db, sql`select 1 from pg_extension where extname = 'pg_trgm'`);
  if (trigrams.length > 0)
    await sql`create index if not exists messages_searched on messages using gin (searched gin_trgm_ops)
      with (gin_pending_list_limit = ${sql.lit(pendingKiB)})`.execute(db);
}

const matches = (query: string): Condition => sql`messages.words @@ ${query}::tsquery`;

/** So many of the newest are looked at one by one before an index of words is asked for all that match. */
const nearby = 3_000;

/**
 * The planner cannot know how often a beginning of a word occurs, and takes the wrong one of two ways: through the newest until
 * the page is full, which is right for what is frequent, or everything that matches, to be sorted, which is right for what is rare.
 */
async function inTwoSteps(db: Kysely<Tables>, all: readonly Condition[], limit: number): Promise<readonly Found[]> {
  const edge = await rows<{ seq: number }>(
    db,
    sql`select seq from messages ${both(all.slice(0, 1))} order by seq desc offset ${nearby} limit 1`,
  );
  const first = edge[0]?.seq ?? 0;
  const near = await page(db, [...all, sql`messages.seq >= ${first}`], sql`messages.seq`, limit);
  if (near.length === limit || first === 0) return near;
  return page(db, all, sql`messages.seq + 0`, limit);
}

const rows = async <R>(db: Kysely<unknown> | Kysely<Tables>, query: RawBuilder<unknown>): Promise<readonly R[]> =>
  (await sql<R>`${query}`.execute(db as Kysely<unknown>)).rows;

const page = (db: Kysely<Tables>, all: readonly Condition[], order: RawBuilder<unknown>, limit: number) =>
  rows<Found>(db, sql`select ${columns} from messages ${both(all)} order by ${order} desc limit ${limit}`);

async function find(db: Kysely<Tables>, where: Query, { before, limit }: Page): Promise<readonly Found[]> {
  const asked = interpret(where);
  const words = asked && queryOf(asked.phrases);
  if (asked === null || words === null) return [];
  const { head } = asked;
  const seq = sql<number>`messages.seq`;
  const end = await lastSeq(db, where, before);
  const all: readonly Condition[] = [
    sql`${seq} < ${end}`,
    ...asked.conditions(seq),
    ...(words === "" ? [] : [matches(words)]),
    ...(head === null
      ? []
      : [sql<boolean>`exists (select 1 from message_hashes where head = ${head} and seq = messages.seq)`]),
  ];
  return words === "" && asked.pieces.length === 0 ? page(db, all, seq, limit) : inTwoSteps(db, all, limit);
}

export const postgresSearch: Search = {
  columns: (of: Summary) => ({ words: sql`${vectorOf(wordsOf(of))}::tsvector` }),
  removed: () => Promise.resolve(),
  added: () => Promise.resolve(),
  find,
};
