/** What every Queue must do, whatever carries its jobs. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isGatewayError } from "../../src/core/errors.ts";
import type { Queue } from "../../src/queue/queue.ts";
import { eventually } from "../support/eventually.ts";

export interface TestJob {
  readonly id: string;
  readonly value: number;
  readonly priority?: number;
}

export interface QueueUnderTest {
  readonly queue: Queue<TestJob, number>;
  dispose(): Promise<void>;
}

const never = new AbortController().signal;
const job = (id: string, value = 0): TestJob => ({ id, value });

/** Work that waits until the test lets each job go. */
function gated() {
  const started: string[] = [];
  const aborted: string[] = [];
  const gates = new Map<string, PromiseWithResolvers<number>>();
  const arrivals: (() => void)[] = [];
  const gate = (id: string) => {
    const known = gates.get(id) ?? Promise.withResolvers<number>();
    gates.set(id, known);
    return known;
  };
  return {
    started,
    aborted,
    work: (one: TestJob, signal: AbortSignal): Promise<number> => {
      started.push(one.id);
      for (const arrival of arrivals.splice(0)) arrival();
      signal.addEventListener("abort", () => {
        aborted.push(one.id);
        gate(one.id).reject(signal.reason);
      });
      return gate(one.id).promise;
    },
    release: (id: string, value = 0) => gate(id).resolve(value),
    async untilStarted(count: number) {
      while (started.length < count) await new Promise<void>((resolve) => arrivals.push(resolve));
    },
  };
}

const settled = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => value,
    (reason: unknown) => reason,
  );

export function queueContract(name: string, make: () => Promise<QueueUnderTest>): void {
  const withQueue = async (run: (queue: Queue<TestJob, number>) => Promise<void>) => {
    const { queue, dispose } = await make();
    try {
      await run(queue);
    } finally {
      await dispose();
    }
  };

  describe(`queue contract: ${name}`, () => {
    it("brings a job to the worker and its result back", () =>
      withQueue(async (queue) => {
        await using _ = queue.serve(({ value }) => Promise.resolve(value * 2), 1);
        assert.equal(await queue.submit(job("a", 21), never), 42);
      }));

    it("brings the worker's failure back, and takes the same id again afterwards", () =>
      withQueue(async (queue) => {
        let calls = 0;
        await using _ = queue.serve(
          () => (++calls === 1 ? Promise.reject(new Error("broken")) : Promise.resolve(7)),
          1,
        );
        await assert.rejects(queue.submit(job("a"), never), /broken/);
        assert.equal(await queue.submit(job("a"), never), 7);
      }));

    it("keeps a job until somebody serves", () =>
      withQueue(async (queue) => {
        const result = queue.submit(job("a", 5), never);
        await using _ = queue.serve(({ value }) => Promise.resolve(value), 1);
        assert.equal(await result, 5);
      }));

    it("serves in the order of arrival", () =>
      withQueue(async (queue) => {
        const order: string[] = [];
        const results = ["a", "b", "c", "d"].map((id) => queue.submit(job(id), never));
        await using _ = queue.serve(({ id }) => Promise.resolve(order.push(id)), 1);
        await Promise.all(results);
        assert.deepEqual(order, ["a", "b", "c", "d"]);
      }));

    it("serves those for whom somebody waits first, then by priority, and each in the order of arrival", () =>
      withQueue(async (queue) => {
        const order: string[] = [];
        const jobs: readonly TestJob[] = [
          { ...job("test"), priority: 10 },
          { ...job("ours"), priority: 5 },
          job("inline"),
          { ...job("also ours"), priority: 5 },
          job("also inline"),
        ];
        const results = jobs.map((one) => queue.submit(one, never));
        await eventually("all wait", async () => (await queue.depth()).waiting === jobs.length);
        await using _ = queue.serve(({ id }) => Promise.resolve(order.push(id)), 1);
        await Promise.all(results);
        assert.deepEqual(order, ["inline", "also inline", "ours", "also ours", "test"]);
      }));

    it("runs no more jobs at a time than the server asked for", () =>
      withQueue(async (queue) => {
        const { work, started, release, untilStarted } = gated();
        await using _ = queue.serve(work, 2);
        const results = ["a", "b", "c"].map((id) => queue.submit(job(id), never));
        await untilStarted(2);
        assert.deepEqual(started, ["a", "b"]);
        release("a");
        await untilStarted(3);
        release("b");
        release("c");
        await Promise.all(results);
      }));

    it("runs equal ids in flight once, and gives all submitters the result", () =>
      withQueue(async (queue) => {
        const { work, started, release, untilStarted } = gated();
        await using _ = queue.serve(work, 2);
        const results = [queue.submit(job("a"), never), queue.submit(job("a"), never)];
        await untilStarted(1);
        results.push(queue.submit(job("a"), never));
        release("a", 9);
        assert.deepEqual(await Promise.all(results), [9, 9, 9]);
        assert.deepEqual(started, ["a"]);
      }));

    it("rejects with the signal's reason, at once if it is aborted already", () =>
      withQueue(async (queue) => {
        const reason = new Error("no longer wanted");
        assert.equal(await settled(queue.submit(job("a"), AbortSignal.abort(reason))), reason);
        const abort = new AbortController();
        const result = settled(queue.submit(job("a"), abort.signal));
        abort.abort(reason);
        assert.equal(await result, reason);
        assert.equal((await queue.depth()).waiting, 0);
      }));

    it("aborts a shared job only when its last submitter is gone (R19)", () =>
      withQueue(async (queue) => {
        const { work, aborted, release, untilStarted } = gated();
        await using _ = queue.serve(work, 1);
        const [first, second] = [new AbortController(), new AbortController()];
        const results = [settled(queue.submit(job("a"), first.signal)), settled(queue.submit(job("a"), second.signal))];
        await untilStarted(1);
        first.abort(new Error("first left"));
        assert.match(String(await results[0]), /first left/);
        assert.deepEqual(aborted, []);
        release("a", 3);
        assert.equal(await results[1], 3);
      }));

    it("tells the worker when nobody waits for the job any more", () =>
      withQueue(async (queue) => {
        const { work, aborted, untilStarted } = gated();
        await using _ = queue.serve(work, 1);
        const abort = new AbortController();
        const result = settled(queue.submit(job("a"), abort.signal));
        await untilStarted(1);
        abort.abort(new Error("left"));
        await result;
        await eventually("the worker hears of it", () => aborted.length > 0);
        assert.deepEqual(aborted, ["a"]);
      }));

    it("reports how much waits and runs, and since when", () =>
      withQueue(async (queue) => {
        assert.deepEqual(await queue.depth(), { waiting: 0, running: 0, oldestMs: 0 });
        const { work, release, untilStarted } = gated();
        await using _ = queue.serve(work, 1);
        const results = ["a", "b"].map((id) => queue.submit(job(id), never));
        await untilStarted(1);
        const depth = await queue.depth();
        assert.equal(depth.running, 1);
        assert.equal(depth.waiting, 1);
        assert.ok(depth.oldestMs >= 0);
        release("a");
        release("b");
        await Promise.all(results);
      }));

    it("lets running jobs end when a server leaves, and keeps the waiting ones for the next", () =>
      withQueue(async (queue) => {
        const { work, release, untilStarted } = gated();
        const server = queue.serve(work, 1);
        const results = [queue.submit(job("a"), never), queue.submit(job("b"), never)];
        await untilStarted(1);
        const left = server[Symbol.asyncDispose]();
        release("a", 1);
        await left;
        assert.equal(await results[0], 1);
        assert.equal((await queue.depth()).waiting, 1);
        await using _ = queue.serve(() => Promise.resolve(2), 1);
        assert.equal(await results[1], 2);
      }));

    it("refuses waiting and new jobs once closed", () =>
      withQueue(async (queue) => {
        const waiting = settled(queue.submit(job("a"), never));
        await queue.close();
        assert.ok(isGatewayError(await waiting, "QUEUE_UNAVAILABLE"));
        assert.ok(isGatewayError(await settled(queue.submit(job("b"), never)), "QUEUE_UNAVAILABLE"));
      }));
  });
}
