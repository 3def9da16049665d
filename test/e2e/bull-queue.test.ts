/** What only a queue of many processes can do or suffer: Redis that goes, forgets or is full, workers that die or have other rules. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isGatewayError } from "../../src/core/errors.ts";
import { silent } from "../../src/observe/log.ts";
import { BullQueue } from "../../src/queue/bull.ts";
import type { RedisSettings } from "../../src/queue/redis.ts";
import { eventually } from "../support/eventually.ts";
import { jsonCarrier } from "../support/json-carrier.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";

interface Job {
  readonly id: string;
}

const never = new AbortController().signal;
const isUnavailable = (error: unknown): boolean => isGatewayError(error, "QUEUE_UNAVAILABLE");
const opened: BullQueue<Job, string>[] = [];
let redis: RedisServer;
let prefix = "";

before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((queue) => queue.close()));
  prefix = "";
});

interface NodeOptions {
  readonly fit?: string;
  readonly needWorkers?: boolean;
  readonly settings?: Partial<RedisSettings>;
}

/** One process of the cluster, or what would be one. */
async function node({
  fit = "same",
  needWorkers = false,
  settings = {},
}: NodeOptions = {}): Promise<BullQueue<Job, string>> {
  prefix = prefix || `{${randomUUID()}}`;
  const queue = await BullQueue.open<Job, string>({
    redis: { places: [{ host: "127.0.0.1", port: redis.port }], kind: "single", db: 0, tls: null, prefix, ...settings },
    carrier: jsonCarrier("poisoned", {
      fit: () => fit,
      isLasting: (result) => !result.startsWith("moment"),
    }),
    waiting: 1_000,
    needWorkers,
    offers: () => fit,
    log: silent,
  });
  opened.push(queue);
  return queue;
}

test("equal jobs of two gateways are done once, and the result is there for a third", { timeout: 60_000 }, async () => {
  const [one, two, three, worker] = [await node(), await node(), await node(), await node()];
  let calls = 0;
  await using _ = worker.serve(async ({ id }) => {
    calls++;
    await sleep(200);
    return `done ${id}`;
  }, 4);
  const results = await Promise.all([one.submit({ id: "a" }, never), two.submit({ id: "a" }, never)]);
  assert.deepEqual([...results, await three.submit({ id: "a" }, never)], ["done a", "done a", "done a"]);
  assert.equal(calls, 1);
});

test("a result is given whether it travels with the news of it or is too long to", { timeout: 60_000 }, async () => {
  const [one, two, worker] = [await node(), await node(), await node()];
  const long = "long ".repeat(10_000);
  await using _ = worker.serve(({ id }) => Promise.resolve(id === "long" ? long : `short\n${id}`), 2);
  for (const queue of [one, two])
    for (const [id, expected] of [
      ["long", long],
      ["a", "short\na"],
    ] as const)
      assert.equal(await queue.submit({ id }, never), expected);
});

test("a result of the moment is given to those who waited, and nobody else", { timeout: 60_000 }, async () => {
  const [one, two, worker] = [await node(), await node(), await node()];
  let calls = 0;
  await using _ = worker.serve(() => Promise.resolve(`moment ${++calls}`), 1);
  assert.equal(await one.submit({ id: "a" }, never), "moment 1");
  assert.equal(await two.submit({ id: "a" }, never), "moment 2");
});

test("a job that another gateway waits for is not given up", { timeout: 60_000 }, async () => {
  const [one, two, worker] = [await node(), await node(), await node()];
  const leaving = new AbortController();
  const left = one.submit({ id: "a" }, leaving.signal).catch(() => "left");
  const stays = two.submit({ id: "a" }, never);
  await eventually("it waits", async () => (await two.depth()).waiting === 1);
  await sleep(100);
  leaving.abort();
  assert.equal(await left, "left");
  await using _ = worker.serve(() => Promise.resolve("done"), 1);
  assert.equal(await stays, "done");
});

test("a job goes to a worker with the same rules, and to none if none is alive", { timeout: 60_000 }, async () => {
  const one = await node({ fit: "new", needWorkers: true });
  const [old, fresh] = [await node({ fit: "old" }), await node({ fit: "new" })];
  await using _old = old.serve(() => Promise.resolve("by old rules"), 4);
  await eventually("the old one is seen", () => one.workers.length === 1);
  await assert.rejects(one.submit({ id: "a" }, never), isUnavailable);
  const serving = fresh.serve(() => Promise.resolve("by new rules"), 4);
  await eventually("the new one is seen", () => one.workers.length === 2);
  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => one.submit({ id: `b${i}` }, never)));
  assert.deepEqual(new Set(all), new Set(["by new rules"]));
  await serving[Symbol.asyncDispose]();
  const waiting = one.submit({ id: "c" }, never).catch((error: unknown) => error);
  assert.ok(isUnavailable(await waiting));
});

test("a job whose workers die is answered as poisoned, not tried for ever", { timeout: 120_000 }, async () => {
  const [one, worker] = [await node(), await node()];
  const result = one.submit({ id: "a" }, never);
  await eventually("it waits", async () => (await one.depth()).waiting === 1);
  const [key = ""] = redis
    .cli("--scan", "--pattern", `${prefix}:inspect:*`)
    .split("\n")
    .filter((line) => /:[0-9a-f]{64}$/.test(line));
  // As BullMQ notes it when a lock runs out.
  redis.cli("hset", key, "stc", "3");
  let calls = 0;
  await using _ = worker.serve(() => Promise.resolve(String(++calls)), 1);
  assert.equal(await result, "poisoned");
  assert.equal(calls, 0);
});

test("what Redis has lost is brought there again", { timeout: 60_000 }, async () => {
  const [one, worker] = [await node(), await node()];
  const result = one.submit({ id: "a" }, never);
  await eventually("it waits", async () => (await one.depth()).waiting === 1);
  redis.cli("flushall");
  await using _ = worker.serve(() => Promise.resolve("done"), 1);
  assert.equal(await result, "done");
});

test("a Redis that is full refuses jobs at once, and takes them again when there is room", {
  timeout: 60_000,
}, async () => {
  const [one, worker] = [await node(), await node()];
  await using _ = worker.serve(() => Promise.resolve("done"), 1);
  redis.cli("config", "set", "maxmemory", "1");
  await assert.rejects(one.submit({ id: "a" }, never), isUnavailable);
  redis.cli("config", "set", "maxmemory", "0");
  await eventually("it is up again", () => one.isUp);
  assert.equal(await one.submit({ id: "b" }, never), "done");
});

test("without Redis jobs are refused at once, those under way too; then all recovers by itself", {
  timeout: 120_000,
}, async () => {
  const [one, worker] = [await node(), await node()];
  await using _ = worker.serve(() => Promise.resolve("done"), 1);
  assert.equal(await one.submit({ id: "a" }, never), "done");
  await redis.kill();
  await eventually("the loss is noticed", () => !one.isUp);
  const began = performance.now();
  await assert.rejects(one.submit({ id: "b" }, never), isUnavailable);
  assert.ok(performance.now() - began < 1_000);
  const late = await node();
  assert.equal(late.isUp, false);
  await redis.start(true);
  await eventually("it is up again", () => one.isUp && late.isUp);
  assert.equal(await one.submit({ id: "c" }, never), "done");
  assert.equal(await late.submit({ id: "d" }, never), "done");
});

test("a network that swallows everything is found out, and jobs under way are refused", {
  timeout: 60_000,
}, async () => {
  const one = await node();
  const waiting = one.submit({ id: "a" }, never).catch((error: unknown) => error);
  await eventually("it waits", async () => (await one.depth()).waiting === 1);
  process.kill(redis.pid, "SIGSTOP");
  try {
    assert.ok(isUnavailable(await waiting));
    await assert.rejects(one.submit({ id: "b" }, never), isUnavailable);
  } finally {
    process.kill(redis.pid, "SIGCONT");
  }
  await eventually("it is up again", () => one.isUp);
});

test("a user of the access list with no more rights than docs/cluster.md names can do all of it", {
  timeout: 60_000,
}, async () => {
  redis.cli(
    "acl",
    "setuser",
    "sallyport",
    "reset",
    "on",
    ">secret",
    "~{*",
    "&{*",
    "+@all",
    "-@dangerous",
    "-@admin",
    "+info",
  );
  const settings = { username: "sallyport", password: "secret" };
  const [one, worker] = [await node({ settings }), await node({ settings })];
  await using _ = worker.serve(() => Promise.resolve("done"), 1);
  assert.equal(await one.submit({ id: "a" }, never), "done");
  const wrong = await node({ settings: { username: "sallyport", password: "wrong" } });
  assert.equal(wrong.isUp, false);
});
