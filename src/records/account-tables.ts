/** The tables of accounts, sessions, tokens and the audit log, the same for every database. Times are RFC 3339 texts, lists are JSON. */
import type { CreateTableBuilder, Kysely } from "kysely";

export interface AccountTables {
  accounts: {
    id: string;
    /** Lower case, NFC. */
    name: string;
    role: string;
    routes: string;
    /** PHC string; null where only an identity provider or a passkey signs in. */
    password: string | null;
    /** Base32; null until it is confirmed. */
    totp: string | null;
    totp_step: number;
    /** "issuer subject" of OpenID Connect. */
    subject: string | null;
    failures: number;
    locked_until: string | null;
    disabled: number;
    at: string;
    by: string;
  };
  sessions: {
    hash: string;
    id: string;
    account: string;
    at: string;
    seen: string;
    expires: string;
    client: string;
    agent: string;
    method: string;
  };
  tokens: {
    id: string;
    hash: string;
    account: string;
    label: string;
    permissions: string;
    at: string;
    expires: string;
    used: string | null;
  };
  passkeys: {
    id: string;
    account: string;
    public_key: string;
    counter: number;
    transports: string;
    label: string;
    at: string;
    used: string | null;
  };
  /** What may be used once: set-up and reset codes, challenges, sign-in states, tickets. */
  once: { hash: string; kind: string; account: string | null; data: string; expires: string };
  audit: {
    n: number;
    at: string;
    who: string;
    via: string;
    act: string;
    target: string;
    route: string;
    detail: string;
    hash: string;
  };
  /** One row: the end of the chain. */
  audit_head: { id: number; n: number; hash: string };
  /** Answers to actions by the key that their sender chose. */
  idempotency: { key: string; fingerprint: string; status: number; body: string; at: string };
}

type Made = CreateTableBuilder<string, string>;

const texts = (made: Made, columns: readonly string[]): Made =>
  columns.reduce((so, column) => so.addColumn(column, "text", (it) => it.notNull()), made);
const optional = (made: Made, columns: readonly string[]): Made =>
  columns.reduce((so, column) => so.addColumn(column, "text"), made);
const numbers = (made: Made, columns: readonly string[]): Made =>
  columns.reduce((so, column) => so.addColumn(column, "bigint", (it) => it.notNull()), made);

/** In the order of their making. */
export function accountTables(db: Kysely<AccountTables>): readonly Made[] {
  const table = (name: string, key: string): Made =>
    db.schema.createTable(name).addColumn(key, "text", (it) => it.primaryKey().notNull()) as Made;
  const accounts = texts(table("accounts", "id"), ["name", "role", "routes", "at", "by"]);
  const tokens = texts(table("tokens", "id"), ["hash", "account", "label", "permissions", "at", "expires"]);
  const audit = db.schema.createTable("audit").addColumn("n", "bigint", (it) => it.primaryKey().notNull()) as Made;
  const head = db.schema.createTable("audit_head").addColumn("id", "integer", (it) => it.primaryKey()) as Made;
  return [
    numbers(optional(accounts, ["password", "totp", "subject", "locked_until"]), ["totp_step", "failures", "disabled"])
      .addUniqueConstraint("accounts_name", ["name"])
      .addUniqueConstraint("accounts_subject", ["subject"]),
    texts(table("sessions", "hash"), ["id", "account", "at", "seen", "expires", "client", "agent", "method"]),
    optional(tokens, ["used"]).addUniqueConstraint("tokens_hash", ["hash"]),
    numbers(
      optional(texts(table("passkeys", "id"), ["account", "public_key", "transports", "label", "at"]), ["used"]),
      ["counter"],
    ),
    optional(texts(table("once", "hash"), ["kind", "data", "expires"]), ["account"]),
    texts(audit, ["at", "who", "via", "act", "target", "route", "detail", "hash"]),
    texts(numbers(head, ["n"]), ["hash"]),
    numbers(texts(table("idempotency", "key"), ["fingerprint", "body", "at"]), ["status"]),
  ];
}
