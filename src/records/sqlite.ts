/** What people decided, in one SQLite file, synced at each change. */
import { chmodSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { type Compilable, Kysely } from "kysely";
import { nodeSqlite } from "../catalog/node-sqlite.ts";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import { type AccountTables, accountTables } from "./account-tables.ts";
import { emptyHead } from "./audit-log.ts";
import { Book } from "./book.ts";
import { type Picture, pictureOf, type Rows } from "./picture.ts";
import type { ListSnapshot } from "./records.ts";
import type { AllTables } from "./store.ts";
import { type Tables, tables } from "./tables.ts";

/** What each version added, in order; what was released is never changed. */
const steps: readonly ((db: Kysely<Tables>) => readonly Compilable[])[] = [
  (db) => tables(db, { type: "integer", counts: true }),
  (db) => {
    const own = db as unknown as Kysely<AllTables>;
    return [...accountTables(own as unknown as Kysely<AccountTables>), own.insertInto("audit_head").values(emptyHead)];
  },
];
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

  protected write<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R> {
    return this.#db.transaction().execute(work);
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
    if (found > steps.length)
      throw new GatewayError("RECORDS_UNREADABLE", {
        file,
        found,
        known: steps.length,
        remedy: "start the version of Sallyport that wrote this file",
      });
    for (const step of steps.slice(found))
      for (const made of step(kysely)) {
        const { sql, parameters } = made.compile();
        database.prepare(sql).run(...(parameters as readonly SQLInputValue[]));
      }
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isOpen) database.close();
    if (error instanceof GatewayError) throw error;
    const remedy = "look at its owner and mode; if it is damaged, restore it from a backup";
    throw new GatewayError("RECORDS_UNREADABLE", { file, remedy }, error);
  }
  return new SqliteRecords(database, kysely, clock);
}
