/** The next hops of all routes: pooled connections, fail-over in the order of the configuration, recipients checked and remembered. */
import { type RouteConfig, routeName } from "../config-schema.ts";
import { GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { says } from "../core/replies.ts";
import type { Reply } from "../core/status.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { failureReply, isHopError } from "./failure.ts";
import type { Delivered, Mixed, NextHop, Outgoing } from "./next-hop.ts";
import { SmtpClient, type Target } from "./smtp-client.ts";
import { newProgress, type Progress, transact } from "./transaction.ts";
import { askRecipient } from "./verify.ts";
import { VerifyCache } from "./verify-cache.ts";

/** For metrics; what a person should read goes to the log as well. */
export type HopEvent =
  | { readonly event: "connected"; readonly hop: string; readonly tls: string | null; readonly elapsedMs: Millis }
  | { readonly event: "unreachable"; readonly hop: string; readonly error: GatewayError; readonly pauseMs: Millis }
  /** A transaction broke off. */
  | { readonly event: "failed"; readonly hop: string; readonly error: GatewayError }
  | { readonly event: "transacted"; readonly hop: string; readonly route: string; readonly elapsedMs: Millis };

export interface NextHopsOptions {
  readonly routes: readonly RouteConfig[];
  /** Our name in EHLO. */
  readonly hostname: string;
  readonly log: Log;
  readonly clock: Clock;
  /** By name of the route: PEM of what its `tls_ca` names. */
  readonly authorities?: ReadonlyMap<string, string>;
  readonly onEvent?: (event: HopEvent) => void;
}

interface Way {
  readonly name: string;
  readonly pools: readonly ConnectionPool[];
  readonly asksFirst: boolean;
  /** `reply_after: delivery`: what cannot be sent on now is not accepted now (R24). */
  readonly isProxy: boolean;
}

/** A client that waits at RCPT is not kept for as long as a transaction may take. */
const verifyMs: Millis = 30_000;
const { recipientUnknowable: unknown, recipientOk: taken } = says;

export function createNextHops(options: NextHopsOptions): NextHop {
  const { hostname, log, clock, authorities, onEvent = () => undefined } = options;
  const cache = new VerifyCache(clock);
  const closing = new AbortController();

  function pool(hop: string, route: RouteConfig): ConnectionPool {
    const target: Target = { hop, hostname, policy: route, ca: authorities?.get(routeName(route)) };
    return new ConnectionPool(target, clock, {
      connected({ wire: { tls } }, elapsedMs) {
        log.debug("next_hop_connected", { next_hop: hop, tls, elapsed_ms: Math.round(elapsedMs) });
        onEvent({ event: "connected", hop, tls, elapsedMs });
      },
      unreachable(error, pauseMs) {
        log.warn("next_hop_unreachable", { next_hop: hop, ...described(error), pause_ms: pauseMs });
        onEvent({ event: "unreachable", hop, error, pauseMs });
      },
    });
  }

  function wayOf(route: RouteConfig): Way {
    return {
      name: routeName(route),
      pools: route.next_hop.map((hop) => pool(hop, route)),
      asksFirst: route.verify_recipients,
      isProxy: route.reply_after === "delivery",
    };
  }

  const ways = new Map(options.routes.map((route) => [routeName(route), wayOf(route)]));

  function way(route: string): Way {
    const found = ways.get(route);
    if (!found) throw new TypeError(`no route ${route}`);
    return found;
  }

  async function sendBy(
    { name, pools }: Way,
    message: Outgoing,
    mixed: Mixed,
    signal: AbortSignal,
  ): Promise<Delivered> {
    let progress = newProgress();
    let failure = unreachable;
    let hop = "";
    for (const each of pools) {
      hop = each.target.hop;
      const began = clock.monotonic();
      try {
        await each.use(signal, (client) => {
          progress = newProgress();
          return transact(client, message, mixed, progress, signal);
        });
        onEvent({ event: "transacted", hop, route: name, elapsedMs: clock.monotonic() - began });
        // What was refused just now is asked about again, whatever the cache knew.
        for (const [path, { status }] of progress.replies) if (status.class === 5) cache.forget(keyOf(name, path));
        return delivered(message, progress, failure, hop);
      } catch (error) {
        if (!isHopError(error)) throw error;
        failure = error;
        onEvent({ event: "failed", hop, error });
        log.debug("next_hop_failed", { queue_id: message.envelope.queueId, next_hop: hop, ...described(error) });
        if (progress.ended || progress.isMixed) break;
      }
    }
    return delivered(message, progress, failure, hop);
  }

  /** Never throws for a hop: what cannot be known is 4yz. */
  async function ask({ name, pools }: Way, reversePath: string, forwardPath: string): Promise<Reply> {
    const key = keyOf(name, forwardPath);
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(verifyMs)]);
    for (const each of pools) {
      try {
        const answer = await each.use(signal, (client) =>
          limited(client, signal, () => askRecipient(client, reversePath, forwardPath)),
        );
        if (answer.isAboutRecipient) cache.keep(key, answer.reply);
        return answer.reply;
      } catch (error) {
        if (signal.aborted) return unknown;
        if (!isHopError(error)) throw error;
      }
    }
    return unknown;
  }

  return {
    send: (route, message, mixed, signal) => sendBy(way(route), message, mixed, signal),

    async verify(route, reversePath, forwardPath, signal) {
      const found = way(route);
      if (!found.asksFirst) return taken;
      const key = keyOf(found.name, forwardPath);
      const isDown = found.pools.every((each) => each.down !== null);
      const known = isDown && found.isProxy ? null : cache.fresh(key);
      if (known) return known;
      const asked = isDown
        ? unknown
        : await orAbort(
            cache.share(key, () => ask(found, reversePath, forwardPath)),
            signal,
          );
      if (asked.status.class !== 4 || found.isProxy) return asked;
      return cache.stale(key) ?? asked;
    },

    probe: (route, signal) => Promise.all(way(route).pools.map(({ target }) => probe(target, signal))),

    async close() {
      closing.abort(new Error("closing"));
      for (const { pools } of ways.values()) for (const each of pools) each.close();
    },
  };
}

/** Recipients are told apart by case in the local part only (RFC 5321 §2.4). */
function keyOf(route: string, path: string): string {
  const at = path.lastIndexOf("@");
  return `${route} ${path.slice(0, at)}${path.slice(at).toLowerCase()}`;
}

function described({ code, cause, detail }: GatewayError): Readonly<Record<string, unknown>> {
  const { reply: _, ...rest } = detail;
  return { error_code: code, error_cause: cause instanceof Error ? cause.message : undefined, ...rest };
}

/** Made once: an error collects its stack, and most messages need none. */
const unreachable = new GatewayError("NEXT_HOP_UNREACHABLE");

function delivered(message: Outgoing, { replies, ended }: Progress, failure: GatewayError, hop: string): Delivered {
  const ours = failureReply(failure);
  return { replies: new Map(message.forwardPaths.map((path) => [path, replies.get(path) ?? ours])), hop, ended };
}

async function limited<T>(client: SmtpClient, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const abort = (): void => client.wire.destroy();
  signal.addEventListener("abort", abort);
  try {
    return await work();
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function orAbort<T>(shared: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    shared.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function probe(target: Target, signal: AbortSignal) {
  const { hop } = target;
  try {
    const client = await SmtpClient.open(target, signal);
    const text = [client.greeting, ...client.extensions.keys()].join(" ");
    const { tls } = client.wire;
    client.wire.quit();
    return { hop, ok: true, text, tls };
  } catch (error) {
    if (!isHopError(error)) throw error;
    const { error_cause, said, stage, why } = described(error);
    const text = [error.message, said ?? why ?? stage, error_cause].filter((part) => part !== undefined).join(": ");
    return { hop, ok: false, text, tls: null };
  }
}
