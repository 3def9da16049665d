/** What the parts of the records need of their database: reading, and changing in one transaction that the picture of the lists does not hear of. */
import type { Kysely } from "kysely";
import type { Clock } from "../observe/clock.ts";
import type { AccountTables } from "./account-tables.ts";
import type { Tables } from "./tables.ts";

export type AllTables = Tables & AccountTables;

export interface Store {
  readonly clock: Clock;
  read<R>(work: (db: Kysely<AllTables>) => Promise<R>): Promise<R>;
  /** Whole or not at all. */
  write<R>(work: (db: Kysely<AllTables>) => Promise<R>): Promise<R>;
}
