/** Connections to Redis: alone, behind Sentinel, or a Cluster; with TLS and as a user of its access list. */
import { Cluster, Redis } from "ioredis";
import type { Millis } from "../core/message.ts";

export interface RedisPlace {
  readonly host: string;
  readonly port: number;
}

export interface RedisSettings {
  /** One server, or where to ask first: nodes of a Cluster, or Sentinels. */
  readonly places: readonly RedisPlace[];
  readonly kind: "single" | "sentinel" | "cluster";
  /** The name that Sentinels know the master by. */
  readonly master?: string;
  readonly db: number;
  readonly username?: string;
  readonly password?: string;
  /** Null: without TLS. `ca`: PEM; default: what Node trusts. */
  readonly tls: { readonly ca?: string } | null;
  /** Before every key and channel; its braces keep a queue on one node of a Cluster. */
  readonly prefix: string;
}

/** `ask`: commands that fail at once when Redis is away. `wait`: a connection that a worker blocks on. `listen`: channels. */
export type Use = "ask" | "wait" | "listen";

export type Connection = Redis | Cluster;

const connectMs: Millis = 3_000;
/** An answer that takes longer will not come: the network swallows it. */
const answerMs: Millis = 3_000;
const slowestRetryMs: Millis = 1_000;

const retry = (times: number): Millis => Math.min(slowestRetryMs, 50 * 2 ** times);

function common({ username, password, tls, db }: RedisSettings, use: Use) {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls === null ? {} : { tls: tls.ca === undefined ? {} : { ca: tls.ca } }),
    db,
    connectTimeout: connectMs,
    keepAlive: 5_000,
    maxRetriesPerRequest: use === "wait" ? null : 0,
    disableClientInfo: true,
    ...(use === "ask" ? { commandTimeout: answerMs } : {}),
  };
}

const quiet = <C extends Connection>(connection: C): C => {
  connection.on("error", () => undefined);
  return connection;
};

/** Connects by itself, again and again; who wants to know of errors listens to "error". */
export function connectRedis(settings: RedisSettings, use: Use): Connection {
  const options = common(settings, use);
  const enableOfflineQueue = use !== "ask";
  const { places, kind, master = "mymaster" } = settings;
  if (kind === "cluster")
    return quiet(
      new Cluster([...places], {
        redisOptions: options,
        enableOfflineQueue,
        clusterRetryStrategy: retry,
        // Certificates hold names: these are kept, Node asks for their addresses.
        dnsLookup: (address, callback) => callback(null, address),
      }),
    );
  const alone = { ...options, enableOfflineQueue, retryStrategy: retry };
  if (kind === "sentinel")
    return quiet(new Redis({ ...alone, sentinels: [...places], name: master, sentinelRetryStrategy: retry }));
  return quiet(new Redis({ ...alone, ...places[0] }));
}

export const isUp = ({ status }: Connection): boolean => status === "ready";
