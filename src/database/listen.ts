/** Hears of changes at once, by LISTEN on a connection of its own. It may be silent for a time, so whoever listens also asks now and then. */
import pg from "pg";
import type { Millis } from "../core/message.ts";
import { clientConfig, type DatabaseAddress } from "./postgres.ts";

const againMs: Millis = 5_000;

export interface Listening {
  close(): Promise<void>;
}

/** `channel` is a plain word. `onNotice` is also called after each connection: something may have been missed. */
export function listen(address: DatabaseAddress, channel: string, onNotice: () => void): Listening {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;

  function again(gone: pg.Client): void {
    if (client !== gone) return;
    client = null;
    gone.end().catch(() => undefined);
    if (!isClosed) timer = setTimeout(connect, againMs).unref();
  }

  function connect(): void {
    const made = new pg.Client(clientConfig(address));
    client = made;
    made.on("error", () => again(made));
    made.on("end", () => again(made));
    made.on("notification", onNotice);
    made
      .connect()
      .then(() => made.query(`listen ${channel}`))
      .then(onNotice)
      .catch(() => again(made));
  }

  connect();
  return {
    async close() {
      isClosed = true;
      if (timer) clearTimeout(timer);
      const last = client;
      client = null;
      await last?.end().catch(() => undefined);
    },
  };
}
