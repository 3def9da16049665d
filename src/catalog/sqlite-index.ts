/** Two indexes that only SQLite has: FTS5 over words, and over pieces of three letters; how they are filled and asked. */
import { type Kysely, sql } from "kysely";
import type { Asked } from "./conditions.ts";
import { factsIn, factsOf } from "./facts.ts";
import { rarest, type Share } from "./sample.ts";
import { summaryIn, type Tables } from "./schema.ts";
import { holds, type Phrase, searchedOf, wordsOf } from "./words.ts";
import type { Placed } from "./write.ts";

/** Neither holds a text, only which word is where; two and three first letters of a word are indexed for words that go on. */
export async function createIndexes(db: Kysely<Tables>): Promise<void> {
  await sql`create virtual table message_words using fts5(words, facts, content='', contentless_delete=1,
    prefix='2 3', tokenize='unicode61 remove_diacritics 2')`.execute(db);
  await sql`create virtual table message_pieces using fts5(pieces, content='', contentless_delete=1,
    detail=none, tokenize='trigram')`.execute(db);
}

const quoted = (words: string): string => `"${words.replaceAll('"', " ")}"`;
const phrase = ({ words, goesOn }: Phrase): string => quoted(words) + (goesOn ? "*" : "");

/** What FTS5 is asked; null if there is nothing that it could be asked. */
export function wordMatch({ where }: Asked, phrases: readonly Phrase[]): string | null {
  const all = phrases.length > 0 ? [`words : (${phrases.map(phrase).join(" AND ")})`] : [];
  const known = factsIn(where).map((either) => `facts : (${either.map(quoted).join(" OR ")})`);
  return [...all, ...known].join(" AND ") || null;
}

/** So many threes of a piece are asked for, the rarest; the row itself is asked for the rest. */
const mostThrees = 3;

export function pieceMatch({ pieces }: Asked, share: Share): string | null {
  const threes = pieces
    .filter(({ text }) => [...text].length >= 3)
    .flatMap(({ text }) => rarest(text, 3, share).slice(0, mostThrees));
  return [...new Set(threes)].map((three) => `"${three.replaceAll('"', '""')}"`).join(" AND ") || null;
}

/** What SQL is to know besides. */
export const holdsPhrases = (body: unknown, phrases: unknown): number =>
  Number(holds(summaryIn({ body: String(body) }), JSON.parse(String(phrases)) as readonly Phrase[]));

export async function removeFromIndexes(db: Kysely<Tables>, seqs: readonly number[]): Promise<void> {
  for (const table of ["message_words", "message_pieces"])
    await sql`delete from ${sql.table(table)} where rowid in (${sql.join(seqs)})`.execute(db);
}

export async function addToIndexes(db: Kysely<Tables>, placed: Placed): Promise<void> {
  const words = placed.map(([of, seq]) => sql`(${seq}, ${wordsOf(of)}, ${factsOf(of).join(" ")})`);
  await sql`insert into message_words (rowid, words, facts) values ${sql.join(words)}`.execute(db);
  const pieces = placed.map(([of, seq]) => sql`(${seq}, ${searchedOf(of)})`);
  await sql`insert into message_pieces (rowid, pieces) values ${sql.join(pieces)}`.execute(db);
}
