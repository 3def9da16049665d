/** The catalog in PostgreSQL, where several gateways write and each knows its own rows. */
import { type Kysely, sql } from "kysely";
import type { Millis, QueueId } from "../core/message.ts";
import { type Migrations, Prepared } from "../database/migrate.ts";
import { type DatabaseAddress, isClash, openPostgres } from "../database/postgres.ts";
import type { Catalog, Listed, Page, Query, RecordOptions, Summary } from "./catalog.ts";
import { GroupedCatalog } from "./grouped.ts";
import { createIndexes, createPieces, postgresSearch } from "./postgres-search.ts";
import { createTables, type Tables } from "./schema.ts";

interface PostgresTables extends Tables {
  /** Nodes whose rows are all there. */
  catalog_nodes: { node: string };
}

const migrations: Migrations = {
  "001 messages": async (db: Kysely<Tables>) => {
    const indexed = ["state", "node", "route", "severity", "disposition"] as const;
    await createTables(db, { seq: "bigint", pairsEnd: sql``, indexed });
    await createIndexes(db);
    await db.schema
      .createTable("catalog_nodes")
      .addColumn("node", "text", (it) => it.primaryKey())
      .execute();
  },
};

const groupSize = 500;

export interface PostgresCatalogOptions {
  readonly address: DatabaseAddress;
  readonly node: string;
  readonly lagMs?: Millis;
}

/** Every method throws DATABASE_UNAVAILABLE while the database cannot be reached; nothing is connected before the first. */
export class PostgresCatalog implements Catalog {
  readonly #db: Kysely<PostgresTables>;
  readonly #grouped: GroupedCatalog;
  readonly #prepared: Prepared;
  readonly #node: string;

  constructor({ address, node, lagMs = 0 }: PostgresCatalogOptions) {
    this.#prepared = new Prepared(address, { name: "catalog", migrations, always: createPieces });
    this.#node = node;
    this.#db = openPostgres<PostgresTables>(address);
    const db = this.#db as unknown as Kysely<Tables>;
    this.#grouped = new GroupedCatalog({ db, search: postgresSearch, node, lagMs, groupSize, isClash });
  }

  record(summary: Summary, options?: RecordOptions): Promise<void> {
    return this.#prepared.use(() => this.#grouped.record(summary, options));
  }

  forget(id: QueueId): Promise<void> {
    return this.#prepared.use(() => this.#grouped.forget(id));
  }

  get(id: QueueId): Promise<Listed | null> {
    return this.#prepared.use(() => this.#grouped.get(id));
  }

  find(where: Query, page: Page): Promise<readonly Listed[]> {
    return this.#prepared.use(() => this.#grouped.find(where, page));
  }

  counts(): Promise<Readonly<Partial<Record<Summary["state"], number>>>> {
    return this.#prepared.use(() => this.#grouped.counts());
  }

  clear(): Promise<void> {
    return this.#prepared.use(async () => {
      await this.#db.deleteFrom("catalog_nodes").where("node", "=", this.#node).execute();
      await this.#grouped.clear();
    });
  }

  close(): Promise<void> {
    return this.#grouped.close();
  }

  /** Have all rows of our node been written once? */
  isFilled(): Promise<boolean> {
    return this.#prepared.use(async () => {
      const query = this.#db.selectFrom("catalog_nodes").select("node").where("node", "=", this.#node);
      return (await query.executeTakeFirst()) !== undefined;
    });
  }

  setFilled(): Promise<void> {
    return this.#prepared.use(async () => {
      const row = { node: this.#node };
      await this.#db
        .insertInto("catalog_nodes")
        .values(row)
        .onConflict((at) => at.doNothing())
        .execute();
    });
  }
}
