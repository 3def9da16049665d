/** Connections to PostgreSQL: bounded in time, without a password in any error, and given back only if they still work. */
import { Kysely, type PostgresPoolClient, PostgresDialect } from "kysely";
import pg from "pg";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";

export interface DatabaseAddress {
  /** postgres://user:password@host:port/database?sslmode=verify-full */
  readonly url: string;
  /** Stands for the one in the URL. */
  readonly password?: string;
  /** PEM; TLS with a certificate from one of these is demanded then. */
  readonly ca?: string;
}

export interface ConnectionOptions {
  /** At the same time. */
  readonly most?: number;
  /** Longest time of one statement; 0 is no limit. */
  readonly statementMs?: Millis;
  /** A server that takes a statement and never answers is as good as gone; it should end the statement itself a little earlier. */
  readonly answerMs?: Millis;
}

const connectMs: Millis = 5_000;
const answerMs: Millis = 15_000;
const statementMs: Millis = 10_000;
const int8 = 20;

/** `require` encrypts and trusts whoever answers, as libpq does; anything else that asks for TLS wants a name that is certified. */
function tlsOf(mode: string | null, ca: string | undefined): NonNullable<pg.ClientConfig["ssl"]> {
  if (ca !== undefined) return { ca };
  if (mode === null || mode === "disable") return false;
  return { rejectUnauthorized: mode !== "require" };
}

/** Everything is said here: nothing is taken from PGHOST, PGPASSWORD or a .pgpass that happen to be there. */
export function clientConfig({ url, password, ca }: DatabaseAddress): pg.ClientConfig {
  const parsed = new URL(url);
  return {
    host: decodeURIComponent(parsed.hostname).replace(/^\[(.*)\]$/, "$1"),
    port: Number(parsed.port || 5_432),
    user: decodeURIComponent(parsed.username) || "sallyport",
    password: password ?? decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ssl: tlsOf(parsed.searchParams.get("sslmode"), ca),
    application_name: "sallyport",
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    types: {
      // Ours stay below 2^53.
      getTypeParser: (oid, format) =>
        oid === int8 && format !== "binary" ? Number : (pg.types.getTypeParser(oid, format) as unknown),
    },
  };
}

/** For people: where, never who or with what. */
export function placeOfDatabase({ url }: DatabaseAddress): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

interface PoolLike {
  connect(): Promise<PostgresPoolClient>;
  end(): Promise<void>;
  readonly options: object;
}

const hasSqlState = (error: unknown): boolean => stateOf(error) !== null;

/** A connection on which something failed that the server has not told is not used again. */
function usable(pool: pg.Pool): PoolLike {
  return {
    options: {},
    end: () => pool.end(),
    async connect() {
      const client = await pool.connect();
      let isBroken = false;
      const query = (text: string, values: readonly unknown[]): Promise<pg.QueryResult> =>
        client.query(text, [...values]).catch((error: unknown) => {
          isBroken ||= !hasSqlState(error);
          throw error;
        });
      return { query, release: () => client.release(isBroken) } as unknown as PostgresPoolClient;
    },
  };
}

/** Connects when first used. */
export function openPostgres<T>(address: DatabaseAddress, options: ConnectionOptions = {}): Kysely<T> {
  const pool = new pg.Pool({
    ...clientConfig(address),
    max: options.most ?? 4,
    idleTimeoutMillis: 60_000,
    statement_timeout: options.statementMs ?? statementMs,
    query_timeout: options.answerMs ?? answerMs,
    allowExitOnIdle: true,
  });
  // Whoever asks the next thing learns of it; without listeners it would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return new Kysely<T>({ dialect: new PostgresDialect({ pool: usable(pool) }) });
}

/** Five letters and digits that the server has answered with (PostgreSQL, appendix A); null for errors on the way to it. */
export function stateOf(error: unknown): string | null {
  if (!(error instanceof Error && "code" in error && typeof error.code === "string")) return null;
  return /^[0-9A-Z]{5}$/.test(error.code) && "severity" in error ? error.code : null;
}

const canceled = "57014";
/** Wrong values and broken constraints: they are the row's fault, and no other hour makes them right. */
const lasting = /^2[23]/;
/** Two writers took the same place, or waited for each other. */
const clashes = ["23505", "40001", "40P01"];

export const isClash = (error: unknown): boolean => clashes.includes(stateOf(error) ?? "");

/** Of what went wrong in the database: what a person can do. Other errors pass as they are. */
export function translated(error: unknown, address: DatabaseAddress): unknown {
  const state = stateOf(error);
  const database = placeOfDatabase(address);
  if (state === canceled)
    return new GatewayError("DATABASE_SLOW", {
      database,
      remedy: "ask for less (a shorter time, a longer word), or see `sallyport doctor`",
    });
  if (error instanceof GatewayError || (state !== null && lasting.test(state))) return error;
  return new GatewayError("DATABASE_UNAVAILABLE", { database, remedy: "sallyport doctor says why" }, plain(error));
}

/** Of several addresses that were tried in vain, the error names each; its own message is empty. */
const plain = (error: unknown): unknown =>
  error instanceof AggregateError && error.message === "" ? new Error(error.errors.map(String).join("; ")) : error;

export async function guarded<R>(address: DatabaseAddress, work: () => Promise<R>): Promise<R> {
  try {
    return await work();
  } catch (error) {
    throw translated(error, address);
  }
}
