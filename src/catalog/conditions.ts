/** What a query asks of a row, in words that every database understands. */
import { type Kysely, type RawBuilder, sql } from "kysely";
import type { QueueId } from "../core/message.ts";
import { arrivalOf } from "../core/queue-id.ts";
import type { Query } from "./catalog.ts";
import { firstPlace, foundColumns, headOf, lastPlace, placeOf, type Tables } from "./schema.ts";
import { beginnings, type Phrase, phrasesOf, type Piece, piecesOf } from "./words.ts";

export type Condition = RawBuilder<boolean>;

export const both = (conditions: readonly Condition[]): RawBuilder<unknown> =>
  conditions.length > 0 ? sql`where ${sql.join(conditions, sql` and `)}` : sql``;

const among = (column: string, list: readonly string[] | undefined): readonly Condition[] =>
  list ? [sql`${sql.ref(`messages.${column}`)} in (${sql.join(list)})`] : [];

/** A query as both databases see it. */
export interface Asked {
  readonly where: Query;
  /** For the index of words: those of `text`, and beginnings of short pieces. */
  readonly phrases: readonly Phrase[];
  readonly pieces: readonly Piece[];
  readonly head: number | null;
  /** Of the row; walks go along `seq`. */
  conditions(seq: RawBuilder<number>): readonly Condition[];
}

/** No text in PostgreSQL holds a NUL, so none is found with one. */
const withoutNul = (text: string): string => text.replaceAll("\0", "\ufffd");

function* facts({ since, until, routes, ...where }: Query, seq: RawBuilder<number>): Generator<Condition> {
  // The first ends a walk, the second is exact.
  if (since !== undefined) yield sql`${seq} >= ${firstPlace(since)} and messages.arrived_at >= ${since}`;
  if (until !== undefined) yield sql`${seq} <= ${lastPlace(until)} and messages.arrived_at <= ${until}`;
  yield* among("route", routes?.map(withoutNul));
  yield* among("state", where.states);
  yield* among("severity", where.severities);
  yield* among("disposition", where.dispositions);
  yield* among("node", where.nodes);
}

/** Of the row: whoever has an index of pieces asks it for the rarest ones first. */
const hasPiece = ({ pattern }: Piece): Condition => sql`(messages.searched || '') like ${pattern} escape '!'`;

const hasRule = (rule: string): Condition =>
  sql`exists (select 1 from message_rules where rule = ${withoutNul(rule)} and seq = messages.seq)`;

/** `like` finds the hash in the JSON of the row; it has no letter that means something to it. */
const hasHash = (sha256: string): Condition => sql`messages.body like ${`%"${sha256}"%`}`;

/** Null if nothing can be found. */
export function interpret(where: Query): Asked | null {
  const { text, rule } = where;
  const sha256 = where.sha256?.toLowerCase();
  const head = sha256 === undefined ? null : headOf(sha256);
  const words = phrasesOf(text);
  if (words?.length === 0 || (sha256 !== undefined && head === null)) return null;
  const pieces = piecesOf(where);
  return {
    where,
    phrases: [...(words ?? []), ...beginnings(pieces)],
    pieces,
    head,
    conditions: (seq) => [
      ...facts(where, seq),
      ...pieces.map(hasPiece),
      ...(rule === undefined ? [] : [hasRule(rule)]),
      ...(sha256 === undefined ? [] : [hasHash(sha256)]),
    ],
  };
}

/** Below it lies what is asked for: where the page before has ended, or the time that was named. */
export async function lastSeq(db: Kysely<Tables>, { until }: Query, before: QueueId | undefined): Promise<number> {
  const end = until === undefined ? Number.MAX_SAFE_INTEGER : lastPlace(until);
  if (before === undefined) return end;
  const place = await db.selectFrom("messages").select("seq").where("queue_id", "=", before).executeTakeFirst();
  return Math.min(end, place?.seq ?? placeOf(arrivalOf(before)));
}

export const columns = sql.join(foundColumns.map((column) => sql.ref(`messages.${column}`)));
