/** `doctor` and `config check` against real servers that are set up wrongly, one mistake at a time. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { clusterChecks } from "../../src/cli/cluster-checks.ts";
import { commandsFor } from "../../src/cli/commands.ts";
import type { Check } from "../../src/cli/doctor-checks.ts";
import { checkConfig } from "../../src/config.ts";
import { commandLine } from "../support/command-line.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { type S3Server, startS3 } from "../support/s3.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-checks-"));
const file = join(folder, "sallyport.yaml");
let redis: RedisServer;
let s3: S3Server;

before(
  async () => {
    [redis, s3] = await Promise.all([startRedis(), startS3()]);
    writeFileSync(join(folder, "key"), randomBytes(32));
    writeFileSync(join(folder, "secret"), `${s3.secretKey}\n`);
    writeFileSync(join(folder, "wrong-secret"), "WRONG-secret\n");
  },
  { timeout: 120_000 },
);
after(async () => {
  await Promise.all([redis.stop(), s3.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Given {
  readonly queue?: string;
  readonly blobs?: Readonly<Record<string, unknown>>;
  readonly key?: string;
}

function text({ queue = redis.url, blobs = {}, key = "key" }: Given): string {
  const store = {
    url: `s3://${s3.bucket}/site`,
    endpoint: s3.endpoint,
    access_key: s3.accessKey,
    secret_key_file: "secret",
    ...blobs,
  };
  return [
    `routes: [{ domains: [a.test], next_hop: "127.0.0.1:2626" }]`,
    "rules: []",
    `queue: ${queue}`,
    `blobs: ${JSON.stringify(store)}`,
    `cluster: { key_file: ${key} }`,
    "",
  ].join("\n");
}

async function checks(given: Given = {}): Promise<readonly Check[]> {
  const checked = checkConfig(text(given), file);
  assert.ok(checked.ok, checked.ok ? "" : JSON.stringify(checked.problems));
  return clusterChecks(checked.value);
}

/** The one that says so, with what is to be done. */
async function says(given: Given, name: string, verdict: Check["verdict"], words: RegExp): Promise<void> {
  const all = await checks(given);
  const found = all.find((check) => check.name === name);
  assert.equal(found?.verdict, verdict, JSON.stringify(all));
  assert.match(`${found?.text} → ${found?.remedy ?? ""}`, words);
  assert.doesNotMatch(JSON.stringify(all), /WRONG-secret|hush-hush/);
}

test("all is well with servers that are set up as they should be", { timeout: 60_000 }, async () => {
  const all = await checks();
  assert.deepEqual([...new Set(all.map(({ verdict }) => verdict))], ["ok"], JSON.stringify(all));
  assert.ok(all.length >= 8);
});

test("Redis that may throw jobs away, or forgets them at a restart, is named", { timeout: 60_000 }, async () => {
  redis.cli("config", "set", "maxmemory-policy", "allkeys-lru");
  await says({}, "queue memory", "FAIL", /allkeys-lru.*noeviction/);
  redis.cli("config", "set", "maxmemory-policy", "noeviction");
  redis.cli("config", "set", "appendonly", "no");
  await says({}, "queue data", "WARN", /appendonly/);
  redis.cli("config", "set", "appendonly", "yes");
});

test("Redis that is full, away, or does not know us is told apart", { timeout: 120_000 }, async () => {
  redis.cli("config", "set", "maxmemory", "1");
  await says({}, "queue", "FAIL", /OOM.*more memory/);
  redis.cli("config", "set", "maxmemory", "0");
  await says({ queue: "redis://127.0.0.1:1" }, "queue", "FAIL", /ECONNREFUSED.*start Redis/);
  await says(
    { queue: `redis://nobody:hush-hush@127.0.0.1:${redis.port}` },
    "queue",
    "FAIL",
    /WRONGPASS.*queue.username/,
  );
  await says({ queue: `rediss://127.0.0.1:${redis.port}` }, "queue", "FAIL", /queue/);
});

test("a user without the rights is told which", { timeout: 60_000 }, async () => {
  redis.cli("acl", "setuser", "reader", "reset", "on", ">hush-hush", "~*", "&*", "+@read", "+info", "+@connection");
  await says({ queue: `redis://reader:hush-hush@127.0.0.1:${redis.port}` }, "queue", "FAIL", /ACL SETUSER/);
  redis.cli("acl", "setuser", "blind", "reset", "on", ">hush-hush", "~*", "&*", "+@all", "-info");
  await says({ queue: `redis://blind:hush-hush@127.0.0.1:${redis.port}` }, "queue version", "FAIL", /\+info/);
});

test("a wrong secret, a missing bucket and a store that is away are told apart", { timeout: 120_000 }, async () => {
  await says({ blobs: { secret_key_file: "wrong-secret" } }, "blobs", "FAIL", /secret is wrong.*secret_key_file/);
  await says({ blobs: { url: "s3://nothing-here" } }, "blobs", "FAIL", /make the bucket/);
  await says({ blobs: { endpoint: "http://127.0.0.1:1" } }, "blobs", "FAIL", /endpoint/);
});

test("a key that is none is named, and so is one that is not there", { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, "short"), "abc");
  await says({ key: "short" }, "cluster key", "FAIL", /holds no key.*openssl/);
});

test("config check names the line of what it cannot use", { timeout: 120_000 }, async () => {
  const commands = await commandsFor([]);
  writeFileSync(file, text({ queue: "redis://127.0.0.1:1" }));
  const refused = await commandLine(commands, folder, "config", "check", "--config", file);
  assert.equal(refused.exit, 1);
  assert.match(refused.stdout, /sallyport\.yaml:3:\d+: queue: .*start Redis/);
  writeFileSync(file, text({}));
  const taken = await commandLine(commands, folder, "config", "check", "--config", file);
  assert.equal(taken.exit, 0, taken.stdout);
});
