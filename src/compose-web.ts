/** Wires console and API: in the gateway's own process, or in one of their own beside it. */
import { readFileSync } from "node:fs";
import { createSignIn } from "./accounts/sign-in.ts";
import { makeSetupCode } from "./accounts/setup.ts";
import type { Desk } from "./api/desk.ts";
import { createServer } from "./api/server.ts";
import type { Catalog, Listed } from "./catalog/catalog.ts";
import { findPages } from "./compose-pages.ts";
import { type Config, routeName } from "./config-schema.ts";
import { explain, GatewayError } from "./core/errors.ts";
import type { Clock } from "./observe/clock.ts";
import type { StatusSource } from "./observe/http-status.ts";
import type { Log } from "./observe/log.ts";
import type { Records } from "./records/records.ts";

/** A review command, to the gateway of this machine. */
export type AskLocal = (command: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>;

export interface WebOptions {
  readonly config: Config;
  readonly listen: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly records: Records;
  readonly catalog: Catalog;
  readonly status: StatusSource;
  readonly local: AskLocal;
}

export interface Web {
  readonly port: number;
  close(): Promise<void>;
}

const version = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string }
).version;

/** Commands go to the gateway that holds the message. */
async function createAsking(config: Config, local: AskLocal) {
  const asking = config.queue ? (await import("./compose-remote.ts")).openAsking(config) : null;
  return {
    review(listed: Listed, command: string, args: Readonly<Record<string, unknown>>, id?: string): Promise<unknown> {
      // What has just been written has no node yet: it is ours.
      if (listed.node === config.cluster.node || listed.node === "") return local(command, args);
      if (asking) return asking.ask(listed.node, command, args, id);
      const remedy = `ask the console on ${listed.node}, or set queue on all nodes: it carries commands to them`;
      throw new GatewayError("NOT_FOUND", { id: listed.queueId, node: listed.node, remedy });
    },
    close: () => asking?.close(),
  };
}

/** Whoever reads the log of the first start becomes the first admin. */
async function tellSetupCode({ config, records, clock, log }: WebOptions): Promise<void> {
  try {
    const code = await makeSetupCode(records.accounts, clock);
    if (code !== null)
      log.warn("set_up", {
        code,
        url: config.web.url ?? `http://${config.listen.web ?? ""}`,
        remedy:
          "open the console within a day and make the first admin with this code; sallyport users setup makes another",
      });
  } catch (error) {
    log.warn("set_up_failed", { error_cause: explain(error) });
  }
}

export async function startWeb(options: WebOptions): Promise<Web> {
  const { config, listen, log, clock, records, catalog, status, local } = options;
  const asking = await createAsking(config, local);
  const { web } = config;
  const desk: Desk = {
    catalog,
    records,
    signIn: createSignIn({ accounts: records.accounts, clock }),
    routes: config.routes.map((route) => ({
      name: routeName(route),
      organisation: route.organisation ?? null,
      domains: route.domains,
    })),
    settings: {
      origin: web.url ?? null,
      sessionMs: web.session,
      idleMs: web.idle,
      secondFactor: web.second_factor,
      contentNeedsReason: web.content_needs_reason,
      hostname: config.hostname,
    },
    clock,
    log,
    review: asking.review,
  };
  const app = await createServer({
    desk,
    status,
    pages: findPages(),
    version,
    log,
    proxies: web.proxies,
    requestsPerMinute: web.requests_per_minute,
  });
  const at = listen.lastIndexOf(":");
  await app.listen({ port: Number(listen.slice(at + 1)), host: listen.slice(0, at).replace(/^\[|\]$/g, "") });
  app.server.maxConnections = 1_000;
  const address = app.server.address();
  await tellSetupCode(options);
  return {
    port: typeof address === "object" && address ? address.port : 0,
    async close() {
      await app.close();
      asking.close();
    },
  };
}
