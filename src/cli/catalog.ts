/** The catalog for the length of one command. If it was lost it is made again first, from spool and journal. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Catalog } from "../catalog/catalog.ts";
import { openCatalog, type SqliteCatalog } from "../catalog/sqlite.ts";
import { fillCatalog } from "../compose-rebuild.ts";
import type { Config } from "../config-schema.ts";
import { createLog } from "../observe/log.ts";
import { type Custody, toStandardError, withCustody } from "./custody.ts";

const fileOf = (config: Config): string => join(config.data_dir, "catalog.sqlite");
const open = (config: Config): Promise<SqliteCatalog> =>
  openCatalog({ file: fileOf(config), log: createLog("warn", toStandardError) });

/** Beside a custody that the caller holds. */
export async function openFilled(config: Config, custody: Custody): Promise<Catalog> {
  const catalog = await open(config);
  if (catalog.isNew) await fillCatalog({ catalog, ...custody });
  return catalog;
}

/** For lists. Null before the first start: there is nothing to be listed. */
export async function withCatalog<T>(config: Config, work: (catalog: Catalog) => Promise<T>): Promise<T | null> {
  if (!existsSync(config.data_dir)) return null;
  const lost = !existsSync(fileOf(config));
  const catalog = lost ? await withCustody(config, true, (custody) => openFilled(config, custody)) : await open(config);
  try {
    return await work(catalog);
  } finally {
    await catalog.close();
  }
}
