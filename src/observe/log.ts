/** JSON lines on standard output, with the field names of docs/operations.md. One line at accept or claim, one at the end of a message; state changes at debug (R28). */
import { writeSync } from "node:fs";
import pino from "pino";

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  child(fields: Fields): Log;
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (event, fields) => logger.debug({ event, ...fields }),
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
    child: (fields) => wrap(logger.child(fields)),
  };
}

export interface Sink {
  write(line: string): void;
}

/** Lines wait this long for others, so that a busy gateway does not pay a system call for each; warnings do not wait. */
const lagMs = 100;
const longestWait = 64 * 1024;

/** Standard output, written in pieces; whatever is still held goes out when the process ends. */
function standardOutput(): Sink {
  let held = "";
  let timer: NodeJS.Timeout | null = null;
  const flush = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    const text = held;
    held = "";
    const octets = Buffer.from(text);
    for (let at = 0; at < octets.length; ) at += writeSome(octets.subarray(at));
  };
  process.on("exit", flush);
  return {
    write(line) {
      held += line;
      if (held.length > longestWait || urgent.test(line)) flush();
      else timer ??= setTimeout(flush, lagMs).unref();
    },
  };
}

const urgent = /^\{"level":"(?:warn|error)"/;

const pause = new Int32Array(new SharedArrayBuffer(4));

/** A pipe may be full for a moment, or its reader gone for good: then logging must not end the gateway. */
function writeSome(octets: Uint8Array): number {
  try {
    return writeSync(1, octets);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") return octets.length;
    Atomics.wait(pause, 0, 0, 5);
    return 0;
  }
}

/** `sink` is for tests; JSON escapes every control character, so a hostile name cannot forge a line or move a cursor. */
export function createLog(level: "debug" | "info" | "warn" | "error", sink?: Sink): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return wrap(pino(options, sink ?? standardOutput()));
}

export const silent: Log = createLog("error", { write: () => undefined });
