/** Brings the tables of one part to the version of this program, whichever of several nodes comes first. */
import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { GatewayError } from "../core/errors.ts";
import { type DatabaseAddress, guarded, openPostgres, stateOf } from "./postgres.ts";

/** In the order of their names; what was released is never changed. */
export type Migrations = Readonly<Record<string, Migration["up"]>>;

/** Brings the tables up to date before the first use, and again if somebody has taken them away meanwhile. */
export class Prepared {
  readonly #address: DatabaseAddress;
  readonly #part: Part;
  #ready: Promise<void> | null = null;

  constructor(address: DatabaseAddress, part: Part) {
    this.#address = address;
    this.#part = part;
  }

  /** Throws DATABASE_UNAVAILABLE, DATABASE_SLOW. */
  use<R>(work: () => Promise<R>): Promise<R> {
    return guarded(this.#address, async () => {
      this.#ready ??= migrate(this.#address, this.#part);
      const ready = this.#ready;
      try {
        await ready;
        return await work();
      } catch (error) {
        if (this.#ready === ready && (stateOf(error) === missingTable || !(await isDone(ready)))) this.#ready = null;
        throw error;
      }
    });
  }
}

const missingTable = "42P01";
const isDone = (promise: Promise<void>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  );

/** Any number; all nodes ask for the same. */
const lock = 5_311_025;

export interface Part {
  /** Names the tables that keep the account of it. */
  readonly name: string;
  readonly migrations: Migrations;
  /** What depends on how the server is set up, looked at each time. */
  readonly always?: (db: Kysely<unknown>) => Promise<void>;
}

/** On a connection without limits of time, since a table that has grown may take long. Throws RECORDS_UNREADABLE if a newer version was here. */
async function migrate(address: DatabaseAddress, { name, migrations, always }: Part): Promise<void> {
  const db = openPostgres<unknown>(address, { most: 2, statementMs: 0, answerMs: 0 });
  try {
    const known = Object.fromEntries(Object.entries(migrations).map(([key, up]) => [key, { up } as Migration]));
    const { error } = await new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve(known) },
      migrationTableName: `${name}_migrations`,
      migrationLockTableName: `${name}_migration_lock`,
    }).migrateToLatest();
    if (error !== undefined) throw newer(name, error) ?? error;
    if (always)
      await db.transaction().execute(async (transaction) => {
        await sql`select pg_advisory_xact_lock(${lock})`.execute(transaction);
        await always(transaction);
      });
  } finally {
    await db.destroy();
  }
}

const newer = (name: string, error: unknown): GatewayError | null =>
  error instanceof Error && error.message.startsWith("corrupted migrations")
    ? new GatewayError("RECORDS_UNREADABLE", {
        problem: `the tables of ${name} are of a newer version`,
        remedy: "update Sallyport on this machine too",
      })
    : null;
