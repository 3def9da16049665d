/** Wires what many machines share: the key, Redis, the blob store, and the way of a job to workers elsewhere. */
import { createReadStream, readFileSync } from "node:fs";
import { mkdir, open, rm } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { BlobStore } from "./blobs/blob-store.ts";
import { FolderBlobs } from "./blobs/folder.ts";
import { openS3 } from "./blobs/s3.ts";
import { type BlobsConfig, isFolder, type RedisConfig } from "./config-cluster.ts";
import type { Config } from "./config-schema.ts";
import { explain, GatewayError } from "./core/errors.ts";
import type { Job, JobResult } from "./core/job.ts";
import type { Bytes, Millis, View } from "./core/message.ts";
import { isLasting } from "./inspect/verdict-cache.ts";
import { type ClusterMetrics, createClusterMetrics } from "./observe/cluster-metrics.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import { BullQueue } from "./queue/bull.ts";
import { type Held, inspectCarrier, partsKeptMs, partsPrefix } from "./queue/inspect-carrier.ts";
import type { Queue } from "./queue/queue.ts";
import type { RedisPlace, RedisSettings } from "./queue/redis.ts";
import { RoutedQueue } from "./queue/routed.ts";
import { createSeal, parseKey, type Seal } from "./seal.ts";

/** Throws CONFIG_UNREADABLE. */
function octetsIn(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new GatewayError("CONFIG_UNREADABLE", { file }, error);
  }
}

const textIn = (file: string): string => octetsIn(file).toString("utf8");
const secretIn = (file: string): string => textIn(file).split("\n")[0]?.trim() ?? "";

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
export function clusterSeal({ cluster }: Config, purpose: string): Seal {
  const file = cluster.key_file;
  if (file === undefined) throw new GatewayError("CONFIG_INVALID", { problem: "cluster.key_file is missing" });
  const key = parseKey(octetsIn(file));
  if (!key) {
    const remedy = "32 octets as they are, in hexadecimal or in base64: openssl rand -base64 32";
    throw new GatewayError("CONFIG_INVALID", { problem: `${file} holds no key`, remedy });
  }
  return createSeal(key, purpose);
}

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, "");
const place = (text: string): RedisPlace => {
  const colon = text.lastIndexOf(":");
  return { host: withoutBrackets(text.slice(0, colon)), port: Number(text.slice(colon + 1)) };
};

function placesOf({ sentinels, cluster }: RedisConfig, url: URL | null): Pick<RedisSettings, "kind" | "places"> {
  if (sentinels) return { kind: "sentinel", places: sentinels.map(place) };
  if (cluster) return { kind: "cluster", places: cluster.map(place) };
  return {
    kind: "single",
    places: url ? [{ host: withoutBrackets(url.hostname), port: Number(url.port || 6379) }] : [],
  };
}

function userOf(config: RedisConfig, url: URL | null): Pick<RedisSettings, "username" | "password"> {
  const username = config.username ?? decodeURIComponent(url?.username ?? "");
  const password = config.password_file ? secretIn(config.password_file) : decodeURIComponent(url?.password ?? "");
  return { ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) };
}

/** Throws CONFIG_UNREADABLE. */
export function redisSettings(config: RedisConfig): RedisSettings {
  const url = config.url === undefined ? null : new URL(config.url);
  const usesTls = url ? url.protocol === "rediss:" : config.tls || config.tls_ca !== undefined;
  return {
    ...placesOf(config, url),
    ...userOf(config, url),
    master: config.name,
    db: Number(url?.pathname.slice(1) ?? 0),
    tls: usesTls ? (config.tls_ca === undefined ? {} : { ca: textIn(config.tls_ca) }) : null,
    prefix: config.prefix,
  };
}

/** Throws CONFIG_UNREADABLE. */
export async function openBlobs(config: BlobsConfig): Promise<BlobStore> {
  if (isFolder(config)) return new FolderBlobs(config.url);
  const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/?(.*?)\/?$/.exec(config.url) ?? [];
  const { access_key: accessKeyId, secret_key_file: file } = config;
  return openS3({
    bucket,
    prefix: prefix === "" ? "" : `${prefix}/`,
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
    region: config.region,
    ...(accessKeyId === undefined || file === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey: secretIn(file) } }),
    pathStyle: config.path_style,
  });
}

const slice: Bytes = 256 * 1024;

async function* readView({ file }: { readonly file: string }, { offset, length }: View): AsyncIterable<Uint8Array> {
  if (length === 0) return;
  try {
    yield* createReadStream(file, { start: offset, end: offset + length - 1, highWaterMark: slice });
  } catch (error) {
    throw new GatewayError("SPOOL_NOT_THERE", {}, error);
  }
}

/** Parts larger than this lie in a file while they are looked at. */
const inMemory: Bytes = 1024 * 1024;

const holder =
  (dir: string) =>
  async (octets: AsyncIterable<Uint8Array>): Promise<Held> => {
    const rest = octets[Symbol.asyncIterator]();
    try {
      return await keep(rest, dir);
    } finally {
      // What is not read to its end may have a file open.
      await rest.return?.();
    }
  };

async function keep(rest: AsyncIterator<Uint8Array>, dir: string): Promise<Held> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
    pieces.push(next.value);
    size += next.value.length;
    if (size > inMemory) break;
  }
  if (size <= inMemory)
    return { content: { kind: "bytes", bytes: Buffer.concat(pieces) }, size, release: () => Promise.resolve() };
  const file = join(dir, randomUUID());
  const release = (): Promise<void> => rm(file, { force: true });
  const handle = await open(file, "wx", 0o600);
  try {
    for (const piece of pieces.splice(0)) await handle.writeFile(piece);
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      await handle.writeFile(next.value);
      size += next.value.length;
    }
    return { content: { kind: "file", file, size }, size, release };
  } catch (error) {
    await release();
    throw error;
  } finally {
    await handle.close();
  }
}

export interface InspectQueueOptions {
  readonly config: Config;
  readonly log: Log;
  readonly versions: () => Readonly<Record<string, string>>;
  /** Refuse what no living worker fits. */
  readonly needWorkers: boolean;
  readonly offers?: () => string;
  readonly waiting: number;
}

export interface InspectQueue {
  readonly bull: BullQueue<Job, JobResult>;
  readonly blobs: BlobStore;
  close(): Promise<void>;
}

/** Throws CONFIG_UNREADABLE, CONFIG_INVALID; resolves as well when Redis or the store is away. */
export async function openInspectQueue(options: InspectQueueOptions): Promise<InspectQueue> {
  const { config, log, versions, needWorkers, waiting, offers } = options;
  if (!config.queue || !config.blobs)
    throw new GatewayError("CONFIG_INVALID", { problem: "queue and blobs are not set" });
  const seal = clusterSeal(config, "inspect");
  const redis = redisSettings(config.queue);
  const blobs = await openBlobs(config.blobs);
  const dir = join(config.data_dir, "fetched");
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true, mode: 0o711 });
  const carrier = inspectCarrier({
    seal,
    blobs,
    versions,
    read: readView,
    hold: holder(dir),
    isLasting,
  });
  const bull = await BullQueue.open<Job, JobResult>({
    redis,
    carrier,
    waiting,
    needWorkers,
    log,
    ...(offers ? { offers } : {}),
  });
  return {
    bull,
    blobs,
    async close() {
      await bull.close();
      await blobs.close();
    },
  };
}

const sweepEveryMs: Millis = 600_000;

/** Parts that nobody can want any more. Every gateway does it, each at another time. */
function startSweep(blobs: BlobStore, log: Log): () => void {
  const sweep = async (): Promise<void> => {
    for await (const { key, modifiedAt } of blobs.list(partsPrefix))
      if (Date.now() - modifiedAt.getTime() > partsKeptMs) await blobs.remove(key);
  };
  const timer = setInterval(
    () => void sweep().catch((error: unknown) => log.warn("sweep_failed", { error_cause: explain(error) })),
    sweepEveryMs * (0.75 + Math.random() / 2),
  );
  return () => clearInterval(timer);
}

export async function gaugeCluster(metrics: ClusterMetrics, bull: BullQueue<Job, JobResult>): Promise<void> {
  metrics.redisUp.set(bull.isUp ? 1 : 0);
  metrics.workers.set(bull.workers.length);
  if (!bull.isUp) return;
  const { waiting, running, oldestMs } = await bull.depth();
  metrics.jobs.set({ state: "waiting" }, waiting);
  metrics.jobs.set({ state: "running" }, running);
  metrics.oldest.set(oldestMs / 1000);
}

/** What never repeats (the message, its bodies) and what a person asks for is done here; attachments may go elsewhere. */
const isForElsewhere = (job: Job): boolean =>
  job.kind === "inspect" && job.part.role !== "message" && job.part.role !== "body";

export interface JoinOptions extends Pick<InspectQueueOptions, "config" | "log" | "versions" | "waiting"> {
  readonly metrics: Metrics;
}

/** The queue of a gateway: `here`, with a way elsewhere. */
export async function joinCluster(here: Queue<Job, JobResult>, options: JoinOptions): Promise<Queue<Job, JobResult>> {
  const { config, log } = options;
  const { bull, blobs, close } = await openInspectQueue({ ...options, needWorkers: true });
  const metrics = createClusterMetrics(options.metrics.registry);
  let isHere = false;
  const queue = new RoutedQueue<Job, JobResult>({
    here,
    elsewhere: bull,
    isForElsewhere,
    onFailure: config.queue_failure,
    onRoute(where, error) {
      metrics.routed.inc({ where });
      if (isHere === (where === "here")) return;
      isHere = where === "here";
      if (isHere) log.warn("queue_here", { error_cause: explain(error) });
      else log.info("queue_elsewhere");
    },
  });
  const stopSweep = startSweep(blobs, log);
  const timer = setInterval(() => void gaugeCluster(metrics, bull).catch(() => undefined), 1_000);
  return {
    submit: (job, signal) => queue.submit(job, signal),
    serve: (work, concurrency) => queue.serve(work, concurrency),
    depth: () => queue.depth(),
    async close() {
      clearInterval(timer);
      stopSweep();
      await here.close();
      await close();
    },
  };
}
