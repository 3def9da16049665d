/** Sets smtp-server up: where it listens, what it offers, its certificate, and how it goes down. */
import type { AddressInfo } from "node:net";
import { explain } from "../core/errors.ts";
import { openCertificates } from "./certificates.ts";
import type { AcceptDeps } from "./deps.ts";
import type { Edge } from "./edge.ts";
import { Limits } from "./limits.ts";
import { oneOf } from "./networks.ts";
import { asciiDomain } from "./path.ts";
import { Recipients } from "./recipients.ts";
import { says } from "../core/replies.ts";
import { checkSeam } from "./seam.ts";
import { Server } from "./server.ts";
import { Session } from "./session.ts";

export interface Listener {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Takes no more connections, lets transactions end within the time, then closes what is left. */
  drain(graceMs: number): Promise<void>;
  /** Looks at the files of the certificate now; otherwise every ten seconds. */
  refreshCertificate(): Promise<void>;
  /** Closes everything now. */
  close(): Promise<void>;
}

const certificateCheckMs = 10_000;
/** For the 421 to leave, and the client to close. */
const farewellMs = 1000;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** "host:port" or "[address]:port" */
function parseHostPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}

function createEdge(deps: AcceptDeps): Edge {
  const { config, clock, log } = deps;
  const recipients = new Recipients(config);
  const limits = new Limits(config.smtp, clock);
  return {
    hostname: asciiDomain(config.hostname),
    config: config.smtp,
    limits,
    clock,
    log,
    onEvent: (event) => deps.onEvent(event),
    trusts: {
      PROXY: oneOf(config.smtp.proxy_from),
      XCLIENT: oneOf(config.smtp.xclient_from),
      XFORWARD: oneOf(config.smtp.xforward_from),
    },
    newSession: (peer) => new Session(deps, recipients, limits, peer),
  };
}

async function listen(server: Server, where: string): Promise<{ host: string; port: number }> {
  const { host, port } = parseHostPort(where);
  await new Promise<void>((resolve, reject) => {
    server.server.once("error", reject);
    server.listen(port, host, () => {
      server.server.off("error", reject);
      resolve();
    });
  });
  return { host, port: (server.server.address() as AddressInfo).port };
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID (certificate), or the system's error if an address cannot be had. */
export async function startListener(deps: AcceptDeps): Promise<Listener> {
  checkSeam();
  const { config, log } = deps;
  const edge = createEdge(deps);
  const certificates = await openCertificates(config, deps.clock, log);
  const newServer = (): Server =>
    new Server(edge, {
      ...certificates.current,
      minVersion: "TLSv1.2",
      name: config.hostname,
      heloResponse: "%s",
      size: config.smtp.message_size,
      maxClients: config.smtp.max_connections,
      socketTimeout: config.smtp.command_timeout,
      disabledCommands: ["AUTH", "WIZ", "SHELL", "KILL"],
      disableReverseLookup: true,
      authOptional: true,
      hideENHANCEDSTATUSCODES: false,
      logger: false,
    });
  const servers: Server[] = [];
  const open = (): boolean => servers.some((server) => server.open.size > 0);

  /** No new connections; those that have said nothing yet go at once. */
  const stop = (): void => {
    clearInterval(watch);
    for (const server of servers) {
      server.server.close();
      for (const socket of server._pendingSockets.values()) socket.destroy();
    }
  };
  const until = async (isDone: () => boolean, ms: number): Promise<void> => {
    const end = performance.now() + ms;
    while (!isDone() && performance.now() < end) await wait(Math.min(20, ms));
  };
  const drain = async (graceMs: number): Promise<void> => {
    stop();
    const everyone = (): readonly Server["open"][] => servers.map((server) => server.open);
    for (const connections of everyone()) for (const one of connections) one.leave(says.shuttingDown);
    await until(() => !open(), graceMs);
    for (const connections of everyone()) for (const one of connections) one.say(says.shuttingDown);
    await until(() => !open(), Math.min(graceMs, farewellMs));
    for (const connections of everyone()) for (const one of connections) one.destroy();
    await until(() => !open(), farewellMs);
  };

  const refreshCertificate = async (): Promise<void> => {
    if (await certificates.refresh()) for (const server of servers) server.updateSecureContext(certificates.current);
  };
  const watch = setInterval(() => void refreshCertificate(), certificateCheckMs).unref();

  const addresses: { host: string; port: number }[] = [];
  try {
    for (const where of config.listen.smtp) {
      const server = newServer();
      server.on("error", (error: Error) => log.debug("connection_failed", { error_cause: explain(error) }));
      addresses.push(await listen(server, where));
      servers.push(server);
    }
  } catch (error) {
    stop();
    throw error;
  }
  return { addresses, drain, refreshCertificate, close: () => drain(0) };
}
