/** Brings the tables of one part to the version of this program, whichever of several nodes comes first. */
import { type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { GatewayError } from "../core/errors.ts";

/** In the order of their names; what was released is never changed. */
export type Migrations = Readonly<Record<string, Migration["up"]>>;

/** A table that has grown may take long. */
const withoutLimit = (up: Migration["up"]): Migration => ({
  async up(db) {
    await sql`set local statement_timeout = 0`.execute(db);
    await up(db);
  },
});

/** `part` names the tables that keep the account of it. Throws RECORDS_UNREADABLE if a newer version was here. */
export async function migrate<T>(db: Kysely<T>, part: string, migrations: Migrations): Promise<void> {
  const known = Object.fromEntries(Object.entries(migrations).map(([name, up]) => [name, withoutLimit(up)]));
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve(known) },
    migrationTableName: `${part}_migrations`,
    migrationLockTableName: `${part}_migration_lock`,
  }).migrateToLatest();
  if (error === undefined) return;
  if (error instanceof Error && error.message.startsWith("corrupted migrations"))
    throw new GatewayError("RECORDS_UNREADABLE", {
      problem: `the tables of ${part} are of a newer version`,
      remedy: "update Sallyport on this machine too",
    });
  throw error;
}
