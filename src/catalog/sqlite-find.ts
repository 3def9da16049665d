/** Lists and searches of SQLite: each walks one index from its newest end, and stops when the page is full. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { QueueId } from "../core/message.ts";
import { arrivalOf } from "../core/queue-id.ts";
import type { Query } from "./catalog.ts";
import { headOf, placeOf, type Row, type Tables } from "./schema.ts";
import { matchOf } from "./words.ts";

export interface Page {
  readonly before?: QueueId;
  readonly limit: number;
}

/** `arrivedAt` may differ from the time in the id by what a transaction takes. */
const slackMs = 86_400_000;

interface Walk {
  readonly from: RawBuilder<unknown>;
  /** The column that names the message in the index that is walked. */
  readonly seq: RawBuilder<number>;
  readonly conditions: readonly RawBuilder<boolean>[];
}

const stateIn = (states: readonly string[]): RawBuilder<boolean> => sql`messages.state in (${sql.join(states)})`;

/** `like` finds the hash in the JSON of the row; it has no letter that means something to it. */
function holds(sha256: string): RawBuilder<boolean> {
  const head = headOf(sha256);
  if (head === null) return sql`false`;
  return sql`messages.seq in (select seq from message_hashes where head = ${head})
    and (messages.sha256 = ${sha256} or messages.hashes like ${`%"${sha256}"%`})`;
}

/** The index to walk. A cross join keeps SQLite from walking another one and sorting what it found. */
function walkOf({ text, rule, sha256, states }: Query): Walk | null {
  const byHash = sha256 === undefined ? [] : [holds(sha256.toLowerCase())];
  const byState = states ? [stateIn(states)] : [];
  if (text?.trim()) {
    const match = matchOf(text, states);
    if (match === null) return null;
    const byRule = sql<boolean>`messages.seq in (select seq from message_rules where rule = ${rule})`;
    return {
      from: sql`message_words cross join messages on messages.seq = message_words.rowid`,
      seq: sql`message_words.rowid`,
      conditions: [sql`message_words match ${match}`, ...(rule === undefined ? [] : [byRule]), ...byHash],
    };
  }
  if (rule !== undefined)
    return {
      from: sql`message_rules cross join messages on messages.seq = message_rules.seq`,
      seq: sql`message_rules.seq`,
      conditions: [sql`message_rules.rule = ${rule}`, ...byState, ...byHash],
    };
  return { from: sql`messages`, seq: sql`messages.seq`, conditions: [...byState, ...byHash] };
}

export async function findRows(db: Kysely<Tables>, where: Query, { before, limit }: Page): Promise<readonly Row[]> {
  const walk = walkOf(where);
  if (walk === null || where.states?.length === 0) return [];
  const { from, seq } = walk;
  const conditions = [...walk.conditions];
  if (where.since !== undefined) {
    // The first ends the walk, the second is exact.
    conditions.push(sql`${seq} >= ${placeOf(Date.parse(where.since) - slackMs)}`);
    conditions.push(sql`messages.arrived_at >= ${where.since}`);
  }
  if (before !== undefined) {
    const place = await db.selectFrom("messages").select("seq").where("queue_id", "=", before).executeTakeFirst();
    conditions.push(sql`${seq} < ${place?.seq ?? placeOf(arrivalOf(before))}`);
  }
  const all = conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;
  const query = sql<Row>`select messages.* from ${from} ${all} order by ${seq} desc limit ${limit}`;
  return (await query.execute(db)).rows;
}
