/** JSON lines on standard output, with the field names of docs/operations.md. One line at accept or claim, one at the end of a message; state changes at debug (R28). */
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

/** `sink` is for tests; JSON escapes every control character, so a hostile name cannot forge a line or move a cursor. */
export function createLog(level: "debug" | "info" | "warn" | "error", sink?: Sink): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  return wrap(sink ? pino(options, sink) : pino(options, pino.destination({ dest: 1, sync: true })));
}

export const silent: Log = createLog("error", { write: () => undefined });
