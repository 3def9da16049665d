/** Opens what people have decided (allow, block, disabled rules, bypass) for the length of one command. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config-schema.ts";
import { systemClock } from "../observe/clock.ts";
import type { Records } from "../records/records.ts";
import { openRecords } from "../records/sqlite.ts";

/** A running gateway sees what is written here; before its first start there may be no folder yet. */
export async function withRecords<T>(config: Config, work: (records: Records) => T | Promise<T>): Promise<T> {
  mkdirSync(config.data_dir, { recursive: true, mode: 0o700 });
  const records = openRecords({ file: join(config.data_dir, "records.sqlite"), clock: systemClock });
  try {
    return await work(records);
  } finally {
    await records.close();
  }
}
