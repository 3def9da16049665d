/** Sessions, tokens, passkeys and secrets that work once, over a database. */
import type { Kysely, Selectable } from "kysely";
import { GatewayError } from "../core/errors.ts";
import type { Account, Accounts, Answered, Once, Passkey, Session, Token } from "./accounts.ts";
import { toAccount } from "./account-rows.ts";
import type { AllTables, Store } from "./store.ts";

type Held = Pick<
  Accounts,
  | "openSession"
  | "session"
  | "touch"
  | "sessions"
  | "closeSessions"
  | "addToken"
  | "token"
  | "tokens"
  | "removeToken"
  | "addPasskey"
  | "passkey"
  | "passkeys"
  | "usePasskey"
  | "removePasskey"
  | "putOnce"
  | "takeOnce"
  | "forgetOnce"
  | "reserve"
  | "answered"
  | "unreserve"
>;

const toSession = ({ hash: _, ...row }: Selectable<AllTables["sessions"]>): Session => ({ ...row });
const toToken = ({ hash: _, permissions, ...row }: Selectable<AllTables["tokens"]>): Token => ({
  ...row,
  permissions: JSON.parse(permissions) as Token["permissions"],
});
const toPasskey = ({ public_key, transports, ...row }: Selectable<AllTables["passkeys"]>): Passkey => ({
  ...row,
  publicKey: public_key,
  transports: JSON.parse(transports) as readonly string[],
});

const enabled = async (db: Kysely<AllTables>, id: string): Promise<Account | null> => {
  const row = await db.selectFrom("accounts").selectAll().where("id", "=", id).executeTakeFirst();
  return row && row.disabled === 0 ? toAccount(row) : null;
};

/** An answer is kept for a day. */
const rememberedMs = 86_400_000;

export abstract class SessionBook implements Held {
  protected readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  protected now(): string {
    return this.store.clock.now().toISOString();
  }

  openSession(hash: string, session: Session): Promise<void> {
    return this.store.write(async (db) => {
      await db.deleteFrom("sessions").where("expires", "<=", this.now()).execute();
      await db
        .insertInto("sessions")
        .values({ ...session, hash })
        .execute();
    });
  }

  session(hash: string): Promise<{ readonly session: Session; readonly account: Account } | null> {
    return this.store.read(async (db) => {
      const row = await db.selectFrom("sessions").selectAll().where("hash", "=", hash).executeTakeFirst();
      if (!row || row.expires <= this.now()) return null;
      const account = await enabled(db, row.account);
      return account && { session: toSession(row), account };
    });
  }

  touch(hash: string, seen: string, expires: string): Promise<void> {
    return this.store.write(async (db) => {
      await db.updateTable("sessions").set({ seen, expires }).where("hash", "=", hash).execute();
    });
  }

  async sessions(account: string): Promise<readonly Session[]> {
    const rows = await this.store.read((db) =>
      db
        .selectFrom("sessions")
        .selectAll()
        .where("account", "=", account)
        .where("expires", ">", this.now())
        .orderBy("at", "desc")
        .execute(),
    );
    return rows.map(toSession);
  }

  closeSessions(account: string, id: string | null, exceptHash = ""): Promise<number> {
    return this.store.write(async (db) => {
      let query = db.deleteFrom("sessions").where("account", "=", account).where("hash", "!=", exceptHash);
      if (id !== null) query = query.where("id", "=", id);
      return Number((await query.executeTakeFirst()).numDeletedRows);
    });
  }

  addToken(hash: string, { permissions, ...token }: Token): Promise<void> {
    return this.store.write(async (db) => {
      await db.deleteFrom("tokens").where("expires", "<=", this.now()).execute();
      await db
        .insertInto("tokens")
        .values({ ...token, hash, permissions: JSON.stringify(permissions) })
        .execute();
    });
  }

  async token(hash: string): Promise<{ readonly token: Token; readonly account: Account } | null> {
    const now = this.now();
    const found = await this.store.read(async (db) => {
      const row = await db.selectFrom("tokens").selectAll().where("hash", "=", hash).executeTakeFirst();
      if (!row || row.expires <= now) return null;
      const account = await enabled(db, row.account);
      return account && { token: toToken(row), account };
    });
    // By the minute: each use of a token must not cost a sync of the disk.
    if (found && (found.token.used === null || Date.parse(now) - Date.parse(found.token.used) > 60_000))
      await this.store.write((db) => db.updateTable("tokens").set({ used: now }).where("hash", "=", hash).execute());
    return found;
  }

  async tokens(account: string | null): Promise<readonly Token[]> {
    const rows = await this.store.read((db) => {
      const query = db.selectFrom("tokens").selectAll().where("expires", ">", this.now()).orderBy("at", "desc");
      return (account === null ? query : query.where("account", "=", account)).execute();
    });
    return rows.map(toToken);
  }

  removeToken(id: string, account: string | null): Promise<boolean> {
    return this.store.write(async (db) => {
      const query = db.deleteFrom("tokens").where("id", "=", id);
      const { numDeletedRows } = await (account === null
        ? query
        : query.where("account", "=", account)
      ).executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  addPasskey({ publicKey, transports, ...passkey }: Passkey): Promise<void> {
    return this.store.write(async (db) => {
      const row = { ...passkey, public_key: publicKey, transports: JSON.stringify(transports) };
      const { numInsertedOrUpdatedRows } = await db
        .insertInto("passkeys")
        .values(row)
        .onConflict((same) => same.column("id").doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n) throw new GatewayError("CONFLICT", { problem: "this passkey is known" });
    });
  }

  async passkey(id: string): Promise<Passkey | null> {
    const row = await this.store.read((db) =>
      db.selectFrom("passkeys").selectAll().where("id", "=", id).executeTakeFirst(),
    );
    return row ? toPasskey(row) : null;
  }

  async passkeys(account: string): Promise<readonly Passkey[]> {
    const rows = await this.store.read((db) =>
      db.selectFrom("passkeys").selectAll().where("account", "=", account).orderBy("at").execute(),
    );
    return rows.map(toPasskey);
  }

  usePasskey(id: string, counter: number): Promise<void> {
    return this.store.write(async (db) => {
      await db.updateTable("passkeys").set({ counter, used: this.now() }).where("id", "=", id).execute();
    });
  }

  removePasskey(id: string, account: string): Promise<boolean> {
    return this.store.write(async (db) => {
      const query = db.deleteFrom("passkeys").where("id", "=", id).where("account", "=", account);
      return (await query.executeTakeFirst()).numDeletedRows > 0n;
    });
  }

  putOnce(hash: string, { kind, account, data }: Once, expires: string): Promise<void> {
    return this.store.write(async (db) => {
      await db.deleteFrom("once").where("expires", "<=", this.now()).execute();
      const row = { hash, kind, account, data: JSON.stringify(data ?? null), expires };
      await db.insertInto("once").values(row).execute();
    });
  }

  async takeOnce(hash: string, kind: string): Promise<Once | null> {
    const row = await this.store.write((db) =>
      db.deleteFrom("once").where("hash", "=", hash).where("kind", "=", kind).returningAll().executeTakeFirst(),
    );
    if (!row || row.expires <= this.now()) return null;
    return { kind: row.kind, account: row.account, data: JSON.parse(row.data) as unknown };
  }

  forgetOnce(kind: string): Promise<void> {
    return this.store.write(async (db) => {
      await db.deleteFrom("once").where("kind", "=", kind).execute();
    });
  }

  reserve(key: string, fingerprint: string): Promise<Answered | null> {
    return this.store.write(async (db) => {
      const oldest = new Date(this.store.clock.now().getTime() - rememberedMs).toISOString();
      await db.deleteFrom("idempotency").where("at", "<", oldest).execute();
      const { numInsertedOrUpdatedRows } = await db
        .insertInto("idempotency")
        .values({ key, fingerprint, status: 0, body: "", at: this.now() })
        .onConflict((same) => same.column("key").doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows === 1n) return null;
      const row = await db.selectFrom("idempotency").selectAll().where("key", "=", key).executeTakeFirstOrThrow();
      return { fingerprint: row.fingerprint, status: row.status === 0 ? null : row.status, body: row.body };
    });
  }

  answered(key: string, status: number, body: string): Promise<void> {
    return this.store.write(async (db) => {
      await db.updateTable("idempotency").set({ status, body }).where("key", "=", key).execute();
    });
  }

  unreserve(key: string): Promise<void> {
    return this.store.write(async (db) => {
      await db.deleteFrom("idempotency").where("key", "=", key).execute();
    });
  }
}
