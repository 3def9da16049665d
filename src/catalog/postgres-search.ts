/** Lists and searches of PostgreSQL: words in a tsvector, pieces by pg_trgm where it is installed. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Page, Query, Summary } from "./catalog.ts";
import { type Asked, both, columns, type Condition, interpret, lastSeq } from "./conditions.ts";
import { factsIn, factsOf } from "./facts.ts";
import { rarest, sample, type Share, withoutTails } from "./sample.ts";
import type { Found, Tables } from "./schema.ts";
import { containing, lexemes, type Phrase, wordsOf } from "./words.ts";
import type { Search } from "./write.ts";

/** The highest position in a tsvector. */
const lastPosition = 16_383;

/** No word of a text begins so. */
const factMark = "=";

/** Letters and digits only: nothing in it needs quotes. */
const vectorOf = (of: Summary): string =>
  [
    ...lexemes(wordsOf(of)).map((lexeme, i) => `'${lexeme}':${Math.min(i + 1, lastPosition)}`),
    ...factsOf(of).map((fact) => `'${factMark}${fact}'`),
  ].join(" ");

const factQuery = (where: Query): string =>
  factsIn(where)
    .map((either) => ` & (${either.map((fact) => `'${factMark}${fact}'`).join(" | ")})`)
    .join("");

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

const rows = async <R>(db: Kysely<unknown> | Kysely<Tables>, query: RawBuilder<unknown>): Promise<readonly R[]> =>
  (await sql<R>`${query}`.execute(db as Kysely<unknown>)).rows;

const page = (db: Kysely<Tables>, all: readonly Condition[], order: RawBuilder<unknown>, limit: number) =>
  rows<Found>(db, sql`select ${columns} from messages ${both(all)} order by ${order} desc limit ${limit}`);

/** Runs of letters that an index of threes is asked for. */
const runLength = 6;
const mostRuns = 2;
/** Above that share of all messages the rows are asked, not the index: it would gather them all first. */
const fewEnough = 0.02;
/** Below it the newest need not be looked at: too few of them match. */
const oftenEnough = 0.01;
/** Looked at one by one, at most. */
const mostNear = 10_000;

interface Plan {
  /** So many of the newest are likely to fill the page; 0 if too many would be needed. */
  readonly near: number;
  /** What the indexes are asked: what is rare, or else the rarest; the rows are asked for the rest. */
  readonly index: readonly Condition[];
  /** The index is asked for all words, so the rows need not be. */
  readonly hasWords: boolean;
}

function plan({ where, phrases, pieces }: Asked, share: Share, limit: number): Plan {
  const cut = withoutTails(phrases, share);
  const asked = queryOf(cut.phrases);
  const query = asked && asked + factQuery(where);
  const seenOf = ({ words }: Phrase): number => Math.min(...lexemes(words).map(share));
  // All in one: what is rare among them spares the rest.
  const words = query
    ? [{ seen: Math.min(...cut.phrases.map(seenOf)), condition: sql<boolean>`messages.words @@ ${query}::tsquery` }]
    : [];
  const runs = pieces
    .filter(({ text }) => [...text].length >= 3)
    .flatMap(({ text }) => rarest(text, runLength, share).slice(0, mostRuns))
    .map((run) => {
      const condition = sql<boolean>`messages.searched like ${containing(run)} escape '!'`;
      return { seen: share(run), condition };
    });
  const all = [...words, ...runs];
  const least = Math.min(...all.map((one) => one.seen));
  const chosen = all.filter((one) => one.seen <= Math.max(fewEnough, least));
  const expected = [...phrases.map(seenOf), ...pieces.map(({ text }) => share(text))].reduce((a, b) => a * b, 1);
  return {
    near: expected < oftenEnough ? 0 : Math.min(mostNear, Math.ceil((1.5 * limit) / expected)),
    index: chosen.map(({ condition }) => condition),
    hasWords: !cut.isCut && words.every((one) => chosen.includes(one)),
  };
}

/** Concatenated, so that no index is asked for it. */
const hasWords = (words: string): readonly Condition[] =>
  words === "" ? [] : [sql`(messages.words || ''::tsvector) @@ ${words}::tsquery`];

/** Of the newest, if they fill the page; null if an index must be asked. */
async function near(db: Kysely<Tables>, all: readonly Condition[], below: Condition, count: number, limit: number) {
  if (count === 0) return null;
  const [edge] = await rows<{ seq: number }>(
    db,
    sql`select seq from messages where ${below} order by seq desc offset ${count} limit 1`,
  );
  const from = edge?.seq ?? 0;
  const found = await page(db, [...all, sql`messages.seq >= ${from}`], sql`messages.seq`, limit);
  return found.length === limit || from === 0 ? found : null;
}

/**
 * The planner cannot know how often a beginning of a word occurs, and takes the wrong one of two ways: through the newest until
 * the page is full, which is right for what is frequent, or everything that matches, to be sorted, which is right for what is rare.
 */
async function find(db: Kysely<Tables>, where: Query, { before, limit }: Page): Promise<readonly Found[]> {
  const asked = interpret(where);
  const words = asked && queryOf(asked.phrases);
  if (asked === null || words === null) return [];
  const { head } = asked;
  const seq = sql<number>`messages.seq`;
  const below: Condition = sql`${seq} < ${await lastSeq(db, where, before)}`;
  const known: readonly Condition[] = [
    below,
    ...asked.conditions(seq),
    ...(head === null
      ? []
      : [sql<boolean>`exists (select 1 from message_hashes where head = ${head} and seq = messages.seq)`]),
  ];
  if (words === "" && asked.pieces.length === 0) return page(db, known, seq, limit);
  const planned = plan(asked, await sample(db), limit);
  const found = await near(db, [...known, ...hasWords(words)], below, planned.near, limit);
  if (found) return found;
  const all = [...known, ...planned.index, ...(planned.hasWords ? [] : hasWords(words))];
  return page(db, all, sql`messages.seq + 0`, limit);
}

export const postgresSearch: Search = {
  columns: (of: Summary) => ({ words: sql`${vectorOf(of)}::tsvector` }),
  removed: () => Promise.resolve(),
  added: () => Promise.resolve(),
  find,
};
