/** What people decided, in PostgreSQL, for all nodes; kept in memory and as a copy on the disk, so that it holds while the database is away. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { type Kysely, sql } from "kysely";
import { z } from "zod";
import { explain, isGatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { listen, type Listening } from "../database/listen.ts";
import { type Migrations, Prepared } from "../database/migrate.ts";
import { type DatabaseAddress, openPostgres } from "../database/postgres.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { type AccountTables, accountTables } from "./account-tables.ts";
import { emptyHead } from "./audit-log.ts";
import { Book } from "./book.ts";
import { type Picture, pictureOf, type Rows } from "./picture.ts";
import type { ListSnapshot } from "./records.ts";
import { type Tables, tables } from "./tables.ts";

interface PostgresTables extends Tables {
  /** One row; its number rises with every change. */
  records_version: { version: number };
}

const migrations: Migrations = {
  "001 lists": async (db: Kysely<PostgresTables>) => {
    const own = db as unknown as Kysely<Tables>;
    for (const table of tables(own, { type: "bigserial", counts: false })) await table.execute();
    await db.schema
      .createTable("records_version")
      .addColumn("version", "bigint", (it) => it.notNull())
      .execute();
    await db.insertInto("records_version").values({ version: 1 }).execute();
  },
  "002 accounts and audit": async (db: Kysely<AccountTables>) => {
    for (const table of accountTables(db)) await table.execute();
    await db.insertInto("audit_head").values(emptyHead).execute();
  },
};

const channel = "sallyport_records";
/** Where LISTEN is not passed on, as behind PgBouncer, this is how late a change is seen. */
const lookEvery: Millis = 2_000;

const text = z.string();
const copySchema = z.object({
  version: z.number(),
  list: z.array(
    z.object({
      ...{ id: z.number(), kind: text, subject: text, value: text, reason: text, by: text, at: text },
      expires: text.nullable(),
    }),
  ),
  disabledRules: z.array(z.object({ rule: text, by: text, reason: text, at: text })),
  bypass: z.object({ id: z.number(), until: text, by: text, reason: text, routes: text }).nullable(),
});
type Copy = Rows & { readonly version: number };

export interface PostgresRecordsOptions {
  readonly address: DatabaseAddress;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the copy lies. */
  readonly copy: string;
  /** For as long as a process lives; a command looks once. */
  readonly watch: boolean;
}

export class PostgresRecords extends Book {
  readonly #options: PostgresRecordsOptions;
  readonly #db: Kysely<PostgresTables>;
  readonly #prepared: Prepared;
  #held: Copy;
  #picture: Picture | null = null;
  #awaySince: Date | null = null;
  #loading: Promise<void> | null = null;
  #again: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #listening: Listening | null = null;

  private constructor(options: PostgresRecordsOptions, db: Kysely<PostgresTables>) {
    super(options.clock);
    this.#options = options;
    this.#db = db;
    this.#prepared = new Prepared(options.address, { name: "records", migrations });
    this.#held = { version: 0, list: [], disabledRules: [], bypass: null };
  }

  /** Without database and copy nobody knows what is blocked: throws DATABASE_UNAVAILABLE then. */
  static async open(options: PostgresRecordsOptions): Promise<PostgresRecords> {
    const records = new PostgresRecords(options, openPostgres<PostgresTables>(options.address, { most: 2 }));
    try {
      await records.#load();
    } catch (error) {
      const copy = isGatewayError(error, "DATABASE_UNAVAILABLE") ? readCopy(options.copy) : null;
      if (copy === null) {
        await records.close();
        throw error;
      }
      records.#held = copy;
      records.#away(error);
    }
    if (options.watch) records.#watch();
    return records;
  }

  /** Since when the database has not been reached; null while it is. */
  get awaySince(): Date | null {
    return this.#awaySince;
  }

  snapshot(): ListSnapshot {
    if (this.#picture === null || this.clock.now().getTime() >= this.#picture.goodUntil)
      this.#picture = pictureOf(this.#held, this.now());
    return this.#picture.snapshot;
  }

  async close(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#listening?.close();
    await (this.#again ?? this.#loading)?.catch(() => undefined);
    await this.#db.destroy();
  }

  protected read<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R> {
    return this.#prepared.use(() => work(this.#db as unknown as Kysely<Tables>));
  }

  protected write<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R> {
    return this.read(() => this.#db.transaction().execute((db) => work(db as unknown as Kysely<Tables>)));
  }

  protected async change<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R> {
    const made = await this.read(() =>
      this.#db.transaction().execute(async (db) => {
        // First, so that changes come one after the other, and nobody sees a version before what belongs to it.
        await db.updateTable("records_version").set({ version: sql`version + 1` }).execute();
        const result = await work(db as unknown as Kysely<Tables>);
        await sql`notify ${sql.ref(channel)}`.execute(db);
        return result;
      }),
    );
    await this.#load().catch((error: unknown) => this.#away(error));
    return made;
  }

  #watch(): void {
    const look = (): void => void this.#load().catch((error: unknown) => this.#away(error));
    this.#timer = setInterval(look, lookEvery);
    this.#listening = listen(this.#options.address, channel, look);
  }

  #away(error: unknown): void {
    if (this.#awaySince !== null) return;
    this.#awaySince = this.clock.now();
    const remedy = "what was decided before stays in force; sallyport doctor says what is wrong";
    this.#options.log.warn("records_away", { error_cause: explain(error), remedy });
  }

  /** What is under way may have looked before the change that we are to see. */
  #load(): Promise<void> {
    if (this.#loading) {
      const after = (): Promise<void> => {
        this.#again = null;
        return this.#load();
      };
      this.#again ??= this.#loading.then(after, after);
      return this.#again;
    }
    this.#loading = this.read(() => this.#readAll()).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #readAll(): Promise<void> {
    const { version } = await this.#db.selectFrom("records_version").select("version").executeTakeFirstOrThrow();
    if (this.#awaySince !== null) this.#options.log.info("records_back", { since: this.#awaySince.toISOString() });
    this.#awaySince = null;
    if (version === this.#held.version) return;
    const held = await this.#db
      .transaction()
      .setIsolationLevel("repeatable read")
      .execute(async (db) => ({
        version: (await db.selectFrom("records_version").select("version").executeTakeFirstOrThrow()).version,
        list: await db.selectFrom("list").selectAll().orderBy("id").execute(),
        disabledRules: await db.selectFrom("disabled_rules").selectAll().orderBy("rule").execute(),
        bypass: (await db.selectFrom("bypass").selectAll().executeTakeFirst()) ?? null,
      }));
    if (this.#options.watch) this.#keep(held);
    this.#held = held;
    this.#picture = null;
  }

  /** A database that has lost what people decided is still the truth; what was known before is kept for them to look at. */
  #keep(held: Copy): void {
    const { copy, log } = this.#options;
    try {
      if (held.version < this.#held.version) {
        writeFileSync(`${copy}.before`, JSON.stringify(this.#held), { mode: 0o600 });
        log.error("records_older", {
          file: `${copy}.before`,
          remedy: "the database knows less than before: was it restored?",
        });
      }
      writeFileSync(`${copy}.new`, JSON.stringify(held), { mode: 0o600 });
      renameSync(`${copy}.new`, copy);
    } catch (error) {
      log.warn("records_not_kept", { error_cause: explain(error) });
    }
  }
}

function readCopy(file: string): Copy | null {
  try {
    return copySchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null;
  }
}
