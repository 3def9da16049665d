/** Builds a gateway from a configuration; with compose-*.ts the only place that names implementations. */
import { accessSync, constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { startListener } from "./accept/listener.ts";
import { startAlerts } from "./compose-alerts.ts";
import { startBookkeeping } from "./compose-books.ts";
import { joinOthers } from "./compose-among.ts";
import { createCustodyParts } from "./compose-custody.ts";
import { startFollowedScanner } from "./compose-followed.ts";
import { findHeld } from "./compose-held.ts";
import { createGauges } from "./compose-metrics.ts";
import { startRuleTimes } from "./compose-rule-times.ts";
import type { Scanner } from "./compose-scan.ts";
import { openRecords } from "./compose-stores.ts";
import { type AskLocal, startWeb } from "./compose-web.ts";
import { keepWords } from "./compose-words.ts";
import { type Config, type RouteConfig, routeName } from "./config-schema.ts";
import { startControl } from "./control/server.ts";
import { explain, GatewayError } from "./core/errors.ts";
import type { Millis, QueueId } from "./core/message.ts";
import { says } from "./core/replies.ts";
import type { Reply } from "./core/status.ts";
import { systemClock } from "./observe/clock.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics } from "./observe/metrics.ts";
import { loadPolicy } from "./policy-file.ts";
import { openJournal } from "./spool/disk-journal.ts";
import { openSpool, type SpoolEvent } from "./spool/disk-spool.ts";
import type { JournalLine } from "./spool/journal.ts";
import type { Syscalls } from "./spool/durable.ts";

export interface Gateway {
  readonly smtp: readonly { readonly host: string; readonly port: number }[];
  readonly web: number | null;
  readonly scanner: Scanner;
  readonly log: Log;
  /** Re-reads rules, policy and certificate; a mistake in one of them changes nothing. */
  reload(): Promise<void>;
  /** Ends what can end within the grace period, then closes; nothing that got a 250 is lost by it. */
  stop(graceMs?: Millis): Promise<void>;
}

export const controlSocket = (config: Config): string => join(config.data_dir, "control.sock");

function makeDataDir(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const remedy = "give it to the user that runs sallyport, or name another folder";
    throw new GatewayError("DATA_UNWRITABLE", { data_dir: folder, remedy }, error);
  }
}

/** `EADDRINUSE` and the like are for people to mend; whatever has no such code is something else. */
const cannotListen =
  (key: string, address: string) =>
  (error: unknown): never => {
    const isSystems =
      error instanceof Error && "syscall" in error && /^(?:listen|bind|getaddrinfo)$/.test(String(error.syscall));
    if (!isSystems) throw error;
    const remedy = `free the address (ss -ltnp shows who has it), or change ${key}`;
    throw new GatewayError("LISTEN_FAILED", { key, address, remedy }, error);
  };

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
    // Before anything is made: a mistake in the policy is the likeliest one.
    loadPolicy(config.policy);
    makeDataDir(config.data_dir);
    let onMove: (event: SpoolEvent) => void = () => undefined;
    const spool = await openSpool({
      dir: join(config.data_dir, "spool"),
      memoryLimit: config.spool.memory,
      minFree: config.spool.min_free,
      clock,
      log,
      events: (event) => onMove(event),
      ...options,
    });
    closers.push(() => spool.close());
    // Only now, with the lock: nothing else is opened beside a gateway that runs (R13).
    const books = await startBookkeeping({ config, log, metrics });
    closers.push(() => books.close());
    let onLine: (line: JournalLine) => void = () => undefined;
    const journal = books.followed(
      await openJournal({ dir: join(config.data_dir, "journal"), clock, log, ...options }),
      (line) => onLine(line),
    );
    closers.push(() => journal.close());
    const among = await joinOthers({ config, spool, journal, clock, log, registry: metrics.registry });
    closers.push(() => among.close());
    const refilling = books.refill(spool, journal);
    closers.push(() => refilling.close());
    const records = await openRecords({ config, log, clock, watch: true });
    closers.push(() => records.close());
    const keeping = keepWords(config, clock);
    closers.push(async () => keeping?.close());
    const words = keeping?.words ?? null;
    const followed = await startFollowedScanner({ config, log, clock, metrics, records, words });
    closers.push(() => followed.close());
    const { scanner } = followed;

    const routes: ReadonlyMap<string, RouteConfig> = new Map(config.routes.map((route) => [routeName(route), route]));
    const parts = createCustodyParts({
      config,
      routes,
      spool,
      journal,
      scanner,
      words,
      log,
      clock,
      onEvent: books.onMessage,
      onVerdict: (elapsedMs) => metrics.judgeSeconds.observe(elapsedMs / 1000),
    });
    closers.push(() => parts.nextHops.close());
    const gauges = await createGauges({ metrics, spool, journal, scanner, manager: parts.manager, clock });
    closers.push(async () => gauges.close());
    onLine = gauges.onLine;
    const ruleTimes = startRuleTimes({ scanner, metrics, log });
    closers.push(() => ruleTimes.close());
    const { isDiskLow, room, unaccounted } = gauges;
    const alerts = startAlerts({ config, clock, log, metrics, scanner, parts, room, unaccounted });
    closers.push(() => alerts.close());
    const corrupt = (id: QueueId): void => {
      parts.corrupt(id);
      alerts.corrupt(id);
    };
    onMove = (event) => {
      books.onMove(event);
      gauges.onMove(event);
      among.onMove(event);
      if (event.to === "corrupt") corrupt(event.id);
    };
    for (const { id } of spool.recovered.corrupt) corrupt(id);
    const tellHeld = await findHeld({ spool, journal, clock, custody: parts.custody });
    await parts.awaitWords();
    await parts.manager.start();
    closers.push(() => parts.manager.stop(config.smtp.drain));
    among.start();
    void tellHeld().catch((error: unknown) => log.error("failed", { error_cause: explain(error) }));

    const housekeeping = parts.startHousekeeping({
      onSoon: alerts.expiresSoon,
      onExpired: (held, why) => metrics.heldExpired.inc({ class: held, why }),
      onTotals(totals) {
        alerts.held(totals);
        gauges.held(totals);
      },
    });
    closers.push(async () => housekeeping.close());

    const { web: webAt } = config.listen;
    let local: AskLocal = () => Promise.reject(new GatewayError("CONTROL_UNAVAILABLE", { problem: "starting" }));
    const web =
      webAt === null
        ? null
        : await startWeb({
            ...{ config, listen: webAt, log, clock, records, catalog: books.catalog, status: gauges.source },
            local: (command, args) => local(command, args),
          }).catch(cannotListen("listen.web", webAt));
    if (web) closers.push(() => web.close());

    const admit = (route?: string): Reply | null => {
      if (route !== undefined) return parts.manager.hasRoom(route) ? null : says.routeBusy;
      return isDiskLow() ? says.noSpace : parts.manager.hasRoom() ? null : says.overloaded;
    };
    const listener = await startListener({
      config,
      spool,
      log,
      clock,
      verify: (route, reversePath, forwardPath, signal) =>
        parts.nextHops.verify(route, reversePath, forwardPath, signal),
      receive: parts.receive,
      admit,
      refuses: scanner.refuses,
      onEvent: books.onAccept,
    }).catch(cannotListen("listen.smtp", config.listen.smtp.join(", ")));
    closers.push(() => listener.close());
    const answering = await among.answer(parts);
    closers.push(() => answering.close());
    const handlers = new Map([...parts.handlers(reload), ...answering.handlers]);
    local = async (command, args) => handlers.get(command)?.(args);
    const control = await startControl(controlSocket(config), handlers);
    closers.push(() => control.close());
    gauges.setReady();
    log.info("started", {
      listen: listener.addresses.map(({ host, port }) => `${host}:${port}`),
      ...scanner.describe(),
    });

    async function reload(): Promise<void> {
      await Promise.all([scanner.reload(), listener.refreshCertificate()]);
    }
    return {
      smtp: listener.addresses,
      web: web?.port ?? null,
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
