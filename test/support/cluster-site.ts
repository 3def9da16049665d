/** A site of many machines on one: two gateways, two workers, Redis, PostgreSQL, S3 and a next hop, each of which can be taken away. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClockOfItsOwn, makeClock, noClockBecause } from "./clock-of-its-own.ts";
import { type FakeNextHop, startFakeNextHop } from "./fake-next-hop.ts";
import { freePort, type Gateway, startGateway } from "./gateway.ts";
import { makeNetwork, type NetworkOfItsOwn, noNetworkBecause } from "./network-of-its-own.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { type RedisServer, startRedis } from "./redis.ts";
import { type S3Server, startS3 } from "./s3.ts";
import { startSwitch } from "./tcp-switch.ts";
import { marker } from "./tracked-mail.ts";
import { startWorker, type WorkerProcess } from "./worker.ts";

/** One of our processes. */
export interface Member {
  readonly name: string;
  /** Its clock, where it has one of its own. */
  readonly clock: ClockOfItsOwn | null;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface GatewayMember extends Member {
  /** Stays the same over a restart. */
  readonly port: number;
  readonly dataDir: string;
  readonly config: string;
  /** Of the process that runs now. */
  gateway(): Gateway;
}

export interface ClusterSite {
  readonly gateways: readonly GatewayMember[];
  readonly workers: readonly Member[];
  readonly redis: RedisServer;
  readonly postgres: PostgresServer;
  readonly database: string;
  readonly s3: S3Server;
  readonly hop: FakeNextHop;
  /** Of the last worker; null where there can be none. */
  readonly network: NetworkOfItsOwn | null;
  /** What this machine lacks for some faults, in words. */
  readonly missing: readonly string[];
  close(): Promise<void>;
}

export const modes = ["delivery", "verdict", "spool"] as const;

const route = (mode: string, hop: string): string =>
  `{ domains: [${mode}.test], next_hop: "${hop}", reply_after: ${mode}, reply_deadline: 2s, verify_recipients: false, retry: { first: 500ms, longest: 1s, expire: 1d }, timeouts: { connect: 1s, command: 2s, data: 5s } }`;

function gatewayMember(name: string, folder: string, hop: string, more: string, port: number): GatewayMember {
  const dir = join(folder, name);
  mkdirSync(dir);
  const clock = noClockBecause() === null ? makeClock(join(folder, `${name}.clock`)) : null;
  let gateway: Gateway | null = null;
  const running = (): Gateway => {
    if (!gateway) throw new Error(`${name} does not run`);
    return gateway;
  };
  return {
    name,
    clock,
    port,
    dataDir: join(dir, "data"),
    config: join(dir, "sallyport.yaml"),
    gateway: running,
    async kill() {
      await gateway?.stop("SIGKILL");
    },
    async start() {
      gateway = await startGateway({
        dir,
        smtpPort: port,
        until: "health",
        nextHop: hop,
        rules: [join(folder, "rules")],
        routes: modes.map((mode) => route(mode, hop)),
        more: `${more}\nspool: { memory: 64KiB, min_free: 1MiB }\nsmtp: { drain: 5s, max_connections_per_client: 1000 }`,
        env: clock?.env ?? {},
      });
    },
    async stop() {
      await running().stop();
    },
  };
}

interface WorkerPlace {
  readonly more: string;
  readonly rules: string;
  readonly clock: ClockOfItsOwn | null;
  readonly network: NetworkOfItsOwn | null;
}

function workerMember(name: string, { more, rules, clock, network }: WorkerPlace): Member {
  let worker: WorkerProcess | null = null;
  return {
    name,
    clock,
    async kill() {
      await worker?.stop("SIGKILL");
    },
    async start() {
      worker = await startWorker({
        more,
        rules: [rules],
        env: clock?.env ?? {},
        ...(network ? { prefix: network.prefix, address: network.wires[1].there } : {}),
      });
    },
    async stop() {
      await worker?.stop();
    },
  };
}

export async function startClusterSite(): Promise<ClusterSite> {
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    return { ...(await build((end) => void closers.push(end))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function build(atEnd: (end: () => unknown) => void): Promise<Omit<ClusterSite, "close">> {
  const folder = mkdtempSync(join(tmpdir(), "cluster-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const rules = join(folder, "rules");
  mkdirSync(join(rules, "own"), { recursive: true });
  writeFileSync(join(rules, "own/marker.yar"), marker);
  writeFileSync(join(folder, "key"), randomBytes(32));
  const missing = [noNetworkBecause(), noClockBecause()].filter((why) => why !== null);
  const network = noNetworkBecause() === null ? makeNetwork() : null;
  atEnd(() => network?.remove());
  const hop = await startFakeNextHop();
  atEnd(() => hop.close());
  const bind = ["127.0.0.1", ...(network ? [network.wires[0].here] : [])].join(" ");
  const redis = await startRedis({ settings: { bind, "protected-mode": "no" } });
  atEnd(() => redis.stop());
  const postgres = await startPostgres();
  atEnd(() => postgres.cleanUp());
  const s3 = await startS3();
  atEnd(() => s3.stop());
  const database = postgres.database();
  writeFileSync(join(folder, "secret"), s3.secretKey);
  const settings = (node: string, queue: string, endpoint: string): string =>
    [
      `queue: ${queue}`,
      `blobs: { url: "s3://${s3.bucket}", endpoint: "${endpoint}", access_key: "${s3.accessKey}", secret_key_file: ${join(folder, "secret")} }`,
      `cluster: { node: ${node}, key_file: ${join(folder, "key")} }`,
      "scan: { workers: 1 }",
    ].join("\n");
  const here = (node: string): string => `${settings(node, redis.url, s3.endpoint)}\ncatalog: ${database}`;
  /** Within, Redis is one wire away and all else the other one. */
  async function there(node: string, { wires: [toRedis, toAll] }: NetworkOfItsOwn): Promise<string> {
    const store = await startSwitch(Number(new URL(s3.endpoint).port), toAll.here);
    atEnd(() => store.off());
    return settings(node, `redis://${toRedis.here}:${redis.port}`, `http://${toAll.here}:${store.port}`);
  }

  const clock = noClockBecause() === null ? makeClock(join(folder, "w-2.clock")) : null;
  const workers = [
    workerMember("w-1", { more: here("w-1"), rules, clock: null, network: null }),
    workerMember("w-2", { more: network ? await there("w-2", network) : here("w-2"), rules, clock, network }),
  ];
  const gateways: GatewayMember[] = [];
  for (const name of ["mx-1", "mx-2"])
    gateways.push(gatewayMember(name, folder, hop.hop, here(name), await freePort()));
  for (const member of [...workers, ...gateways]) {
    atEnd(() => member.kill());
    await member.start();
  }
  return {
    gateways,
    workers,
    redis,
    postgres,
    database: new URL(database).pathname.slice(1),
    s3,
    hop,
    network,
    missing,
  };
}
