/** The queue over each kind of Redis: with TLS, a Cluster, and a master that Sentinel names. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silent } from "../../src/observe/log.ts";
import { BullQueue } from "../../src/queue/bull.ts";
import type { RedisSettings } from "../../src/queue/redis.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/gateway.ts";
import { jsonCarrier } from "../support/json-carrier.ts";
import { makeCertificates } from "../support/make-certificate.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { startProcess, untilListening } from "../support/server-process.ts";

const folder = mkdtempSync(join(tmpdir(), "redis-kinds-"));
const servers: RedisServer[] = [];
after(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const base = { kind: "single", db: 0, tls: null, prefix: "{test}" } as const;
const at = (port: number, host = "127.0.0.1"): Pick<RedisSettings, "places"> => ({ places: [{ host, port }] });

async function worksOver(redis: RedisSettings): Promise<void> {
  const open = () =>
    BullQueue.open<{ readonly id: string }, string>({
      redis,
      carrier: jsonCarrier("poisoned"),
      waiting: 100,
      needWorkers: false,
      log: silent,
    });
  const [asks, works] = [await open(), await open()];
  try {
    await eventually("it is up", () => asks.isUp && works.isUp);
    await using _ = works.serve(({ id }) => Promise.resolve(`done ${id}`), 2);
    const signal = AbortSignal.timeout(60_000);
    const all = await Promise.all(["a", "b", "c"].map((id) => asks.submit({ id }, signal)));
    assert.deepEqual(all, ["done a", "done b", "done c"]);
    assert.equal((await asks.depth()).waiting, 0);
  } finally {
    await Promise.all([asks.close(), works.close()]);
  }
}

test("TLS with a certificate of our own issuer, and not without it", { timeout: 120_000 }, async () => {
  const { good, ca } = makeCertificates("localhost");
  for (const [name, text] of Object.entries({ cert: good.cert, key: good.key, ca }))
    writeFileSync(join(folder, name), text);
  const tls = await freePort();
  const server = await startRedis({
    settings: {
      "tls-port": String(tls),
      "tls-cert-file": join(folder, "cert"),
      "tls-key-file": join(folder, "key"),
      "tls-ca-cert-file": join(folder, "ca"),
      "tls-auth-clients": "no",
    },
  });
  servers.push(server);
  await worksOver({ ...base, ...at(tls, "localhost"), tls: { ca } });
  const distrusts = await BullQueue.open<{ readonly id: string }, string>({
    redis: { ...base, ...at(tls, "localhost"), tls: {} },
    carrier: jsonCarrier("poisoned"),
    waiting: 1,
    needWorkers: false,
    log: silent,
  });
  assert.equal(distrusts.isUp, false);
  await distrusts.close();
});

test("a Redis Cluster", { timeout: 120_000 }, async () => {
  // A node that has met no other does not know its own address.
  const server = await startRedis({ settings: { "cluster-enabled": "yes", "cluster-announce-ip": "127.0.0.1" } });
  servers.push(server);
  server.cli("cluster", "addslotsrange", "0", "16383");
  await eventually("the Cluster is ready", () => server.cli("cluster", "info").includes("cluster_state:ok"));
  await worksOver({ ...base, ...at(server.port), kind: "cluster" });
});

test("a master that Sentinel names", { timeout: 120_000 }, async () => {
  const server = await startRedis();
  servers.push(server);
  const port = await freePort();
  const file = join(folder, "sentinel.conf");
  writeFileSync(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor mail 127.0.0.1 ${server.port} 1\n`,
  );
  const sentinel = startProcess(["/usr/bin/redis-server", file, "--sentinel"]);
  try {
    await untilListening(port, sentinel);
    await worksOver({ ...base, ...at(port), kind: "sentinel", master: "mail" });
  } finally {
    await sentinel.stop();
  }
});
