/** Lists and searches of SQLite: each walks one index from its newest end, and stops when the page is full. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Page, Query } from "./catalog.ts";
import { type Asked, both, columns, type Condition, interpret, lastSeq } from "./conditions.ts";
import type { Found, Tables } from "./schema.ts";
import { addToIndexes, pieceMatch, removeFromIndexes, wordMatch } from "./sqlite-index.ts";
import { sample, type Share, withoutTails } from "./sample.ts";
import type { Search } from "./write.ts";

/** An index that can be walked from its newest end. */
interface Walk {
  readonly table: RawBuilder<unknown>;
  /** The column that names the message. */
  readonly seq: RawBuilder<number>;
  readonly condition: Condition;
  /** What no column holds has been asked for. */
  readonly hasWords: boolean;
}

function walksOf(asked: Asked, share: Share): readonly Walk[] {
  const pieces = pieceMatch(asked, share);
  const { phrases, isCut } = withoutTails(asked.phrases, share);
  const words = wordMatch(asked, phrases);
  const { head } = asked;
  const { rule } = asked.where;
  const walk = (table: string, column: string, condition: Condition, hasWords = false): Walk => ({
    table: sql.table(table),
    seq: sql.ref(`${table}.${column}`),
    condition,
    hasWords,
  });
  return [
    ...(head === null ? [] : [walk("message_hashes", "seq", sql`message_hashes.head = ${head}`)]),
    ...(pieces === null ? [] : [walk("message_pieces", "rowid", sql`message_pieces match ${pieces}`)]),
    ...(rule === undefined ? [] : [walk("message_rules", "seq", sql`message_rules.rule = ${rule}`)]),
    ...(words === null ? [] : [walk("message_words", "rowid", sql`message_words match ${words}`, !isCut)]),
  ];
}

const ownSeq = sql<number>`messages.seq`;

async function rows(db: Kysely<Tables>, query: RawBuilder<unknown>): Promise<readonly Found[]> {
  return (await sql<Found>`select ${columns} from ${query}`.execute(db)).rows;
}

/** `hasWords`: the words have been asked for elsewhere. */
type Conditions = (seq: RawBuilder<number>, hasWords: boolean) => readonly Condition[];

/** A cross join keeps SQLite from walking another index and sorting what it found. */
function along({ table, seq, condition, hasWords }: Walk, conditions: Conditions): RawBuilder<unknown> {
  const all = both([condition, ...conditions(seq, hasWords)]);
  return sql`${table} cross join messages on messages.seq = ${seq} ${all} order by ${seq} desc`;
}

/** So many of the newest are looked at one by one before an index is asked: what is frequent is found among them. */
const nearby = 2_000;
/** What matches fewer messages than this is rare: they are looked at one by one. */
const rare = 1_000;

async function near(db: Kysely<Tables>, conditions: Conditions, end: Condition, limit: number) {
  const edge = sql`coalesce((select seq from messages where ${end} order by seq desc limit 1 offset ${nearby}), 0)`;
  const all = both([sql`messages.seq >= ${edge}`, ...conditions(ownSeq, false)]);
  return rows(db, sql`messages ${all} order by messages.seq desc limit ${limit}`);
}

/** The rarest of what was asked for leads: that whose newest thousand reach furthest back. */
async function led(
  db: Kysely<Tables>,
  walks: readonly Walk[],
  conditions: Conditions,
): Promise<RawBuilder<unknown> | null> {
  let best: { readonly walk: Walk; readonly reach: number } | null = null;
  for (const walk of walks) {
    const { table, seq, condition } = walk;
    if (walks.length === 1) return along(walk, conditions);
    const query = sql<{
      seq: number;
    }>`select ${seq} as seq from ${table} where ${condition} order by ${seq} desc limit ${rare}`;
    const seqs = (await query.execute(db)).rows.map((row) => row.seq);
    const reach = seqs.at(-1) ?? 0;
    if (seqs.length === 0) return null;
    if (seqs.length < rare) {
      const all = both([sql`messages.seq in (${sql.join(seqs)})`, ...conditions(ownSeq, walk.hasWords)]);
      return sql`messages ${all} order by messages.seq desc`;
    }
    if (best === null || reach < best.reach) best = { walk, reach };
  }
  return best && along(best.walk, conditions);
}

const hasFacts = ({ severities, dispositions, routes }: Query): boolean =>
  severities !== undefined || dispositions !== undefined || routes !== undefined;

/** A state alone has an index of its own. */
const isPlain = ({ where, phrases, pieces, head }: Asked): boolean =>
  phrases.length + pieces.length === 0 && head === null && where.rule === undefined && !hasFacts(where);

async function find(db: Kysely<Tables>, where: Query, { before, limit }: Page): Promise<readonly Found[]> {
  const asked = interpret(where);
  if (asked === null) return [];
  const { phrases } = asked;
  const last = await lastSeq(db, where, before);
  const conditions: Conditions = (seq, hasWords) => [
    sql`${seq} < ${last}`,
    ...asked.conditions(seq),
    ...(hasWords || phrases.length === 0
      ? []
      : [sql<boolean>`holds_phrases(messages.body, ${JSON.stringify(phrases)})`]),
  ];
  if (isPlain(asked))
    return rows(db, sql`messages ${both(conditions(ownSeq, true))} order by messages.seq desc limit ${limit}`);
  const share = await sample(db);
  if (phrases.length === 0 || withoutTails(phrases, share).isCut) {
    const found = await near(db, conditions, sql`seq < ${last}`, limit);
    if (found.length === limit) return found;
  }
  const walks = walksOf(asked, share);
  const query =
    walks.length === 0
      ? sql`messages ${both(conditions(ownSeq, false))} order by messages.seq desc`
      : await led(db, walks, conditions);
  return query === null ? [] : rows(db, sql`${query} limit ${limit}`);
}

export const sqliteSearch: Search = {
  columns: () => ({}),
  removed: removeFromIndexes,
  added: addToIndexes,
  async empty(db) {
    for (const table of ["message_rules", "message_hashes", "messages", "message_words", "message_pieces"])
      await sql`delete from ${sql.table(table)}`.execute(db);
  },
  find,
};
