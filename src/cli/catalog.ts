/** The catalog for the length of one command. If it was lost it is made again first, from spool and journal. */
import { existsSync } from "node:fs";
import type { Catalog } from "../catalog/catalog.ts";
import { fillCatalog } from "../compose-rebuild.ts";
import { catalogFile, openCommandCatalog } from "../compose-stores.ts";
import type { Config } from "../config-schema.ts";
import { createLog } from "../observe/log.ts";
import { type Custody, toStandardError, withCustody } from "./custody.ts";

const open = (config: Config) => openCommandCatalog(config, createLog("warn", toStandardError));

/** Beside a custody that the caller holds. */
export async function openFilled(config: Config, custody: Custody): Promise<Catalog> {
  const catalog = await open(config);
  try {
    if (await catalog.isFilled()) return catalog;
    await fillCatalog({ catalog, ...custody });
    await catalog.setFilled();
    return catalog;
  } catch (error) {
    await catalog.close();
    throw error;
  }
}

/** For lists. Null before the first start: there is nothing to be listed. */
export async function withCatalog<T>(config: Config, work: (catalog: Catalog) => Promise<T>): Promise<T | null> {
  // What all nodes share is listed from any machine, also from one that never had a message.
  const isShared = config.catalog !== undefined;
  if (!isShared && !existsSync(config.data_dir)) return null;
  const isLost = !isShared && !existsSync(catalogFile(config));
  const catalog = isLost
    ? await withCustody(config, true, (custody) => openFilled(config, custody))
    : await open(config);
  try {
    return await work(catalog);
  } finally {
    await catalog.close();
  }
}
