/** The catalog in one SQLite file (WAL), for a single machine. */
import { chmodSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Log } from "../observe/log.ts";
import type { Catalog, Filling } from "./catalog.ts";
import { GroupedCatalog } from "./grouped.ts";
import { nodeSqlite } from "./node-sqlite.ts";
import { createTables, type Tables } from "./schema.ts";
import { createIndexes, holdsPhrases } from "./sqlite-index.ts";
import { sqliteSearch } from "./sqlite-search.ts";

/** SQLite keeps the event loop waiting. */
const groupSize = 64;
const sqliteCorrupt = 11;
const sqliteCannotOpen = 14;
const sqliteNoDatabase = 26;

/** Other versions are thrown away: a catalog is made again from spool and journal. */
const catalogVersion = 2;

/** What the file's header says once all rows are there. */
const filled = 1;

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
    database.function("holds_phrases", { deterministic: true }, holdsPhrases);
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
  readonly lagMs?: Millis;
  /** The name of this machine in lists. */
  readonly node?: string;
}

export async function openCatalog({ file, log, lagMs = 0, node = "" }: CatalogOptions): Promise<Catalog & Filling> {
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
      await createTables(transaction, { seq: "integer", pairsEnd: sql`without rowid`, indexed: ["state"] });
      await createIndexes(transaction);
      await sql`pragma user_version = ${sql.lit(catalogVersion)}`.execute(transaction);
    });
  const { database } = opened;
  const catalog = new GroupedCatalog({ db, search: sqliteSearch, node, lagMs, groupSize });
  const clear = catalog.clear.bind(catalog);
  const mark = (value: number): void => database.exec(`PRAGMA application_id = ${value}`);
  return Object.assign(catalog, {
    isFilled: () => Promise.resolve(database.prepare("PRAGMA application_id").get()?.["application_id"] === filled),
    setFilled: () => Promise.resolve(mark(filled)),
    clear() {
      mark(0);
      return clear();
    },
  });
}
