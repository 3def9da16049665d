/** What people decided, in one SQLite file, synced at each change. */
import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import { nodeSqlite } from "../catalog/node-sqlite.ts";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import { Book } from "./book.ts";
import { type Picture, pictureOf, type Rows } from "./picture.ts";
import type { ListSnapshot } from "./records.ts";
import { type Tables, tables } from "./tables.ts";

const version = 1;
/** How long another process's change may stay unseen. */
const lookEvery: Millis = 100;

export class SqliteRecords extends Book {
  readonly #database: DatabaseSync;
  readonly #db: Kysely<Tables>;
  #picture: Picture | null = null;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #seen: unknown = null;

  constructor(database: DatabaseSync, db: Kysely<Tables>, clock: Clock) {
    super(clock);
    this.#database = database;
    this.#db = db;
  }

  snapshot(): ListSnapshot {
    const isOld = this.#wasChangedByOthers();
    const now = this.clock.now().getTime();
    if (this.#picture === null || isOld || now >= this.#picture.goodUntil)
      this.#picture = pictureOf(this.#rows(), this.now());
    return this.#picture.snapshot;
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) await this.#db.destroy();
  }

  protected read<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R> {
    return work(this.#db);
  }

  protected async change<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R> {
    const made = await this.#db.transaction().execute(work);
    this.#picture = null;
    return made;
  }

  /** `data_version` changes when another connection has written (sqlite.org/pragma.html). */
  #wasChangedByOthers(): boolean {
    const now = this.clock.monotonic();
    if (now - this.#lookedAt < lookEvery) return false;
    this.#lookedAt = now;
    const seen = this.#database.prepare("PRAGMA data_version").get()?.["data_version"];
    const isOther = seen !== this.#seen;
    this.#seen = seen;
    return isOther;
  }

  /** At once, for whoever asks is in the middle of a decision. */
  #rows(): Rows {
    const all = (query: string) => this.#database.prepare(query).all() as unknown;
    const [bypass] = all("SELECT * FROM bypass") as Tables["bypass"][];
    return {
      list: all("SELECT * FROM list ORDER BY id") as Rows["list"],
      disabledRules: all("SELECT * FROM disabled_rules ORDER BY rule") as Rows["disabledRules"],
      bypass: bypass ?? null,
    };
  }
}

/** Throws RECORDS_UNREADABLE: this is no cache, so nothing is thrown away here. */
export function openRecords({ file, clock }: { readonly file: string; readonly clock: Clock }): SqliteRecords {
  const database = new DatabaseSync(file, { timeout: 5_000, open: false });
  const kysely = new Kysely<Tables>({ dialect: nodeSqlite(database) });
  try {
    database.open();
    chmodSync(file, 0o600);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec("BEGIN IMMEDIATE");
    const found = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (found > version)
      throw new GatewayError("RECORDS_UNREADABLE", {
        file,
        found,
        known: version,
        remedy: "start the version of Sallyport that wrote this file",
      });
    if (found === 0) {
      for (const table of tables(kysely, { type: "integer", counts: true })) database.exec(table.compile().sql);
      database.exec(`PRAGMA user_version = ${version}`);
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.isOpen) database.close();
    if (error instanceof GatewayError) throw error;
    const remedy = "look at its owner and mode; if it is damaged, restore it from a backup";
    throw new GatewayError("RECORDS_UNREADABLE", { file, remedy }, error);
  }
  return new SqliteRecords(database, kysely, clock);
}
