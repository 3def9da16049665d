/** The catalog over a database: changes that come together are written together. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Kysely } from "kysely";
import type { Millis, QueueId } from "../core/message.ts";
import type { Catalog, Listed, Page, Query, RecordOptions, Summary } from "./catalog.ts";
import { fromRow, idOf, type Tables } from "./schema.ts";
import { removeRows, replaceMessages, type Search } from "./write.ts";

interface Change {
  /** Null: forget it. */
  readonly summary: Summary | null;
  readonly takeOver: boolean;
  readonly done: PromiseWithResolvers<void>;
}

export interface GroupedOptions {
  readonly db: Kysely<Tables>;
  readonly search: Search;
  readonly node: string;
  /** How long a change may wait for others, to be written with them: a transaction costs as much as many rows. */
  readonly lagMs: Millis;
  /** One transaction takes at most so many messages. */
  readonly groupSize: number;
  /** Another writer was in the way: worth another try. */
  readonly isClash?: (error: unknown) => boolean;
}

const mostTries = 5;
/** Of a node's rows, when all of them go. */
const clearedAtOnce = 1_000;

export class GroupedCatalog implements Catalog {
  readonly #options: GroupedOptions;
  #waiting = new Map<QueueId, Change>();
  #writing: Promise<void> | null = null;

  constructor(options: GroupedOptions) {
    this.#options = options;
  }

  record(summary: Summary, { takeOver = false }: RecordOptions = {}): Promise<void> {
    return this.#change(summary.queueId, summary, takeOver);
  }

  forget(id: QueueId): Promise<void> {
    return this.#change(id, null, false);
  }

  async get(id: QueueId): Promise<Listed | null> {
    const { db, node } = this.#options;
    const waiting = this.#waiting.get(id);
    if (waiting) return waiting.summary && { ...waiting.summary, node };
    const row = await db.selectFrom("messages").select(["body", "node"]).where("queue_id", "=", id).executeTakeFirst();
    return row ? fromRow(row) : null;
  }

  async find(where: Query, page: Page): Promise<readonly Listed[]> {
    const { db, search } = this.#options;
    const lists = [where.states, where.severities, where.dispositions, where.nodes, where.routes];
    if (lists.some((list) => list?.length === 0)) return [];
    return (await search.find(db, where, page)).map(fromRow);
  }

  async counts(): Promise<Readonly<Partial<Record<Summary["state"], number>>>> {
    const rows = await this.#options.db
      .selectFrom("messages")
      .select(({ fn }) => ["state", fn.countAll<number>().as("count")])
      .groupBy("state")
      .execute();
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
  }

  async clear(): Promise<void> {
    const { db, node, search } = this.#options;
    await this.#writing;
    if (search.empty) return db.transaction().execute(search.empty);
    for (;;) {
      const some = await db
        .selectFrom("messages")
        .select("queue_id")
        .where("node", "=", node)
        .limit(clearedAtOnce)
        .execute();
      if (some.length === 0) return;
      await db.transaction().execute((transaction) => removeRows(transaction, search, some.map(idOf)));
    }
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#options.db.destroy();
  }

  /** Of several changes to one message in the same group only the last is written; all who wait learn of it. */
  #change(id: QueueId, summary: Summary | null, takeOver: boolean): Promise<void> {
    const before = this.#waiting.get(id);
    const done = before?.done ?? Promise.withResolvers<void>();
    this.#waiting.delete(id);
    this.#waiting.set(id, { summary, takeOver: takeOver || (before?.takeOver ?? false), done });
    this.#writing ??= this.#writeAll();
    return done.promise;
  }

  async #writeAll(): Promise<void> {
    const { groupSize, lagMs } = this.#options;
    do {
      // Lets other changes join the group, and the sockets have their turn between two groups.
      await (this.#waiting.size < groupSize && lagMs > 0 ? sleep(lagMs) : new Promise(setImmediate));
      const group = new Map([...this.#waiting].slice(0, groupSize));
      for (const id of group.keys()) this.#waiting.delete(id);
      try {
        await this.#write(group);
        for (const { done } of group.values()) done.resolve();
      } catch (error) {
        for (const { done } of group.values()) done.reject(error);
      }
    } while (this.#waiting.size > 0);
    this.#writing = null;
  }

  async #write(group: ReadonlyMap<QueueId, Change>): Promise<void> {
    const { db, search, node, isClash } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        await db.transaction().execute((transaction) => replaceMessages(transaction, search, node, group));
        return;
      } catch (error) {
        if (!isClash?.(error) || tries >= mostTries) throw error;
      }
    }
  }
}
