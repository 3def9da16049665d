/** Checks of `doctor` and `config check` that talk to Redis and to the blob store: is there what we need, and may we do what we must? */
import { randomBytes, randomUUID } from "node:crypto";
import { clusterSeal, openBlobs, redisSettings } from "../compose-cluster.ts";
import type { BlobsConfig, RedisConfig } from "../config-cluster.ts";
import type { Config } from "../config-schema.ts";
import { explain, GatewayError } from "../core/errors.ts";
import type { Millis } from "../core/message.ts";
import { type Connection, connectRedis, isUp, type RedisSettings } from "../queue/redis.ts";
import { databaseChecks } from "./database-checks.ts";
import type { Check } from "./doctor-checks.ts";

/** Beyond, times of logs and journals of several machines cannot be compared, and S3 signatures soon fail. */
const drift: Millis = 5_000;
const patienceMs: Millis = 5_000;
const oldest = [6, 2] as const;

type Verdict = readonly [verdict: Check["verdict"], text: string, remedy?: string];

const check = (name: string, [verdict, text, remedy]: Verdict): Check => ({
  name,
  verdict,
  text,
  ...(remedy === undefined ? {} : { remedy }),
});

/** What the last failed attempt to connect said. */
async function connected(connection: Connection): Promise<string | null> {
  let said = "no answer";
  connection.on("error", (error: Error) => {
    const { lastNodeError } = error as { readonly lastNodeError?: Error };
    said = (lastNodeError ?? error).message;
  });
  for (let waited = 0; waited < patienceMs && !isUp(connection); waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (/WRONGPASS|NOAUTH|certificate|self-signed/i.test(said)) break;
  }
  return isUp(connection) ? null : said;
}

function connectRemedy(said: string): string {
  if (/WRONGPASS|NOAUTH|invalid password/i.test(said))
    return "check queue.username and queue.password_file (or the URL)";
  if (/certificate|self-signed|TLS|SSL/i.test(said))
    return "name the certificate's issuer with queue.tls_ca, or use redis:// where it has no TLS";
  if (/ENOTFOUND|EAI_AGAIN/.test(said)) return "the name is unknown: check queue.url";
  return "start Redis, or check host, port and firewall of queue.url";
}

const field = (info: string, name: string): string | null =>
  new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1]?.trim() ?? null;

function version(info: string): Verdict {
  const text = field(info, "valkey_version") ?? field(info, "redis_version") ?? "";
  const [major = 0, minor = 0] = text.split(".").map(Number);
  const isNew =
    field(info, "valkey_version") !== null || major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  return isNew
    ? ["ok", `version ${text}`]
    : ["FAIL", `version ${text || "unknown"} is too old`, `install Redis ${oldest.join(".")} or later, or Valkey`];
}

function eviction(info: string): Verdict {
  const policy = field(info, "maxmemory_policy") ?? "unknown";
  return policy === "noeviction"
    ? ["ok", "maxmemory-policy noeviction"]
    : [
        "FAIL",
        `maxmemory-policy ${policy}: jobs vanish when memory is short`,
        "redis-cli config set maxmemory-policy noeviction, and in redis.conf",
      ];
}

function persistence(info: string): Verdict {
  return field(info, "aof_enabled") === "1"
    ? ["ok", "append-only file on"]
    : [
        "WARN",
        "appendonly no: a restart forgets jobs, which are then done anew",
        "redis-cli config set appendonly yes, and in redis.conf",
      ];
}

const refusals: readonly (readonly [says: RegExp, remedy: string])[] = [
  [/NOPERM/, "ACL SETUSER … ~{sallyport}* &{sallyport}* +@all -@dangerous -@admin +info"],
  [/OOM/, "give Redis more memory (maxmemory): it takes no jobs"],
  [/READONLY/, "queue.url names a replica: name the master, or use queue.sentinels"],
];

function refused(error: unknown): Verdict {
  const text = explain(error);
  const known = refusals.find(([says]) => says.test(text));
  return known ? ["FAIL", text, known[1]] : ["FAIL", text];
}

/** As the gateways and workers use it: keys, a script, a channel. */
async function roundTrip(connection: Connection, listener: Connection, { prefix }: RedisSettings): Promise<Verdict> {
  const key = `${prefix}:doctor:${randomUUID()}`;
  const began = performance.now();
  try {
    const heard = new Promise<boolean>((resolve) => {
      listener.once("message", () => resolve(true));
      setTimeout(() => resolve(false), patienceMs).unref();
    });
    await listener.subscribe(key);
    await connection.eval("return redis.call('SET', KEYS[1], ARGV[1], 'PX', 60000)", 1, key, "probe");
    const found = await connection.get(key);
    await connection.zadd(key + ":z", 1, "probe");
    await connection.xadd(key + ":x", "MAXLEN", "~", "1", "*", "probe", "1");
    await connection.publish(key, "probe");
    const ok = (await heard) && found === "probe";
    await connection.del(key, `${key}:z`, `${key}:x`);
    const ms = (performance.now() - began).toFixed(1);
    return ok
      ? ["ok", `keys, scripts and channels work, in ${ms} ms`]
      : ["FAIL", "what was written is not what was read"];
  } catch (error) {
    return refused(error);
  }
}

async function clock(connection: Connection): Promise<Verdict> {
  const before = Date.now();
  const [seconds = 0, micros = 0] = (await connection.time()).map(Number);
  const theirs = seconds * 1000 + micros / 1000;
  const off = Math.max(before - theirs, theirs - Date.now(), 0);
  return off > drift
    ? ["WARN", `its clock differs by ${Math.round(off / 1000)} s from ours`, "synchronise the clocks (chrony)"]
    : ["ok", `clocks agree within ${Math.max(1, Math.ceil(off))} ms`];
}

async function redisChecks(config: RedisConfig): Promise<readonly Check[]> {
  const settings = redisSettings(config);
  const [connection, listener] = [connectRedis(settings, "ask"), connectRedis(settings, "listen")];
  try {
    const said = await connected(connection);
    if (said !== null) return [check("queue", ["FAIL", said, connectRemedy(said)])];
    const info = await connection.info().catch((error: unknown) => explain(error));
    const mayAsk = /_version:/.test(info);
    return [
      check("queue", await roundTrip(connection, listener, settings)),
      ...(mayAsk
        ? [
            check("queue version", version(info)),
            check("queue memory", eviction(info)),
            check("queue data", persistence(info)),
          ]
        : [check("queue version", ["FAIL", info, "the user needs INFO: ACL SETUSER … +info"])]),
      check("queue clock", await clock(connection)),
    ];
  } catch (error) {
    return [check("queue", refused(error))];
  } finally {
    connection.disconnect();
    listener.disconnect();
  }
}

async function blobChecks(config: BlobsConfig): Promise<readonly Check[]> {
  const key = `probe/${randomUUID()}`;
  const probe = randomBytes(4096);
  const blobs = await openBlobs(config);
  try {
    const began = performance.now();
    await blobs.put(key, probe.length, probe);
    const pieces: Uint8Array[] = [];
    for await (const piece of await blobs.get(key)) pieces.push(piece);
    const facts = await blobs.stat(key);
    let isListed = false;
    for await (const found of blobs.list("probe/")) isListed ||= found.key === key;
    await blobs.remove(key);
    const ms = (performance.now() - began).toFixed(0);
    if (!Buffer.concat(pieces).equals(probe) || !isListed)
      return [
        check("blobs", [
          "FAIL",
          "what was put is not what was got",
          "the store is not S3-compatible enough, or two sites share a prefix",
        ]),
      ];
    const off = Math.abs(Date.now() - (facts?.modifiedAt.getTime() ?? 0));
    return [
      check("blobs", ["ok", `put, get, list and delete work, in ${ms} ms`]),
      check(
        "blobs clock",
        off > drift
          ? ["WARN", `its clock differs by ${Math.round(off / 1000)} s from ours`, "synchronise the clocks (chrony)"]
          : ["ok", "clocks agree"],
      ),
    ];
  } catch (error) {
    const remedy = error instanceof GatewayError ? error.detail["remedy"] : undefined;
    const text = explain(error).replace(/; remedy: .*?(?=;|$)/, "");
    return [check("blobs", ["FAIL", text, typeof remedy === "string" ? remedy : "check blobs.url and blobs.endpoint"])];
  } finally {
    await blobs.close();
  }
}

function keyCheck(config: Config): Check {
  try {
    clusterSeal(config, "inspect");
    return check("cluster key", ["ok", "readable; it must be the same on all nodes"]);
  } catch (error) {
    return check("cluster key", [
      "FAIL",
      explain(error),
      "openssl rand -base64 32 > key; chmod 600 key; the same on all nodes",
    ]);
  }
}

/** Nothing for a machine that stands alone. */
export async function clusterChecks(config: Config): Promise<readonly Check[]> {
  return [
    ...(config.queue || config.blobs ? [keyCheck(config)] : []),
    ...(config.catalog ? await databaseChecks(config.catalog) : []),
    ...(config.queue ? await redisChecks(config.queue) : []),
    ...(config.blobs ? await blobChecks(config.blobs) : []),
  ];
}
