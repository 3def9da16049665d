/** Nodes and releases, in the database that all nodes share: who is there, what was published, what is in force. */
import { type ColumnType, type Generated, type Kysely, type Selectable, sql } from "kysely";
import { type Migrations, Prepared } from "../database/migrate.ts";
import { type DatabaseAddress, openPostgres } from "../database/postgres.ts";

/** Written as text, read as Date. */
type Time = ColumnType<Date, string, string>;

interface Tables {
  nodes: {
    instance: string;
    node: string;
    role: string;
    version: string;
    /** Compiled and ready, or in force; null if none was ever. */
    ready_release: number | null;
    active_release: number | null;
    error: string | null;
    /** By the node's clock; `seen` is by the database's. */
    clock: Time;
    started: Time;
    seen: ColumnType<Date, never, never>;
  };
  releases: {
    n: Generated<number>;
    sha256: string;
    blob: string;
    rule_set: string;
    policy_version: string;
    rules: number;
    by: string;
    note: string;
    at: ColumnType<Date, never, never>;
    activated_at: ColumnType<Date | null, never, never>;
  };
}

const migrations: Migrations = {
  "001 nodes and releases": async (db: Kysely<unknown>) => {
    await sql`create table nodes (instance text primary key, node text not null, role text not null, version text not null,
      ready_release int, active_release int, error text, clock timestamptz not null, started timestamptz not null,
      seen timestamptz not null default now())`.execute(db);
    await sql`create table releases (n int generated always as identity primary key, sha256 text not null, blob text not null,
      rule_set text not null, policy_version text not null, rules int not null, by text not null, note text not null,
      at timestamptz not null default now(), activated_at timestamptz)`.execute(db);
  },
};

/** Who has not been heard of for so long is dead, and waited for no more. */
const silence = sql`interval '30 seconds'`;
const forgotten = sql`interval '1 day'`;

export interface NodeReport {
  readonly instance: string;
  readonly node: string;
  readonly role: "serve" | "work";
  readonly version: string;
  readonly ready: number | null;
  readonly active: number | null;
  readonly error: string | null;
  readonly clock: Date;
  readonly started: Date;
}

export interface NodeSeen extends Omit<NodeReport, "role" | "clock"> {
  readonly role: string;
  /** By how much its clock is ahead of the database's. */
  readonly aheadMs: number;
  /** Since its last sign of life. */
  readonly silentMs: number;
  readonly isAlive: boolean;
}

export interface Release {
  readonly n: number;
  readonly sha256: string;
  /** Under which name the sealed bundle lies in the blob store. */
  readonly blob: string;
  readonly ruleSet: string;
  readonly policyVersion: string;
  readonly rules: number;
  readonly by: string;
  readonly note: string;
  readonly at: Date;
  /** Null until every living node has it ready. */
  readonly activatedAt: Date | null;
}

const toRelease = (row: Selectable<Tables["releases"]>): Release => ({
  n: row.n,
  sha256: row.sha256,
  blob: row.blob,
  ruleSet: row.rule_set,
  policyVersion: row.policy_version,
  rules: row.rules,
  by: row.by,
  note: row.note,
  at: row.at,
  activatedAt: row.activated_at,
});

export class Releases {
  readonly #db: Kysely<Tables>;
  readonly #prepared: Prepared;

  constructor(address: DatabaseAddress) {
    this.#prepared = new Prepared(address, { name: "cluster", migrations });
    this.#db = openPostgres<Tables>(address, { most: 1 });
  }

  /** Returns its number. */
  publish(made: Omit<Release, "n" | "at" | "activatedAt">): Promise<number> {
    const { ruleSet, policyVersion, ...rest } = made;
    const row = { ...rest, rule_set: ruleSet, policy_version: policyVersion };
    return this.#prepared.use(async () => {
      const { n } = await this.#db.insertInto("releases").values(row).returning("n").executeTakeFirstOrThrow();
      return n;
    });
  }

  /** Newest first. */
  list(limit: number): Promise<readonly Release[]> {
    return this.#prepared.use(async () => {
      const rows = await this.#db.selectFrom("releases").selectAll().orderBy("n", "desc").limit(limit).execute();
      return rows.map(toRelease);
    });
  }

  get(n: number): Promise<Release | null> {
    return this.#prepared.use(async () => {
      const row = await this.#db.selectFrom("releases").selectAll().where("n", "=", n).executeTakeFirst();
      return row ? toRelease(row) : null;
    });
  }

  /** What all are to make ready, and what is in force: often the same. */
  wanted(): Promise<{ readonly newest: Release | null; readonly active: Release | null }> {
    return this.#prepared.use(async () => {
      const all = this.#db.selectFrom("releases").selectAll().orderBy("n", "desc").limit(1);
      const [newest, active] = [
        await all.executeTakeFirst(),
        await all.where("activated_at", "is not", null).executeTakeFirst(),
      ];
      return { newest: newest ? toRelease(newest) : null, active: active ? toRelease(active) : null };
    });
  }

  /** A sign of life. */
  report({ instance, node, role, version, ready, active, error, clock, started }: NodeReport): Promise<void> {
    const row = {
      ...{ instance, node, role, version, error },
      ...{ ready_release: ready, active_release: active },
      ...{ clock: clock.toISOString(), started: started.toISOString() },
    };
    return this.#prepared.use(async () => {
      await this.#db
        .insertInto("nodes")
        .values(row)
        .onConflict((same) => same.column("instance").doUpdateSet({ ...row, seen: sql<never>`now()` } as typeof row))
        .execute();
    });
  }

  /** Puts the newest release in force if every living node has it ready; whoever sees that first does it. */
  activate(n: number): Promise<boolean> {
    return this.#prepared.use(async () => {
      const { numAffectedRows } = await sql`update releases set activated_at = now()
        where n = ${n} and activated_at is null and n = (select max(n) from releases)
        and exists (select 1 from nodes where seen > now() - ${silence})
        and not exists (select 1 from nodes where seen > now() - ${silence} and ready_release is distinct from ${n})`.execute(
        this.#db,
      );
      return numAffectedRows === 1n;
    });
  }

  nodes(): Promise<readonly NodeSeen[]> {
    return this.#prepared.use(async () => {
      const rows = await this.#db
        .selectFrom("nodes")
        .selectAll()
        .select([
          sql<number>`(extract(epoch from clock - seen) * 1000)::float8`.as("ahead"),
          sql<number>`(extract(epoch from clock_timestamp() - seen) * 1000)::float8`.as("silent"),
          sql<boolean>`seen > now() - ${silence}`.as("alive"),
        ])
        .orderBy("node")
        .orderBy("role")
        .execute();
      return rows.map((row) => ({
        ...{ instance: row.instance, node: row.node, role: row.role, version: row.version, error: row.error },
        ...{ ready: row.ready_release, active: row.active_release, started: row.started },
        ...{ aheadMs: row.ahead, silentMs: row.silent, isAlive: row.alive },
      }));
    });
  }

  /** Of a node that ends, and of those that have been dead for a day. */
  leave(instance: string): Promise<void> {
    return this.#prepared.use(async () => {
      await sql`delete from nodes where instance = ${instance} or seen < now() - ${forgotten}`.execute(this.#db);
    });
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }
}
