/** Opens what people have decided (allow, block, disabled rules, bypass) for the length of one command. */
import { openRecords } from "../compose-stores.ts";
import type { Config } from "../config-schema.ts";
import { systemClock } from "../observe/clock.ts";
import { createLog } from "../observe/log.ts";
import type { Records } from "../records/records.ts";
import { toStandardError } from "./custody.ts";

/** A running gateway sees what is written here. */
export async function withRecords<T>(config: Config, work: (records: Records) => T | Promise<T>): Promise<T> {
  const log = createLog("warn", toStandardError);
  const records = await openRecords({ config, log, clock: systemClock, watch: false });
  try {
    return await work(records);
  } finally {
    await records.close();
  }
}
