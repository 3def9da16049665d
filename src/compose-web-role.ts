/** `sallyport web`: console and API in a process of their own, over the databases of the gateways. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { openCommandCatalog, catalogFile, openRecords } from "./compose-stores.ts";
import { startWeb } from "./compose-web.ts";
import type { Config } from "./config-schema.ts";
import { ask } from "./control/client.ts";
import { explain, GatewayError } from "./core/errors.ts";
import { systemClock } from "./observe/clock.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics } from "./observe/metrics.ts";

export interface WebRole {
  readonly port: number;
  readonly log: Log;
  stop(): Promise<void>;
}

/** Throws LISTEN_FAILED, CONFIG_INVALID, CONTROL_UNAVAILABLE, DATABASE_UNAVAILABLE. */
export async function startWebRole(config: Config, listen: string | null): Promise<WebRole> {
  if (listen === null)
    throw new GatewayError("CONFIG_INVALID", { problem: "listen.web is null", remedy: "--listen HOST:PORT" });
  if (config.catalog === undefined && !existsSync(catalogFile(config)))
    throw new GatewayError("CONTROL_UNAVAILABLE", {
      problem: `${catalogFile(config)} is not there`,
      remedy: "start the gateway once: it makes the catalog",
    });
  const log = createLog(config.log.level);
  const clock = systemClock;
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const records = await openRecords({ config, log, clock, watch: true });
    closers.push(() => records.close());
    const catalog = await openCommandCatalog(config, log);
    closers.push(() => catalog.close());
    const metrics = createMetrics();
    const socket = join(config.data_dir, "control.sock");
    const web = await startWeb({
      config,
      listen,
      log,
      clock,
      records,
      catalog,
      local: (command, args) => ask(socket, { command, args }),
      status: {
        metrics: () => metrics.registry.metrics(),
        unhealthy: () => null,
        unready: () =>
          catalog.counts().then(
            () => null,
            (error: unknown) => explain(error),
          ),
      },
    });
    closers.push(() => web.close());
    log.info("started", { role: "web", node: config.cluster.node, listen: [listen] });
    return {
      port: web.port,
      log,
      async stop() {
        await closeAll();
        log.info("stopped");
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
