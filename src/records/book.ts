/** What people decided, over a database; how a picture of it is kept is each database's own. */
import type { Kysely } from "kysely";
import { GatewayError } from "../core/errors.ts";
import type { Clock } from "../observe/clock.ts";
import type { Bypass, ListEntry, ListKind, ListSnapshot, ListSubject, Records } from "./records.ts";
import { AccountBook } from "./account-book.ts";
import type { Accounts } from "./accounts.ts";
import type { Audit } from "./audit.ts";
import { AuditLog } from "./audit-log.ts";
import type { AllTables, Store } from "./store.ts";
import { moment, normalised } from "./subject.ts";
import type { Tables } from "./tables.ts";

type DisabledRule = Awaited<ReturnType<Records["disabledRules"]>>[number];

export abstract class Book implements Records {
  readonly accounts: Accounts;
  readonly audit: Audit;
  protected readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
    // The tables of both lie in one database; each part is shown its own.
    const store: Store = {
      clock,
      read: (work) => this.read((db) => work(db as unknown as Kysely<AllTables>)),
      write: (work) => this.write((db) => work(db as unknown as Kysely<AllTables>)),
    };
    this.accounts = new AccountBook(store);
    this.audit = new AuditLog(store);
  }

  abstract snapshot(): ListSnapshot;
  abstract close(): Promise<void>;
  protected abstract read<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R>;
  /** Whole or not at all; no picture of it is kept. */
  protected abstract write<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R>;
  /** Whole or not at all; our own picture shows it once this is done. */
  protected abstract change<R>(work: (db: Kysely<Tables>) => Promise<R>): Promise<R>;

  async add(entry: Omit<ListEntry, "id" | "at">): Promise<ListEntry> {
    const { kind, subject, reason, by } = entry;
    const value = normalised(subject, entry.value);
    const expires = moment(entry.expires, "expires");
    const at = this.now();
    if (expires !== null && expires <= at) throw new GatewayError("USAGE", { expires, expected: "a date to come" });
    const row = { kind, subject, value, reason, by, at, expires };
    return this.change(async (db) => {
      // What has expired is of no use to anybody, and would otherwise stay for ever.
      await db.deleteFrom("list").where("expires", "<=", at).execute();
      const { id } = await db
        .insertInto("list")
        .values(row)
        .onConflict((same) => same.columns(["kind", "subject", "value"]).doUpdateSet({ reason, by, at, expires }))
        .returning("id")
        .executeTakeFirstOrThrow();
      return { id, ...row };
    });
  }

  async remove(kind: ListKind, subject: ListSubject, value: string): Promise<boolean> {
    const normal = normalised(subject, value);
    return this.change(async (db) => {
      const { numDeletedRows } = await db
        .deleteFrom("list")
        .where("kind", "=", kind)
        .where("subject", "=", subject)
        .where("value", "=", normal)
        .where((it) => it.or([it("expires", "is", null), it("expires", ">", this.now())]))
        .executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  async list(kind?: ListKind): Promise<readonly ListEntry[]> {
    return this.snapshot().entries.filter((entry) => kind === undefined || entry.kind === kind);
  }

  disableRule(rule: string, by: string, reason: string): Promise<void> {
    const row = { rule, by, reason, at: this.now() };
    return this.change(async (db) => {
      await db
        .insertInto("disabled_rules")
        .values(row)
        .onConflict((same) => same.column("rule").doUpdateSet(row))
        .execute();
    });
  }

  enableRule(rule: string): Promise<boolean> {
    return this.change(async (db) => {
      const { numDeletedRows } = await db.deleteFrom("disabled_rules").where("rule", "=", rule).executeTakeFirst();
      return numDeletedRows > 0n;
    });
  }

  async disabledRules(): Promise<readonly DisabledRule[]> {
    const rows = await this.read((db) => db.selectFrom("disabled_rules").selectAll().orderBy("rule").execute());
    return rows.map(({ rule, by, reason, at }) => ({ rule, by, reason, at }));
  }

  async setBypass(bypass: Bypass | null): Promise<void> {
    const until = bypass && moment(bypass.until, "until");
    return this.change(async (db) => {
      await db.deleteFrom("bypass").execute();
      if (bypass === null || until === null) return;
      const { by, reason, routes } = bypass;
      await db
        .insertInto("bypass")
        .values({ id: 1, until, by, reason, routes: JSON.stringify(routes) })
        .execute();
    });
  }

  protected now(): string {
    return this.clock.now().toISOString();
  }
}
