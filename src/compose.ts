/** Builds a gateway from a configuration; with compose-*.ts the only place that names implementations. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startListener } from "./accept/listener.ts";
import { startBookkeeping } from "./compose-books.ts";
import { createCustodyParts } from "./compose-custody.ts";
import { createGauges } from "./compose-metrics.ts";
import { type Scanner, startScanner } from "./compose-scan.ts";
import { type Config, type RouteConfig, routeName } from "./config-schema.ts";
import { startControl } from "./control/server.ts";
import type { Millis, QueueId } from "./core/message.ts";
import { type Reply, reply } from "./core/status.ts";
import { systemClock } from "./observe/clock.ts";
import { startStatusServer } from "./observe/http-status.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics } from "./observe/metrics.ts";
import { openRecords } from "./records/sqlite.ts";
import { openJournal } from "./spool/disk-journal.ts";
import { openSpool } from "./spool/disk-spool.ts";
import type { Syscalls } from "./spool/durable.ts";

export interface Gateway {
  readonly smtp: readonly { readonly host: string; readonly port: number }[];
  readonly web: number | null;
  readonly scanner: Scanner;
  readonly log: Log;
  /** Re-reads rules and policy; a mistake in either changes nothing. */
  reload(): Promise<void>;
  /** Ends what can end within the grace period, then closes; nothing that got a 250 is lost by it. */
  stop(graceMs?: Millis): Promise<void>;
}

const diskLow = reply(4, 52, "3.1", "Not enough disk space, please come back");
const overloaded = reply(4, 51, "3.2", "Too many messages are being looked at, please come back");

export const controlSocket = (config: Config): string => join(config.data_dir, "control.sock");

/** For tests that look at, or break, what the gateway does to the disk. */
export interface GatewayOptions {
  readonly syscalls?: Syscalls;
}

export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const log = createLog(config.log.level);
  const clock = systemClock;
  const metrics = createMetrics();
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    mkdirSync(config.data_dir, { recursive: true, mode: 0o711 });
    const books = await startBookkeeping({ config, log, metrics });
    closers.push(() => books.close());
    let onCorrupt: (id: QueueId) => void = () => undefined;
    const spool = await openSpool({
      dir: join(config.data_dir, "spool"),
      memoryLimit: config.spool.memory,
      minFree: config.spool.min_free,
      clock,
      log,
      events(event) {
        books.onMove(event);
        if (event.to === "corrupt") onCorrupt(event.id);
      },
      ...options,
    });
    closers.push(() => spool.close());
    const journal = await openJournal({ dir: join(config.data_dir, "journal"), clock, log, ...options });
    closers.push(() => journal.close());
    const records = openRecords({ file: join(config.data_dir, "records.sqlite"), clock });
    closers.push(() => records.close());
    const scanner = await startScanner({ config, log, clock, metrics, records });
    closers.push(() => scanner.close());

    const routes: ReadonlyMap<string, RouteConfig> = new Map(config.routes.map((route) => [routeName(route), route]));
    const parts = createCustodyParts({ config, routes, spool, journal, scanner, log, clock, onEvent: books.onMessage });
    closers.push(() => parts.nextHops.close());
    onCorrupt = parts.corrupt;
    for (const { id } of spool.recovered.corrupt) parts.corrupt(id);
    await parts.manager.start();
    closers.push(() => parts.manager.stop(config.smtp.drain));

    const gauges = createGauges({ metrics, spool, journal, scanner, manager: parts.manager, clock });
    closers.push(async () => gauges.close());
    const housekeeping = parts.startHousekeeping();
    closers.push(async () => housekeeping.close());

    const control = await startControl(controlSocket(config), parts.handlers(reload));
    closers.push(() => control.close());
    const status = config.listen.web === null ? null : await startStatusServer(config.listen.web, gauges.source);
    if (status) closers.push(() => status.close());

    const admit = (): Reply | null => (gauges.isDiskLow() ? diskLow : parts.manager.hasRoom() ? null : overloaded);
    const listener = await startListener({
      config,
      spool,
      log,
      clock,
      verify: (route, reversePath, forwardPath, signal) =>
        parts.nextHops.verify(route, reversePath, forwardPath, signal),
      receive: parts.receive,
      admit,
      blocked: () => null,
      onEvent: books.onAccept,
    });
    closers.push(() => listener.close());
    gauges.setReady();
    log.info("started", {
      listen: listener.addresses.map(({ host, port }) => `${host}:${port}`),
      ...scanner.describe(),
    });

    async function reload(): Promise<void> {
      await scanner.reload();
    }
    return {
      smtp: listener.addresses,
      web: status?.port ?? null,
      scanner,
      log,
      reload,
      async stop(graceMs = config.smtp.drain) {
        gauges.setDraining();
        await listener.drain(graceMs);
        await closeAll();
        log.info("stopped");
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
