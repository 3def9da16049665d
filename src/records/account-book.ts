/** Accounts over a database. */
import { randomUUID } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import { GatewayError } from "../core/errors.ts";
import type { Account, AccountChange, Accounts, Credentials, NewAccount } from "./accounts.ts";
import { toAccount } from "./account-rows.ts";
import { SessionBook } from "./session-book.ts";
import type { AllTables } from "./store.ts";

type Row = Selectable<AllTables["accounts"]>;

const toCredentials = (row: Row): Credentials => ({
  account: toAccount(row),
  password: row.password,
  totp: row.totp,
  totpStep: row.totp_step,
  failures: row.failures,
});

export const plainName = (name: string): string => name.normalize("NFC").toLowerCase();

function rowOf(change: AccountChange): Partial<Row> {
  const { role, routes, disabled, password, totp, totpStep, failures, lockedUntil } = change;
  return {
    ...(role === undefined ? {} : { role }),
    ...(routes === undefined ? {} : { routes: JSON.stringify(routes) }),
    ...(disabled === undefined ? {} : { disabled: disabled ? 1 : 0 }),
    ...(password === undefined ? {} : { password }),
    ...(totp === undefined ? {} : { totp }),
    ...(totpStep === undefined ? {} : { totp_step: totpStep }),
    ...(failures === undefined ? {} : { failures }),
    ...(lockedUntil === undefined ? {} : { locked_until: lockedUntil }),
  };
}

/** Nobody could let anybody in again. All rows are locked in one order, so that two admins cannot take each other away. */
async function refuseLastAdmin(db: Kysely<AllTables>): Promise<void> {
  const rows = await db.selectFrom("accounts").selectAll().where("role", "=", "admin").execute();
  if (rows.some((row) => row.disabled === 0 && row.routes === "[]")) return;
  throw new GatewayError("CONFLICT", { problem: "no admin for all routes would be left" });
}

export class AccountBook extends SessionBook implements Accounts {
  async count(): Promise<number> {
    const row = await this.store.read((db) =>
      db
        .selectFrom("accounts")
        .select(({ fn }) => fn.countAll<number>().as("count"))
        .executeTakeFirstOrThrow(),
    );
    return Number(row.count);
  }

  async list(): Promise<readonly Account[]> {
    const rows = await this.store.read((db) => db.selectFrom("accounts").selectAll().orderBy("name").execute());
    return rows.map(toAccount);
  }

  async get(id: string): Promise<Account | null> {
    return (await this.credentials(id))?.account ?? null;
  }

  credentials(id: string): Promise<Credentials | null> {
    return this.#one("id", id);
  }

  byName(name: string): Promise<Credentials | null> {
    return this.#one("name", plainName(name));
  }

  async bySubject(subject: string): Promise<Account | null> {
    return (await this.#one("subject", subject))?.account ?? null;
  }

  async #one(column: "id" | "name" | "subject", value: string): Promise<Credentials | null> {
    const row = await this.store.read((db) =>
      db.selectFrom("accounts").selectAll().where(column, "=", value).executeTakeFirst(),
    );
    return row ? toCredentials(row) : null;
  }

  add({ name, role, routes, password, subject, by }: NewAccount, onlyFirst = false): Promise<Account> {
    const row: Row = {
      ...{ id: randomUUID(), name: plainName(name), role, routes: JSON.stringify(routes), password, subject, by },
      ...{ totp: null, totp_step: 0, failures: 0, locked_until: null, disabled: 0, at: this.now() },
    };
    return this.store.write(async (db) => {
      await lockAccounts(db);
      const first = onlyFirst && (await db.selectFrom("accounts").select("id").limit(1).executeTakeFirst());
      if (first) throw new GatewayError("CONFLICT", { problem: "there is an account already" });
      const { numInsertedOrUpdatedRows } = await db
        .insertInto("accounts")
        .values(row)
        .onConflict((same) => same.doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n) throw new GatewayError("CONFLICT", { problem: "the name is taken", name });
      return toAccount(row);
    });
  }

  change(id: string, change: AccountChange): Promise<Account | null> {
    const isAboutRights = change.role !== undefined || change.routes !== undefined || change.disabled !== undefined;
    return this.store.write(async (db) => {
      if (isAboutRights) await lockAccounts(db);
      const row = await db
        .updateTable("accounts")
        .set(rowOf(change))
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
      if (!row) return null;
      if (isAboutRights) await refuseLastAdmin(db);
      return toAccount(row);
    });
  }

  remove(id: string): Promise<boolean> {
    return this.store.write(async (db) => {
      await lockAccounts(db);
      const { numDeletedRows } = await db.deleteFrom("accounts").where("id", "=", id).executeTakeFirst();
      if (numDeletedRows === 0n) return false;
      await refuseLastAdmin(db);
      for (const table of ["sessions", "tokens", "passkeys", "once"] as const)
        await db.deleteFrom(table).where("account", "=", id).execute();
      return true;
    });
  }

  failed(id: string, lock: (failures: number) => string | null): Promise<number> {
    return this.store.write(async (db) => {
      const row = await db
        .updateTable("accounts")
        .set(({ eb }) => ({ failures: eb("failures", "+", 1) }))
        .where("id", "=", id)
        .returning("failures")
        .executeTakeFirst();
      if (!row) return 0;
      await db
        .updateTable("accounts")
        .set({ locked_until: lock(row.failures) })
        .where("id", "=", id)
        .execute();
      return row.failures;
    });
  }
}

/** Two changes of rights at once would each find the other's admin still there. The head of the audit log is a row that is always there. */
const lockAccounts = (db: Kysely<AllTables>): Promise<unknown> =>
  db
    .updateTable("audit_head")
    .set(({ ref }) => ({ id: ref("id") }))
    .execute();
