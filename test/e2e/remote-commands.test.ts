/** Commands between nodes over real Redis: done once, answered alike, and never after the asker was told that they will not be. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { redisSettings } from "../../src/compose-cluster.ts";
import { askRemote, serveRemote } from "../../src/control/remote.ts";
import { GatewayError } from "../../src/core/errors.ts";
import { systemClock } from "../../src/observe/clock.ts";
import { silent } from "../../src/observe/log.ts";
import { RedisPost } from "../../src/queue/post.ts";
import { createSeal } from "../../src/seal.ts";
import { startRedis } from "../support/redis.ts";

const secret = "words-of-a-person";

test("a command is done once for its id, errors come back whole, and a silent owner is told from one that may have acted", async (t) => {
  const redis = await startRedis();
  t.after(() => redis.stop());
  const settings = redisSettings({ url: redis.url, name: "x", tls: false, prefix: "{sallyport}" });
  const seal = createSeal(randomBytes(32), "commands");
  const post = new RedisPost(settings);
  t.after(() => post.close());
  const node = "mx-1";
  const request = { command: "discard", args: { why: secret } };

  // Nobody is there: what was not taken is taken back.
  await assert.rejects(askRemote(request, { post, seal, node, withinMs: 300 }), (error: unknown) => {
    assert.ok(error instanceof GatewayError);
    assert.equal(error.code, "OWNER_SILENT");
    assert.match(String(error.detail["done"]), /^no/);
    return true;
  });

  let done = 0;
  const hanging = Promise.withResolvers<void>();
  const handlers = new Map<string, () => unknown>([
    ["discard", () => ({ done: ++done })],
    [
      "release",
      () => {
        throw new GatewayError("SENT_BEFORE", { message: "m", by: "somebody" });
      },
    ],
    ["rescan", () => hanging.promise],
  ]);
  const own = new RedisPost(settings);
  const looks = new Set<string>();
  const serving = serveRemote({ post: own, seal, node, handlers, looks, clock: systemClock, log: silent });
  t.after(() => serving.close(() => own.close()));
  assert.deepEqual(await askRemote(request, { post, seal, node, id: "one" }), { done: 1 });
  assert.deepEqual(await askRemote(request, { post, seal, node, id: "one" }), { done: 1 });
  assert.deepEqual(await askRemote(request, { post, seal, node, id: "two" }), { done: 2 });
  await assert.rejects(askRemote({ command: "release", args: {} }, { post, seal, node }), {
    code: "SENT_BEFORE",
    detail: { message: "m", by: "somebody" },
  });
  await assert.rejects(askRemote({ command: "rescan", args: {} }, { post, seal, node, withinMs: 2_000 }), {
    code: "OWNER_SILENT",
    message: /does not answer/,
  });
  hanging.resolve();
  // Another key opens nothing, and does nothing.
  const other = createSeal(randomBytes(32), "commands");
  const stranger = { ...seal, seal: other.seal };
  await assert.rejects(askRemote(request, { post, seal: stranger, node, withinMs: 500 }), { code: "OWNER_SILENT" });
  assert.equal(done, 2);
  assert.ok(!redis.octets().includes(secret));
});
