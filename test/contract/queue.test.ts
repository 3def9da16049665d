/** The queue contract over its implementations. */
import { randomUUID } from "node:crypto";
import { after, before, describe } from "node:test";
import { silent } from "../../src/observe/log.ts";
import { BullQueue } from "../../src/queue/bull.ts";
import { EmbeddedQueue } from "../../src/queue/embedded.ts";
import { jsonCarrier } from "../support/json-carrier.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { queueContract, type TestJob } from "./queue.ts";

queueContract("embedded", () => {
  const queue = new EmbeddedQueue<TestJob, number>({ waiting: 100 });
  return Promise.resolve({ queue, dispose: () => queue.close() });
});

describe("with Redis", () => {
  let redis: RedisServer;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis.stop());
  queueContract("BullMQ", async () => {
    const queue = await BullQueue.open<TestJob, number>({
      redis: {
        places: [{ host: "127.0.0.1", port: redis.port }],
        kind: "single",
        db: 0,
        tls: null,
        prefix: `{${randomUUID()}}`,
      },
      carrier: jsonCarrier(-1, { isLasting: () => false }),
      waiting: 100,
      needWorkers: false,
      log: silent,
    });
    return { queue, dispose: () => queue.close() };
  });
});
