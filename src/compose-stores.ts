/** Catalog and records as the configuration has them: files of this machine, or a PostgreSQL that all nodes share. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Catalog, Filling } from "./catalog/catalog.ts";
import { type Fill, PatientCatalog } from "./catalog/patient.ts";
import type { PostgresCatalog } from "./catalog/postgres.ts";
import { openCatalog } from "./catalog/sqlite.ts";
import type { Config, DatabaseConfig } from "./config-schema.ts";
import { explain, GatewayError } from "./core/errors.ts";
import type { DatabaseAddress } from "./database/postgres.ts";
import type { Clock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import type { Records } from "./records/records.ts";
import { openRecords as openSqliteRecords } from "./records/sqlite.ts";

export interface StoredCatalog {
  readonly catalog: Catalog;
  /** `fill` is called, beside the work, whenever rows of ours are missing. Returns what ends it early. */
  keepFilled(fill: Fill): { close(): Promise<void> };
}

export interface StoreOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
}

const lagMs = 250;
export const catalogFile = (config: Config): string => join(config.data_dir, "catalog.sqlite");
export const recordsFile = (config: Config): string => join(config.data_dir, "records.sqlite");

function read(key: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new GatewayError("CONFIG_UNREADABLE", { key, file }, error);
  }
}

/** Throws CONFIG_UNREADABLE. */
export const addressOf = ({ url, password_file: password, tls_ca: ca }: DatabaseConfig): DatabaseAddress => ({
  url,
  ...(password === undefined ? {} : { password: read("catalog.password_file", password).replace(/\r?\n$/, "") }),
  ...(ca === undefined ? {} : { ca: read("catalog.tls_ca", ca) }),
});

/** Loaded by those who have one: a driver takes memory and time to start. */
async function postgresCatalog(config: Config, database: DatabaseConfig, lag: number): Promise<PostgresCatalog> {
  const { PostgresCatalog: Remote } = await import("./catalog/postgres.ts");
  return new Remote({ address: addressOf(database), node: config.cluster.node, lagMs: lag });
}

/** For the length of one command. Nothing is connected before it is needed. */
export function openCommandCatalog(config: Config, log: Log): Promise<Catalog & Filling> {
  if (config.catalog !== undefined) return postgresCatalog(config, config.catalog, 0);
  return openCatalog({ file: catalogFile(config), log, node: config.cluster.node });
}

/** For as long as a gateway runs. */
export async function openGatewayCatalog({ config, log, clock }: StoreOptions): Promise<StoredCatalog> {
  if (config.catalog !== undefined) {
    const marker = join(config.data_dir, "catalog-missing-since");
    const remote = await postgresCatalog(config, config.catalog, lagMs);
    const catalog = new PatientCatalog({ catalog: remote, log, clock, marker });
    return {
      catalog,
      keepFilled(fill) {
        catalog.keepFilled(fill);
        return { close: () => catalog.rest() };
      },
    };
  }
  const catalog = await openCatalog({ file: catalogFile(config), log, lagMs, node: config.cluster.node });
  return {
    catalog,
    keepFilled(fill) {
      const stop = new AbortController();
      const filling = async (): Promise<void> => {
        if (await catalog.isFilled()) return;
        const isEmpty = Object.keys(await catalog.counts()).length === 0;
        await fill(isEmpty ? null : new Date(0), stop.signal);
        if (!stop.signal.aborted) await catalog.setFilled();
      };
      const heard = filling().catch((error: unknown) =>
        log.warn("catalog_lags", { error_cause: explain(error), remedy: "sallyport rebuild" }),
      );
      return {
        close() {
          stop.abort();
          return heard;
        },
      };
    },
  };
}

/** `watch`: for as long as a process runs. Throws RECORDS_UNREADABLE, DATABASE_UNAVAILABLE. */
export async function openRecords({
  config,
  log,
  clock,
  watch,
}: StoreOptions & { readonly watch: boolean }): Promise<Records> {
  mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
  if (config.catalog === undefined) return openSqliteRecords({ file: recordsFile(config), clock });
  const { PostgresRecords } = await import("./records/postgres.ts");
  const copy = join(config.data_dir, "records-copy.json");
  return PostgresRecords.open({ address: addressOf(config.catalog), clock, log, copy, watch });
}
