/** What only the embedded queue promises: its bound, its clock, its order under load. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isGatewayError } from "../../../src/core/errors.ts";
import { EmbeddedQueue } from "../../../src/queue/embedded.ts";

interface Numbered {
  readonly id: string;
}

const never = new AbortController().signal;

test("refuses a job when as many wait as may", async () => {
  const queue = new EmbeddedQueue<Numbered, string>({ waiting: 2 });
  const kept = ["a", "b"].map((id) => queue.submit({ id }, never));
  await assert.rejects(queue.submit({ id: "c" }, never), (error) => isGatewayError(error, "QUEUE_UNAVAILABLE"));
  const joined = queue.submit({ id: "a" }, never);
  await using _ = queue.serve(({ id }) => Promise.resolve(id), 1);
  assert.deepEqual(await Promise.all([...kept, joined]), ["a", "b", "a"]);
  assert.equal(await queue.submit({ id: "c" }, never), "c");
});

test("the age of the oldest job is told by the clock", async () => {
  let now = 1000;
  const clock = { now: () => new Date(0), monotonic: () => now };
  const queue = new EmbeddedQueue<Numbered, string>({ waiting: 10, clock });
  const first = queue.submit({ id: "a" }, never);
  now = 1500;
  const second = queue.submit({ id: "b" }, never);
  now = 3000;
  assert.equal((await queue.depth()).oldestMs, 2000);
  await using _ = queue.serve(({ id }) => Promise.resolve(id), 2);
  await Promise.all([first, second]);
  assert.equal((await queue.depth()).oldestMs, 0);
});

test("an id that was given up while it ran is a new job when it comes again", async () => {
  const queue = new EmbeddedQueue<Numbered, number>({ waiting: 10 });
  let calls = 0;
  const letGo = Promise.withResolvers<number>();
  await using _ = queue.serve(() => (++calls === 1 ? letGo.promise : Promise.resolve(calls)), 2);
  const abort = new AbortController();
  const left = queue.submit({ id: "a" }, abort.signal);
  abort.abort(new Error("left"));
  await assert.rejects(left, /left/);
  assert.equal(await queue.submit({ id: "a" }, never), 2);
  letGo.resolve(1);
});

test("ten thousand jobs come back, each with its own result", async () => {
  const queue = new EmbeddedQueue<Numbered, string>({ waiting: 10_000 });
  await using _ = queue.serve(({ id }) => Promise.resolve(`${id}!`), 4);
  const ids = Array.from({ length: 10_000 }, (_unused, n) => String(n));
  assert.deepEqual(
    await Promise.all(ids.map((id) => queue.submit({ id }, new AbortController().signal))),
    ids.map((id) => `${id}!`),
  );
});
