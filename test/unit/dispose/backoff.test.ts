/** When to try again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expiryOf, nextAttempt } from "../../../src/dispose/backoff.ts";

const minute = 60_000;
const retry = { first: 5 * minute, longest: 240 * minute, expire: 5 * 24 * 60 * minute };
const now = new Date("2026-11-22T00:00:00Z");
const expires = expiryOf("2026-11-22T00:00:00Z", retry);
const waitOf = (id: string, attempts: number): number =>
  (nextAttempt(id, attempts, now, expires, retry)?.getTime() ?? 0) - now.getTime();

test("the wait doubles from the first to the longest, give or take a tenth", () => {
  for (const [attempts, minutes] of [
    [1, 5],
    [2, 10],
    [3, 20],
    [4, 40],
    [5, 80],
    [6, 160],
    [7, 240],
    [8, 240],
    [500, 240],
  ] as const) {
    const wait = waitOf("01A", attempts);
    assert.ok(wait >= minutes * minute * 0.9 && wait <= minutes * minute * 1.1, `${attempts}: ${wait / minute}`);
  }
});

test("the same message waits the same, different ones spread over the whole fifth", () => {
  assert.equal(waitOf("01A", 3), waitOf("01A", 3));
  const waits = Array.from(
    { length: 1_000 },
    (_, i) => waitOf(`01KAAAAAAAAAAAAAAAAAAA${String(i).padStart(4, "0")}`, 1) / minute,
  );
  assert.ok(Math.min(...waits) < 4.55 && Math.max(...waits) > 5.45);
  const early = waits.filter((wait) => wait < 5).length;
  assert.ok(early > 400 && early < 600, String(early));
});

test("the last attempt is made when the time is up, then forwarding is given up", () => {
  const late = new Date(expires.getTime() - minute);
  assert.deepEqual(nextAttempt("01A", 9, late, expires, retry), expires);
  assert.equal(nextAttempt("01A", 10, expires, expires, retry), null);
});
