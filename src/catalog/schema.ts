/** The tables of the catalog, the same for every database: times and lists are text, sizes integers, no types of one vendor. */
import type { CreateTableBuilder, Kysely, RawBuilder } from "kysely";
import type { QueueId } from "../core/message.ts";
import type { Summary } from "./catalog.ts";

export interface Tables {
  messages: {
    /** Rises with arrival, so that every index has the newest at its end; names the row in the index of words. */
    seq: number;
    queue_id: string;
    state: string;
    arrived_at: string;
    route: string;
    client: string;
    reverse_path: string;
    /** JSON, as are `rules`, `names` and `hashes`. */
    forward_paths: string;
    subject: string;
    size: number;
    sha256: string;
    disposition: string | null;
    summary: string | null;
    severity: string | null;
    rules: string;
    names: string;
    hashes: string;
    reason: string;
  };
  message_rules: { rule: string; seq: number };
  /** The first 48 bits: a quarter of the octets, and the row itself settles the rare doubt. */
  message_hashes: { head: number; seq: number };
}

export type Row = Tables["messages"];

/** Other versions are thrown away: a catalog is made again from spool and journal. */
export const catalogVersion = 1;

const text = <T extends string, C extends string>(
  table: CreateTableBuilder<T, C>,
  columns: readonly string[],
): CreateTableBuilder<T, string> =>
  columns.reduce<CreateTableBuilder<T, string>>(
    (made, column) => made.addColumn(column, "text", (it) => it.notNull()),
    table as CreateTableBuilder<T, string>,
  );

/** `pairsEnd`: what a database wants to hear about tables that are only their own key. */
export async function createTables(db: Kysely<Tables>, pairsEnd: RawBuilder<unknown>): Promise<void> {
  const messages = db.schema
    .createTable("messages")
    .addColumn("seq", "integer", (it) => it.primaryKey())
    .addColumn("queue_id", "text", (it) => it.notNull().unique())
    .addColumn("size", "bigint", (it) => it.notNull())
    .addColumn("disposition", "text")
    .addColumn("summary", "text")
    .addColumn("severity", "text");
  const required = ["state", "arrived_at", "route", "client", "reverse_path", "forward_paths", "subject", "sha256"];
  await text(messages, [...required, "rules", "names", "hashes", "reason"]).execute();
  await db.schema.createIndex("messages_state").on("messages").columns(["state", "seq"]).execute();
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

export const toRow = (of: Summary, seq: number): Row => ({
  seq,
  queue_id: of.queueId,
  state: of.state,
  arrived_at: of.arrivedAt,
  route: of.route,
  client: of.client,
  reverse_path: of.reversePath,
  forward_paths: JSON.stringify(of.forwardPaths),
  subject: of.subject,
  size: of.size,
  sha256: of.sha256,
  disposition: of.disposition,
  summary: of.summary,
  severity: of.severity,
  rules: JSON.stringify(of.rules),
  names: JSON.stringify(of.names),
  hashes: JSON.stringify(of.hashes),
  reason: of.reason,
});

export const texts = (json: string): readonly string[] => JSON.parse(json) as readonly string[];

/** What toRow() has written; the narrow types come back as they went in. */
export const fromRow = (row: Row): Summary => ({
  queueId: row.queue_id as QueueId,
  state: row.state as Summary["state"],
  arrivedAt: row.arrived_at,
  route: row.route,
  client: row.client,
  reversePath: row.reverse_path,
  forwardPaths: texts(row.forward_paths),
  subject: row.subject,
  size: row.size,
  sha256: row.sha256,
  disposition: row.disposition as Summary["disposition"],
  summary: row.summary as Summary["summary"],
  severity: row.severity as Summary["severity"],
  rules: texts(row.rules),
  names: texts(row.names),
  hashes: texts(row.hashes),
  reason: row.reason,
});
