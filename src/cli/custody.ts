/** How commands reach the messages: through the running gateway, or, if none runs, by holding its lock themselves. */
import { userInfo } from "node:os";
import { join } from "node:path";
import { ask } from "../control/client.ts";
import type { Config } from "../config-schema.ts";
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import { isQueueId } from "../core/queue-id.ts";
import { systemClock } from "../observe/clock.ts";
import { createLog } from "../observe/log.ts";
import { openJournal } from "../spool/disk-journal.ts";
import { openSpool } from "../spool/disk-spool.ts";
import type { Journal } from "../spool/journal.ts";
import type { Spool } from "../spool/spool.ts";

export const toStandardError = { write: (line: string) => void process.stderr.write(line) };

export interface Custody {
  readonly spool: Spool;
  readonly journal: Journal;
}

/** Opens spool and journal, with their lock unless `readOnly`. Throws SPOOL_LOCKED, SPOOL_FORMAT. */
export async function withCustody<T>(
  config: Config,
  readOnly: boolean,
  work: (custody: Custody) => Promise<T>,
): Promise<T> {
  const log = createLog("warn", toStandardError);
  const clock = systemClock;
  const spool = await openSpool({
    dir: join(config.data_dir, "spool"),
    memoryLimit: config.spool.memory,
    minFree: 0,
    clock,
    log,
    readOnly,
  });
  try {
    const journal = await openJournal({ dir: join(config.data_dir, "journal"), clock, log, readOnly });
    try {
      return await work({ spool, journal });
    } finally {
      await journal.close();
    }
  } finally {
    await spool.close();
  }
}

export const controlSocket = (config: Config): string => join(config.data_dir, "control.sock");

/** Asks the running gateway; throws CONTROL_UNAVAILABLE if there is none. */
export const askGateway = (
  config: Config,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<unknown> => ask(controlSocket(config), { command, args });

/** A message that is not where it was looked for: to a person it is just not there. */
export async function orNotFound<T>(id: QueueId, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isGatewayError(error, "SPOOL_NOT_THERE")) throw error;
    throw new GatewayError("NOT_FOUND", {
      id,
      remedy: "see `sallyport quarantine list --all`, `sallyport queue list`",
    });
  }
}

export function queueId(text: string): QueueId {
  if (isQueueId(text)) return text;
  throw new GatewayError("USAGE", {
    id: text,
    remedy: "a queue id has 26 letters and digits; `sallyport quarantine list` shows them",
  });
}

/** Who acts, for the records. */
export const actor = (given: string | undefined): string => given ?? userInfo().username;
