/** Checks of `doctor` and `config check` that talk to PostgreSQL: is there what we need, and may we do what we must? */
import { type Kysely, sql } from "kysely";
import { addressOf } from "../compose-stores.ts";
import type { DatabaseConfig } from "../config-schema.ts";
import { explain } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { openPostgres, stateOf } from "../database/postgres.ts";
import type { Check } from "./doctor-checks.ts";

/** Beyond, times of several machines cannot be compared. */
const drift: Millis = 5_000;
const oldest = 130_000;

interface Facts {
  readonly number: number;
  readonly version: string;
  readonly encoding: string;
  readonly ctype: string;
  readonly replica: boolean;
  readonly role: string;
  readonly database: string;
  readonly may: boolean | null;
  readonly trigrams: "installed" | "available" | "absent";
  readonly now: number;
}

const factsQuery = sql<Facts>`select
  current_setting('server_version_num')::int as number, current_setting('server_version') as version,
  current_setting('server_encoding') as encoding, pg_is_in_recovery() as replica,
  (select datctype from pg_database where datname = current_database()) as ctype,
  current_user as role, current_database() as database,
  has_schema_privilege(current_schema(), 'create') as may,
  case when exists (select 1 from pg_extension where extname = 'pg_trgm') then 'installed'
       when exists (select 1 from pg_available_extensions where name = 'pg_trgm') then 'available'
       else 'absent' end as trigrams,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as now`;

const remedies: readonly (readonly [RegExp, string])[] = [
  [/^28P01/, "check user and password in catalog.url and catalog.password_file"],
  [/^28/, "let this machine and user in: pg_hba.conf of the server, then select pg_reload_conf()"],
  [/^3D000/, "createdb --owner=sallyport --encoding=UTF8 --template=template0 NAME"],
  [/^53300/, "raise max_connections: each node needs up to ten"],
  [/ENOTFOUND|EAI_AGAIN/, "the name is unknown: check catalog.url"],
  [
    /SSL|TLS|certificate|self-signed/i,
    "name the certificate's issuer with catalog.tls_ca, or leave sslmode out where it has no TLS",
  ],
];

function connectRemedy(error: unknown): string {
  const text = `${stateOf(error) ?? ""} ${explain(error)}`.trim();
  return (
    remedies.find(([shape]) => shape.test(text))?.[1] ??
    "start PostgreSQL, or check host, port and firewall of catalog.url"
  );
}

const check = (name: string, verdict: Check["verdict"], text: string, remedy?: string): Check => ({
  name: name === "" ? "catalog" : `catalog ${name}`,
  verdict,
  text,
  ...(remedy === undefined ? {} : { remedy }),
});

const version = ({ number, version }: Facts): Check =>
  number >= oldest
    ? check("version", "ok", `version ${version}`)
    : check("version", "FAIL", `version ${version} is too old`, "install PostgreSQL 13 or later");

function letters({ encoding, ctype, database }: Facts): Check {
  if (encoding !== "UTF8")
    return check(
      "encoding",
      "FAIL",
      `${database} is encoded in ${encoding}: mail in other scripts cannot be stored`,
      "make it anew: createdb --encoding=UTF8 --template=template0 NAME",
    );
  return /^(?:C|POSIX)$/.test(ctype)
    ? check(
        "encoding",
        "WARN",
        `UTF8, but with LC_CTYPE ${ctype}: pieces of texts beyond ASCII are looked for row by row`,
        "make it anew with --locale=C.UTF-8, then sallyport rebuild on each node",
      )
    : check("encoding", "ok", `UTF8, LC_CTYPE ${ctype}`);
}

function pieces({ trigrams }: Facts): Check {
  if (trigrams === "installed") return check("pg_trgm", "ok", "installed");
  return check(
    "pg_trgm",
    "WARN",
    "not installed: pieces of senders, recipients, subjects and file names are looked for row by row",
    trigrams === "available"
      ? "as a superuser or the owner of the database: create extension pg_trgm; then restart the nodes"
      : "install the server's package of contributed modules (postgresql-contrib), then create extension pg_trgm",
  );
}

function clock({ now }: Facts, asked: number): Check {
  const off = Math.max(asked - now, now - Date.now(), 0);
  return off > drift
    ? check(
        "clock",
        "WARN",
        `its clock differs by ${Math.round(off / 1000)} s from ours`,
        "synchronise the clocks (chrony)",
      )
    : check("clock", "ok", `clocks agree within ${Math.max(1, Math.ceil(off))} ms`);
}

class Undone extends Error {}

/** As a gateway uses it, and nothing of it stays. */
async function roundTrip(db: Kysely<unknown>, { role, replica, may }: Facts): Promise<Check> {
  if (replica) return check("", "FAIL", "it is a replica and cannot be written", "name the primary in catalog.url");
  if (may !== true)
    return check(
      "",
      "FAIL",
      `${role} may not create tables`,
      `make ${role} the owner of the database, or: grant create on schema public to ${role}`,
    );
  const began = performance.now();
  try {
    await db.transaction().execute(async (transaction) => {
      await sql`create table sallyport_probe (words tsvector, body text)`.execute(transaction);
      await sql`insert into sallyport_probe values ('''é件'':1', 'é件')`.execute(transaction);
      await sql`select body from sallyport_probe where words @@ '''é'':*'::tsquery`.execute(transaction);
      throw new Undone();
    });
  } catch (error) {
    if (!(error instanceof Undone))
      return check("", "FAIL", explain(error), `${role} must be allowed to create and write tables`);
  }
  return check("", "ok", `tables can be made, written and read, in ${(performance.now() - began).toFixed(1)} ms`);
}

export async function databaseChecks(config: DatabaseConfig): Promise<readonly Check[]> {
  const db = openPostgres<unknown>(addressOf(config), { most: 1 });
  try {
    await sql`select 1`.execute(db);
    const asked = Date.now();
    const [facts] = (await factsQuery.execute(db)).rows;
    if (!facts) return [check("", "FAIL", "it has not answered a question")];
    const first = [version(facts), letters(facts)];
    const trip = facts.number >= oldest && facts.encoding === "UTF8" ? [await roundTrip(db, facts)] : [];
    return [...trip, ...first, pieces(facts), clock(facts, asked)];
  } catch (error) {
    return [check("", "FAIL", explain(error) || "no answer", connectRemedy(error))];
  } finally {
    await db.destroy();
  }
}
