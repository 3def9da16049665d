/** Of all gateways one at a time adopts a node: a lock in the database that they share, gone with the connection of whoever has it. */
import { type Kysely, sql, type Transaction } from "kysely";
import { GatewayError } from "../core/errors.ts";
import { type DatabaseAddress, guarded, openPostgres } from "../database/postgres.ts";

/** Any number; all nodes ask for the same. The other half of the key is the node's name. */
const lockClass = 5_311_026;

/** Of a transaction, not of a session: so it holds through PgBouncer as well. */
async function take(transaction: Transaction<unknown>, node: string): Promise<boolean> {
  const asked = sql<{ taken: boolean }>`select pg_try_advisory_xact_lock(${lockClass}, hashtext(${node})) as taken`;
  return (await asked.execute(transaction)).rows[0]?.taken === true;
}

/** `work` calls `hold` before each step that two must not do. Throws ADOPTION_RUNS if another gateway is at it, DATABASE_UNAVAILABLE if the lock cannot be had or is lost. */
export async function withAdoptionLock<R>(
  address: DatabaseAddress,
  node: string,
  work: (hold: () => Promise<void>) => Promise<R>,
): Promise<R> {
  const db: Kysely<unknown> = openPostgres(address, { most: 1 });
  try {
    return await guarded(address, () =>
      db.transaction().execute(async (transaction) => {
        if (!(await take(transaction, node))) {
          const remedy = "wait until it has ended; the same command again then takes what is left";
          throw new GatewayError("ADOPTION_RUNS", { node, remedy });
        }
        return work(() => guarded(address, async () => void (await sql`select 1`.execute(transaction))));
      }),
    );
  } finally {
    await db.destroy();
  }
}
