/** The audit log over a database: a line is its text and the hash of the one before, hashed; the end of the chain is a row that every writer locks. */
import { hash } from "node:crypto";
import type { Kysely, Selectable } from "kysely";
import type { Audit, AuditLine, AuditNote, AuditQuery, AuditState } from "./audit.ts";
import type { AllTables, Store } from "./store.ts";

/** Stands before the first line. */
const beginning = "0".repeat(64);
/** The row that the tables are made with. */
export const emptyHead = { id: 1, n: 0, hash: beginning };
const atOnce = 1_000;
const longestDetail = 8_000;

type Row = Selectable<AllTables["audit"]>;

/** Every field, so that none can be changed; in JSON, so that none runs into the next. */
const hashOf = ({ n, at, who, via, act, target, route, detail }: Omit<Row, "hash">, before: string): string =>
  hash("sha256", JSON.stringify([before, n, at, who, via, act, target, route, detail]), "hex");

const toLine = ({ detail, ...row }: Row): AuditLine => ({
  ...row,
  detail: JSON.parse(detail) as AuditLine["detail"],
});

/** No text in PostgreSQL holds a NUL. */
const storable = (text: string): string => text.replaceAll("\0", "\ufffd").slice(0, 500);

function detailText(detail: AuditNote["detail"]): string {
  const text = JSON.stringify(detail);
  return text.length <= longestDetail ? text : JSON.stringify({ cut: text.slice(0, longestDetail / 2) });
}

export class AuditLog implements Audit {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  add(note: AuditNote): Promise<AuditLine> {
    return this.#store.write(async (db) => {
      // First, so that lines come one after the other.
      const { n, hash: before } = await takeHead(db);
      const made = {
        n,
        at: this.#store.clock.now().toISOString(),
        who: storable(note.who),
        via: storable(note.via),
        act: storable(note.act),
        target: storable(note.target),
        route: storable(note.route),
        detail: detailText(note.detail),
      };
      const row = { ...made, hash: hashOf(made, before) };
      await db.insertInto("audit").values(row).execute();
      await db.updateTable("audit_head").set({ hash: row.hash }).execute();
      return toLine(row);
    });
  }

  async list({ who, act, target, routes, before, limit }: AuditQuery): Promise<readonly AuditLine[]> {
    if (routes?.length === 0) return [];
    const rows = await this.#store.read((db) => {
      let query = db.selectFrom("audit").selectAll();
      if (who !== undefined) query = query.where("who", "=", who);
      if (act !== undefined) query = query.where("act", "=", act);
      if (target !== undefined) query = query.where("target", "=", target);
      if (routes !== undefined) query = query.where("route", "in", routes);
      if (before !== undefined) query = query.where("n", "<", before);
      return query.orderBy("n", "desc").limit(limit).execute();
    });
    return rows.map(toLine);
  }

  async verify(): Promise<AuditState> {
    let before = beginning;
    let lines = 0;
    for (;;) {
      const rows = await this.#store.read((db) =>
        db.selectFrom("audit").selectAll().where("n", ">", lines).orderBy("n").limit(atOnce).execute(),
      );
      for (const row of rows) {
        if (row.n !== lines + 1) return { ok: false, lines, at: lines + 1, problem: `line ${lines + 1} is missing` };
        if (hashOf(row, before) !== row.hash)
          return { ok: false, lines, at: row.n, problem: `line ${row.n} is not what was written` };
        before = row.hash;
        lines = row.n;
      }
      if (rows.length < atOnce) break;
    }
    return this.#compareHead(lines, before);
  }

  /** Lines cut off at the end leave no gap; the row at the head remembers them. What was added meanwhile is no fault. */
  async #compareHead(lines: number, head: string): Promise<AuditState> {
    const known = await this.#store.read((db) => db.selectFrom("audit_head").selectAll().executeTakeFirst());
    if (!known || known.n < lines) return { ok: false, lines, at: lines, problem: "the end of the chain was set back" };
    if (known.n === lines && known.hash !== head)
      return { ok: false, lines, at: lines, problem: "the last line is not the one that was written last" };
    if (known.n > lines) {
      const next = await this.#store.read((db) =>
        db.selectFrom("audit").select("n").where("n", ">", lines).limit(1).executeTakeFirst(),
      );
      if (!next) return { ok: false, lines, at: lines + 1, problem: `lines ${lines + 1} to ${known.n} are missing` };
    }
    return { ok: true, lines, head };
  }
}

/** Locks the row until the line is written. */
const takeHead = (db: Kysely<AllTables>): Promise<{ readonly n: number; readonly hash: string }> =>
  db
    .updateTable("audit_head")
    .set(({ eb }) => ({ n: eb("n", "+", 1) }))
    .returning(["n", "hash"])
    .executeTakeFirstOrThrow();
