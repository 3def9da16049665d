/** Lists and searches of PostgreSQL: words in a tsvector, pieces by pg_trgm where it is installed. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Page, Query, Summary } from "./catalog.ts";
import { type Asked, both, columns, type Condition, interpret, lastSeq } from "./conditions.ts";
import { rarest, sample, type Share, withoutTails } from "./sample.ts";
import type { Found, Tables } from "./schema.ts";
import { containing, lexemes, type Phrase, wordsOf } from "./words.ts";
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

/** So many of the newest are looked at one by one before an index of words is asked for all that match. */
const nearby = 2_000;

/** Where to begin; what the rows themselves say; what the indexes say of all of them. */
interface Steps {
  readonly below: Condition;
  readonly rows: readonly Condition[];
  readonly index: readonly Condition[];
}

/**
 * The planner cannot know how often a beginning of a word occurs, and takes the wrong one of two ways: through the newest until
 * the page is full, which is right for what is frequent, or everything that matches, to be sorted, which is right for what is rare.
 */
async function inTwoSteps(db: Kysely<Tables>, steps: Steps, limit: number): Promise<readonly Found[]> {
  const { below, index } = steps;
  const [edge] = await rows<{ seq: number }>(
    db,
    sql`select seq from messages where ${below} order by seq desc offset ${nearby} limit 1`,
  );
  const first = edge?.seq ?? 0;
  const all = [below, ...steps.rows];
  const near = await page(db, [...all, sql`messages.seq >= ${first}`], sql`messages.seq`, limit);
  if (near.length === limit || first === 0) return near;
  return page(db, [...all, ...index], sql`messages.seq + 0`, limit);
}

const rows = async <R>(db: Kysely<unknown> | Kysely<Tables>, query: RawBuilder<unknown>): Promise<readonly R[]> =>
  (await sql<R>`${query}`.execute(db as Kysely<unknown>)).rows;

const page = (db: Kysely<Tables>, all: readonly Condition[], order: RawBuilder<unknown>, limit: number) =>
  rows<Found>(db, sql`select ${columns} from messages ${both(all)} order by ${order} desc limit ${limit}`);

/** Runs of letters that an index of threes is asked for. */
const runLength = 6;
const mostRuns = 2;

/** Above that share of all messages the rows are asked, not the index: it would gather them all first. */
const fewEnough = 0.02;

/** What the indexes of words and pieces are asked: what is rare, or else the rarest; the rows are asked for the rest. */
function indexed({ phrases, pieces }: Asked, share: Share): readonly Condition[] {
  const cut = withoutTails(phrases, share).phrases;
  const query = queryOf(cut);
  const seen = Math.min(...cut.flatMap(({ words }) => lexemes(words)).map(share));
  // All in one: what is rare among them spares the rest.
  const words = query ? [{ seen, condition: sql<boolean>`messages.words @@ ${query}::tsquery` }] : [];
  const runs = pieces
    .filter(({ text }) => [...text].length >= 3)
    .flatMap(({ text }) => rarest(text, runLength, share).slice(0, mostRuns))
    .map((run) => {
      const condition = sql<boolean>`messages.searched like ${containing(run)} escape '!'`;
      return { seen: share(run), condition };
    });
  const all = [...words, ...runs];
  const least = Math.min(...all.map((one) => one.seen));
  return all.filter((one) => one.seen <= Math.max(fewEnough, least)).map(({ condition }) => condition);
}

/** Concatenated, so that no index is asked for it. */
const hasWords = (words: string): Condition => sql`(messages.words || ''::tsvector) @@ ${words}::tsquery`;

async function find(db: Kysely<Tables>, where: Query, { before, limit }: Page): Promise<readonly Found[]> {
  const asked = interpret(where);
  const words = asked && queryOf(asked.phrases);
  if (asked === null || words === null) return [];
  const { head } = asked;
  const seq = sql<number>`messages.seq`;
  const below: Condition = sql`${seq} < ${await lastSeq(db, where, before)}`;
  const known: readonly Condition[] = [
    ...asked.conditions(seq),
    ...(head === null
      ? []
      : [sql<boolean>`exists (select 1 from message_hashes where head = ${head} and seq = messages.seq)`]),
  ];
  if (words === "" && asked.pieces.length === 0) return page(db, [below, ...known], seq, limit);
  const said = [...known, ...(words === "" ? [] : [hasWords(words)])];
  return inTwoSteps(db, { below, rows: said, index: indexed(asked, await sample(db)) }, limit);
}

export const postgresSearch: Search = {
  columns: (of: Summary) => ({ words: sql`${vectorOf(wordsOf(of))}::tsvector` }),
  removed: () => Promise.resolve(),
  added: () => Promise.resolve(),
  find,
};
