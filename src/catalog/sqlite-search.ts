/** Lists and searches of SQLite, with two indexes of its own: FTS5 over words, and over pieces of three letters. */
import { hash } from "node:crypto";
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Page, Query, Summary } from "./catalog.ts";
import { type Asked, both, columns, type Condition, interpret, placeBefore } from "./conditions.ts";
import type { Found, Tables } from "./schema.ts";
import { type Phrase, searchedOf, wordsOf } from "./words.ts";
import type { Search } from "./write.ts";

/** Neither holds a text, only which word is where; two and three first letters of a word are indexed for words that go on. */
export async function createIndexes(db: Kysely<Tables>): Promise<void> {
  await sql`create virtual table message_words using fts5(words, facts, content='', contentless_delete=1,
    prefix='2 3', tokenize='unicode61 remove_diacritics 2')`.execute(db);
  await sql`create virtual table message_pieces using fts5(pieces, content='', contentless_delete=1,
    detail=none, tokenize='trigram')`.execute(db);
}

const quoted = (words: string): string => `"${words.replaceAll('"', " ")}"`;
const phrase = ({ words, goesOn }: Phrase): string => quoted(words) + (goesOn ? "*" : "");

/** Words that stand for what a column says, so that the index of words can answer for all of it at once. */
const stateFact = (state: string): string => `s${state}`;
const severityFact = (severity: string): string => `v${severity}`;
const dispositionFact = (disposition: string): string => `d${disposition}`;
const routeFact = (route: string): string => `r${hash("sha256", route, "hex").slice(0, 12)}`;

const factsOf = ({ state, severity, disposition, route }: Summary): string =>
  [stateFact(state), severityFact(severity ?? ""), dispositionFact(disposition ?? ""), routeFact(route)].join(" ");

/** What FTS5 is asked; null if there is nothing that it could be asked. */
function wordMatch({ where, phrases }: Asked): string | null {
  const all = phrases.length > 0 ? [`words : (${phrases.map(phrase).join(" AND ")})`] : [];
  const either = (list: readonly string[] | undefined): readonly string[] =>
    list ? [`facts : (${list.map(quoted).join(" OR ")})`] : [];
  const known = [
    ...either(where.states?.map(stateFact)),
    ...either(where.severities?.map(severityFact)),
    ...either(where.dispositions?.map(dispositionFact)),
    ...either(where.route === undefined ? undefined : [routeFact(where.route)]),
  ];
  return [...all, ...known].join(" AND ") || null;
}

/** Without positions the index knows threes of letters only; the row itself is asked for the rest. */
function pieceMatch({ pieces }: Asked): string | null {
  const threes = pieces.flatMap(({ text }) => {
    const letters = [...text];
    return letters.slice(2).map((letter, i) => `${letters[i]}${letters[i + 1]}${letter}`);
  });
  return [...new Set(threes)].map((three) => `"${three.replaceAll('"', '""')}"`).join(" AND ") || null;
}

/** An index that can be walked from its newest end. */
interface Walk {
  readonly table: RawBuilder<unknown>;
  /** The column that names the message. */
  readonly seq: RawBuilder<number>;
  readonly condition: Condition;
}

function walksOf(asked: Asked, words: string | null): readonly Walk[] {
  const pieces = pieceMatch(asked);
  const { head } = asked;
  const { rule } = asked.where;
  const walk = (table: string, column: string, condition: Condition): Walk => ({
    table: sql.table(table),
    seq: sql.ref(`${table}.${column}`),
    condition,
  });
  return [
    ...(head === null ? [] : [walk("message_hashes", "seq", sql`message_hashes.head = ${head}`)]),
    ...(pieces === null ? [] : [walk("message_pieces", "rowid", sql`message_pieces match ${pieces}`)]),
    ...(rule === undefined ? [] : [walk("message_rules", "seq", sql`message_rules.rule = ${rule}`)]),
    ...(words === null ? [] : [walk("message_words", "rowid", sql`message_words match ${words}`)]),
  ];
}

/** What matches fewer messages than this is rare: they are looked at one by one. */
const rare = 1_000;

async function seqsOf(db: Kysely<Tables>, { table, seq, condition }: Walk): Promise<readonly number[]> {
  const query = sql<{ seq: number }>`select ${seq} as seq from ${table} where ${condition} limit ${rare}`;
  return (await query.execute(db)).rows.map((row) => row.seq);
}

const ownSeq = sql<number>`messages.seq`;

async function rows(db: Kysely<Tables>, query: RawBuilder<unknown>): Promise<readonly Found[]> {
  return (await sql<Found>`select ${columns} from ${query}`.execute(db)).rows;
}

type Conditions = (seq: RawBuilder<number>) => readonly Condition[];

/** A cross join keeps SQLite from walking another index and sorting what it found. */
function along({ table, seq, condition }: Walk, conditions: Conditions): RawBuilder<unknown> {
  const all = both([condition, ...conditions(seq)]);
  return sql`${table} cross join messages on messages.seq = ${seq} ${all} order by ${seq} desc`;
}

/** The few that some index has named; `words` is what no column holds. */
function among(seqs: readonly number[], conditions: Conditions, words: string | null): RawBuilder<unknown> {
  const known =
    words === null
      ? sql``
      : sql`cross join message_words on message_words.rowid = messages.seq and message_words match ${words}`;
  const all = both([sql`messages.seq in (${sql.join(seqs)})`, ...conditions(ownSeq)]);
  return sql`messages ${known} ${all} order by messages.seq desc`;
}

/** The rarest of what was asked for leads; null if there is nothing to be found. */
async function plan(db: Kysely<Tables>, asked: Asked, conditions: Conditions): Promise<RawBuilder<unknown> | null> {
  const words = wordMatch(asked);
  const walks = walksOf(asked, words);
  const last = walks.at(-1);
  // Of a state alone the table's own index says more, and costs less.
  if (last === undefined || (walks.length === 1 && isStateOnly(asked)))
    return sql`messages ${both(conditions(ownSeq))} order by messages.seq desc`;
  for (const walk of walks.slice(0, -1)) {
    const seqs = await seqsOf(db, walk);
    if (seqs.length === 0) return null;
    if (seqs.length < rare) return among(seqs, conditions, asked.needsIndex ? words : null);
  }
  return along(last, conditions);
}

const isStateOnly = ({ where, phrases, pieces }: Asked): boolean =>
  where.states !== undefined &&
  phrases.length + pieces.length === 0 &&
  !where.severities &&
  !where.dispositions &&
  where.route === undefined;

async function find(db: Kysely<Tables>, where: Query, { before, limit }: Page): Promise<readonly Found[]> {
  const asked = interpret(where);
  if (asked === null) return [];
  const end = before === undefined ? null : await placeBefore(db, before);
  const conditions: Conditions = (seq) => [
    ...asked.conditions(seq),
    ...(end === null ? [] : [sql<boolean>`${seq} < ${end}`]),
  ];
  const query = await plan(db, asked, conditions);
  return query === null ? [] : rows(db, sql`${query} limit ${limit}`);
}

export const sqliteSearch: Search = {
  columns: () => ({}),
  async removed(db, seqs) {
    for (const table of ["message_words", "message_pieces"])
      await sql`delete from ${sql.table(table)} where rowid in (${sql.join(seqs)})`.execute(db);
  },
  async added(db, placed) {
    const words = placed.map(([of, seq]) => sql`(${seq}, ${wordsOf(of)}, ${factsOf(of)})`);
    await sql`insert into message_words (rowid, words, facts) values ${sql.join(words)}`.execute(db);
    const pieces = placed.map(([of, seq]) => sql`(${seq}, ${searchedOf(of)})`);
    await sql`insert into message_pieces (rowid, pieces) values ${sql.join(pieces)}`.execute(db);
  },
  async empty(db) {
    for (const table of ["message_rules", "message_hashes", "messages", "message_words", "message_pieces"])
      await sql`delete from ${sql.table(table)}`.execute(db);
  },
  find,
};
