/** The tables of the catalog, the same for every database: times and lists are text, sizes integers, no types of one vendor. */
import type { CreateTableBuilder, Generated, Kysely, Selectable } from "kysely";
import type { QueueId } from "../core/message.ts";
import type { Summary } from "./catalog.ts";

export interface Tables {
  messages: {
    /** Names the row in the index of words; says nothing of order. */
    seq: Generated<number>;
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
  message_rules: { rule: string; queue_id: string };
  message_hashes: { sha256: string; queue_id: string };
}

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

export async function createTables(db: Kysely<Tables>): Promise<void> {
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
  await db.schema.createIndex("messages_state").on("messages").columns(["state", "queue_id"]).execute();
  await text(db.schema.createTable("message_rules"), ["rule", "queue_id"])
    .addPrimaryKeyConstraint("message_rules_key", ["rule", "queue_id"])
    .execute();
  await text(db.schema.createTable("message_hashes"), ["sha256", "queue_id"])
    .addPrimaryKeyConstraint("message_hashes_key", ["sha256", "queue_id"])
    .execute();
  for (const table of ["message_rules", "message_hashes"] as const)
    await db.schema.createIndex(`${table}_message`).on(table).column("queue_id").execute();
}

export const toRow = (of: Summary): Omit<Selectable<Tables["messages"]>, "seq"> => ({
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

const texts = (json: string): readonly string[] => JSON.parse(json) as readonly string[];

/** What toRow() has written; the narrow types come back as they went in. */
export const fromRow = (row: Selectable<Tables["messages"]>): Summary => ({
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
