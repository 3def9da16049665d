/** The tables of the catalog, the same for every database: what lists are filtered by has a column, the rest is one JSON text. */
import type { ColumnDataType, Kysely, RawBuilder } from "kysely";
import type { QueueId } from "../core/message.ts";
import type { Listed, Summary } from "./catalog.ts";
import { searchedOf } from "./words.ts";

export interface Tables {
  messages: {
    /** Rises with arrival, so that every index has the newest at its end; names the row in the indexes of words. */
    seq: number;
    queue_id: string;
    node: string;
    state: string;
    arrived_at: string;
    route: string;
    severity: string | null;
    disposition: string | null;
    /** Sender, recipients, subject and names, folded, for pieces of them. */
    searched: string;
    /** The summary as JSON, which holds any text, a NUL too. */
    body: string;
  };
  message_rules: { rule: string; seq: number };
  /** The first 48 bits: a quarter of the octets, and the row itself settles the rare doubt. */
  message_hashes: { head: number; seq: number };
}

export type Row = Tables["messages"];
export type Found = Pick<Row, "seq" | "queue_id" | "node" | "body">;
export const foundColumns = ["seq", "queue_id", "node", "body"] as const;

export interface Vendor {
  /** SQLite makes a row number of nothing but this word; elsewhere it is too short. */
  readonly seq: ColumnDataType;
  /** What a database wants to hear about tables that are only their own key. */
  readonly pairsEnd: RawBuilder<unknown>;
  /** Columns to walk by. */
  readonly indexed: readonly ("state" | "node" | "route" | "severity" | "disposition")[];
}

export async function createTables(db: Kysely<Tables>, { seq, pairsEnd, indexed }: Vendor): Promise<void> {
  let messages = db.schema
    .createTable("messages")
    .addColumn("seq", seq, (it) => it.primaryKey())
    .addColumn("queue_id", "text", (it) => it.notNull().unique())
    .addColumn("severity", "text")
    .addColumn("disposition", "text");
  for (const column of ["node", "state", "arrived_at", "route", "searched", "body"] as const)
    messages = messages.addColumn(column, "text", (it) => it.notNull());
  await messages.execute();
  for (const column of indexed)
    await db.schema.createIndex(`messages_${column}`).on("messages").columns([column, "seq"]).execute();
  for (const [table, column, type] of [
    ["message_rules", "rule", "text"],
    ["message_hashes", "head", "bigint"],
  ] as const)
    await db.schema
      .createTable(table)
      .addColumn(column, type, (it) => it.notNull())
      .addColumn("seq", "bigint", (it) => it.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, [column, "seq"])
      .modifyEnd(pairsEnd)
      .execute();
}

const sha256Shape = /^[0-9a-f]{64}$/;

/** What a hash is found by; null if it is none. */
export const headOf = (sha256: string): number | null =>
  sha256Shape.test(sha256) ? Number.parseInt(sha256.slice(0, 12), 16) : null;

const perMilli = 1_024;

/** Where a message belongs in the order of arrival; those of the same millisecond take the next free places. Exact until the year 2248. */
export const placeOf = (arrival: number): number => Math.max(0, Math.floor(arrival)) * perMilli;

/** `arrivedAt` may differ from the time in the id by what a transaction takes. */
const slackMs = 86_400_000;
/** Where a walk from or to that time may end; the column is exact. */
export const firstPlace = (since: string): number => placeOf(Date.parse(since) - slackMs);
export const lastPlace = (until: string): number => placeOf(Date.parse(until) + slackMs);

export const toRow = (of: Summary, node: string, seq: number): Row => ({
  seq,
  queue_id: of.queueId,
  node,
  state: of.state,
  arrived_at: of.arrivedAt,
  route: of.route,
  severity: of.severity,
  disposition: of.disposition,
  searched: searchedOf(of),
  body: JSON.stringify(of),
});

/** What toRow() has written; the narrow types come back as they went in. */
export const summaryIn = ({ body }: Pick<Row, "body">): Summary => JSON.parse(body) as Summary;
export const fromRow = (row: Pick<Row, "body" | "node">): Listed => ({ ...summaryIn(row), node: row.node });
export const idOf = (row: Pick<Row, "queue_id">): QueueId => row.queue_id as QueueId;
