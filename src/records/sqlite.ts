/** What people decided, in one SQLite file, synced at each change. */
import { chmodSync } from "node:fs";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { Bypass, ListEntry, ListKind, ListSnapshot, ListSubject, Records } from "./records.ts";
import { moment, normalised } from "./subject.ts";

const version = 1;
const schema = `
  CREATE TABLE list (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL,
    reason TEXT NOT NULL, by TEXT NOT NULL, at TEXT NOT NULL, expires TEXT, UNIQUE (kind, subject, value)
  );
  CREATE TABLE disabled_rules (rule TEXT PRIMARY KEY, by TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL);
  CREATE TABLE bypass (id INTEGER PRIMARY KEY CHECK (id = 1), until TEXT NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL, routes TEXT NOT NULL);
  PRAGMA user_version = ${version};
`;
/** How long another process's change may stay unseen. */
const lookEvery: Millis = 1_000;

type Row = Readonly<Record<string, SQLInputValue>>;
type DisabledRule = Awaited<ReturnType<Records["disabledRules"]>>[number];

export class SqliteRecords implements Records {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  #picture: ListSnapshot | null = null;
  /** When something in the picture expires. */
  #goodUntil = Number.POSITIVE_INFINITY;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #seen: unknown = null;

  constructor(db: DatabaseSync, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async add(entry: Omit<ListEntry, "id" | "at">): Promise<ListEntry> {
    const { kind, subject, reason, by } = entry;
    const value = normalised(subject, entry.value);
    const expires = moment(entry.expires, "expires");
    const at = this.#now();
    if (expires !== null && expires <= at) throw new GatewayError("USAGE", { expires, expected: "a date to come" });
    // What has expired is of no use to anybody, and would otherwise stay for ever.
    this.#write("DELETE FROM list WHERE expires <= ?", at);
    this.#write(
      `INSERT INTO list (kind, subject, value, reason, by, at, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (kind, subject, value) DO UPDATE SET reason = excluded.reason, by = excluded.by, at = excluded.at, expires = excluded.expires`,
      ...[kind, subject, value, reason, by, at, expires],
    );
    const where = "kind = ? AND subject = ? AND value = ?";
    const [row] = this.#rows<{ readonly id: number }>(`SELECT id FROM list WHERE ${where}`, kind, subject, value);
    return { id: row?.id ?? 0, kind, subject, value, reason, by, at, expires };
  }

  async remove(kind: ListKind, subject: ListSubject, value: string): Promise<boolean> {
    const where = "kind = ? AND subject = ? AND value = ? AND (expires IS NULL OR expires > ?)";
    return this.#write(`DELETE FROM list WHERE ${where}`, kind, subject, normalised(subject, value), this.#now()) > 0;
  }

  async list(kind?: ListKind): Promise<readonly ListEntry[]> {
    return this.snapshot().entries.filter((entry) => kind === undefined || entry.kind === kind);
  }

  async disableRule(rule: string, by: string, reason: string): Promise<void> {
    this.#write(
      "INSERT OR REPLACE INTO disabled_rules (rule, by, reason, at) VALUES (?, ?, ?, ?)",
      rule,
      by,
      reason,
      this.#now(),
    );
  }

  async enableRule(rule: string): Promise<boolean> {
    return this.#write("DELETE FROM disabled_rules WHERE rule = ?", rule) > 0;
  }

  async disabledRules(): Promise<readonly DisabledRule[]> {
    return this.#rows<DisabledRule>("SELECT rule, by, reason, at FROM disabled_rules ORDER BY rule");
  }

  async setBypass(bypass: Bypass | null): Promise<void> {
    if (bypass === null) this.#write("DELETE FROM bypass");
    else
      this.#write(
        "INSERT OR REPLACE INTO bypass (id, until, by, reason, routes) VALUES (1, ?, ?, ?, ?)",
        ...[moment(bypass.until, "until"), bypass.by, bypass.reason, JSON.stringify(bypass.routes)],
      );
  }

  snapshot(): ListSnapshot {
    const now = this.#clock.now().getTime();
    const isStale = now >= this.#goodUntil || this.#wasChangedByOthers();
    if (this.#picture === null || isStale) this.#picture = this.#take();
    return this.#picture;
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }

  #rows<T>(sql: string, ...values: readonly SQLInputValue[]): readonly T[] {
    // SQLite's rows have no prototype; ours are plain objects, equal to what went in.
    return this.#db
      .prepare(sql)
      .all(...values)
      .map((row) => Object.freeze({ ...row }) as T);
  }

  #write(sql: string, ...values: readonly SQLInputValue[]): number {
    this.#picture = null;
    return Number(this.#db.prepare(sql).run(...values).changes);
  }

  /** `data_version` changes when another connection has written (sqlite.org/pragma.html). */
  #wasChangedByOthers(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#lookedAt < lookEvery) return false;
    this.#lookedAt = now;
    const seen = this.#db.prepare("PRAGMA data_version").get()?.["data_version"];
    const isOther = seen !== this.#seen;
    this.#seen = seen;
    return isOther;
  }

  #take(): ListSnapshot {
    const now = this.#now();
    const inForce = "expires IS NULL OR expires > ?";
    const entries = this.#rows<ListEntry>(`SELECT * FROM list WHERE ${inForce} ORDER BY id`, now);
    const rules = this.#rows<{ readonly rule: string }>("SELECT rule FROM disabled_rules ORDER BY rule");
    const [row] = this.#rows<Row>("SELECT until, by, reason, routes FROM bypass WHERE until > ?", now);
    const bypass = row ? toBypass(row) : null;
    const ends = [...entries.flatMap(({ expires }) => expires ?? []), ...(bypass ? [bypass.until] : [])];
    this.#goodUntil = ends.reduce((first, end) => Math.min(first, Date.parse(end)), Number.POSITIVE_INFINITY);
    return Object.freeze({
      entries: Object.freeze(entries),
      disabledRules: Object.freeze(rules.map(({ rule }) => rule)),
      bypass,
    });
  }
}

function toBypass({ until, by, reason, routes }: Row): Bypass {
  const names = Object.freeze(JSON.parse(String(routes)) as readonly string[]);
  return Object.freeze({ until: String(until), by: String(by), reason: String(reason), routes: names });
}

/** Throws RECORDS_UNREADABLE: this is no cache, so nothing is thrown away here. */
export function openRecords({ file, clock }: { readonly file: string; readonly clock: Clock }): SqliteRecords {
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { timeout: 5_000 });
    chmodSync(file, 0o600);
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    db.exec("BEGIN IMMEDIATE");
    const found = Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (found > version)
      throw new GatewayError("RECORDS_UNREADABLE", {
        file,
        found,
        known: version,
        remedy: "start the version of Sallyport that wrote this file",
      });
    if (found === 0) db.exec(schema);
    db.exec("COMMIT");
  } catch (error) {
    db?.close();
    if (error instanceof GatewayError) throw error;
    const remedy = "look at its owner and mode; if it is damaged, restore it from a backup";
    throw new GatewayError("RECORDS_UNREADABLE", { file, remedy }, error);
  }
  return new SqliteRecords(db, clock);
}
