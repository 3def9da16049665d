/** The catalog in one SQLite file (WAL), for a single machine. */
import { chmodSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, sql } from "kysely";
import { GatewayError } from "../core/errors.ts";
import type { Millis, QueueId } from "../core/message.ts";
import type { Log } from "../observe/log.ts";
import type { Catalog, Query, Summary } from "./catalog.ts";
import { nodeSqlite } from "./node-sqlite.ts";
import { catalogVersion, createTables, fromRow, type Tables } from "./schema.ts";
import { findRows, type Page } from "./sqlite-find.ts";
import { createWordIndex, emptyTables, replaceMessages } from "./sqlite-write.ts";

/** One transaction takes at most so many messages, since SQLite keeps the event loop waiting. */
const groupSize = 64;
const sqliteCorrupt = 11;
const sqliteCannotOpen = 14;
const sqliteNoDatabase = 26;

interface Change {
  /** Null: forget it. */
  readonly summary: Summary | null;
  readonly done: PromiseWithResolvers<void>;
}

export class SqliteCatalog implements Catalog {
  /** Just made, hence to be filled from spool and journal. */
  readonly isNew: boolean;
  readonly #db: Kysely<Tables>;
  readonly #lagMs: Millis;
  #waiting = new Map<QueueId, Change>();
  #writing: Promise<void> | null = null;

  constructor(db: Kysely<Tables>, isNew: boolean, lagMs: Millis) {
    this.#db = db;
    this.isNew = isNew;
    this.#lagMs = lagMs;
  }

  record(summary: Summary): Promise<void> {
    return this.#change(summary.queueId, summary);
  }

  forget(id: QueueId): Promise<void> {
    return this.#change(id, null);
  }

  async get(id: QueueId): Promise<Summary | null> {
    const waiting = this.#waiting.get(id);
    if (waiting) return waiting.summary;
    const row = await this.#db.selectFrom("messages").selectAll().where("queue_id", "=", id).executeTakeFirst();
    return row ? fromRow(row) : null;
  }

  async find(where: Query, page: Page): Promise<readonly Summary[]> {
    return (await findRows(this.#db, where, page)).map(fromRow);
  }

  async counts(): Promise<Readonly<Partial<Record<Summary["state"], number>>>> {
    const rows = await this.#db
      .selectFrom("messages")
      .select(({ fn }) => ["state", fn.countAll<number>().as("count")])
      .groupBy("state")
      .execute();
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  async clear(): Promise<void> {
    await this.#writing;
    await this.#db.transaction().execute(emptyTables);
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#db.destroy();
  }

  /** Of several changes to one message in the same group only the last is written; all who wait learn of it. */
  #change(id: QueueId, summary: Summary | null): Promise<void> {
    const done = this.#waiting.get(id)?.done ?? Promise.withResolvers<void>();
    this.#waiting.delete(id);
    this.#waiting.set(id, { summary, done });
    this.#writing ??= this.#writeAll();
    return done.promise;
  }

  async #writeAll(): Promise<void> {
    do {
      // Lets other changes join the group, and the sockets have their turn between two groups.
      await (this.#waiting.size < groupSize && this.#lagMs > 0 ? sleep(this.#lagMs) : new Promise(setImmediate));
      const group = new Map([...this.#waiting].slice(0, groupSize));
      for (const id of group.keys()) this.#waiting.delete(id);
      try {
        await this.#db.transaction().execute((db) => replaceMessages(db, group));
        for (const { done } of group.values()) done.resolve();
      } catch (error) {
        for (const { done } of group.values()) done.reject(error);
      }
    } while (this.#waiting.size > 0);
    this.#writing = null;
  }
}

/** Null if another version has made it, if it is no database at all, or if it cannot be opened, as when root has made it. */
function openFile(file: string): { readonly database: DatabaseSync; readonly isNew: boolean } | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { timeout: 5_000 });
    chmodSync(file, 0o600);
    // A cache need not survive a power cut: no sync at each commit.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY");
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    const isNew = version === 0 && database.prepare("select 1 from sqlite_schema").get() === undefined;
    if (isNew || version === catalogVersion) return { database, isNew };
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  database?.close();
  return null;
}

const isDamage = (error: unknown): boolean =>
  error instanceof Error &&
  "errcode" in error &&
  [sqliteCorrupt, sqliteCannotOpen, sqliteNoDatabase].includes(Number(error.errcode));

export interface CatalogOptions {
  readonly file: string;
  readonly log: Log;
  /** How long a change may wait for others, to be written with them: a transaction costs as much as many rows. */
  readonly lagMs?: Millis;
}

export async function openCatalog({ file, log, lagMs = 0 }: CatalogOptions): Promise<SqliteCatalog> {
  let opened = openFile(file);
  if (!opened) {
    log.warn("catalog_discarded", { file, remedy: "it is made again from spool and journal" });
    for (const end of ["", "-wal", "-shm"]) rmSync(file + end, { force: true, recursive: true });
    opened = openFile(file);
  }
  if (!opened) throw new GatewayError("DATA_UNWRITABLE", { file });
  const db = new Kysely<Tables>({ dialect: nodeSqlite(opened.database) });
  if (opened.isNew)
    await db.transaction().execute(async (transaction) => {
      await createTables(transaction, sql`without rowid`);
      await createWordIndex(transaction);
      await sql`pragma user_version = ${sql.lit(catalogVersion)}`.execute(transaction);
    });
  return new SqliteCatalog(db, opened.isNew, lagMs);
}
