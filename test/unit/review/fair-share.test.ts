/** Room divided: nobody loses its share, nothing is wasted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fairShares } from "../../../src/review/fair-share.ts";

const wish = (size: number, weight: number) => ({ size, weight });

test("each gets its share, and those who want more what others leave", () => {
  assert.deepEqual(fairShares([wish(10, 1), wish(100, 1)], 60), [10, 50]);
  assert.deepEqual(fairShares([wish(100, 4), wish(100, 1)], 50), [40, 10]);
  assert.deepEqual(fairShares([wish(10, 4), wish(100, 1), wish(30, 5)], 60), [10, 20, 30]);
  assert.deepEqual(fairShares([wish(10, 1), wish(20, 1)], 60), [10, 20]);
  assert.deepEqual(fairShares([], 60), []);
  assert.deepEqual(fairShares([wish(10, 1)], 0), [0]);
});

test("whatever others want, nobody who stays within its part of the room loses anything; none of it stays empty", () => {
  const wishes = fc.array(fc.record({ size: fc.nat(1e9), weight: fc.integer({ min: 1, max: 100 }) }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(wishes, fc.nat(2e9), (all, room) => {
      const shares = fairShares(all, room);
      const weights = all.reduce((sum, { weight }) => sum + weight, 0);
      const given = shares.reduce((sum, share) => sum + share, 0);
      const wanted = all.reduce((sum, { size }) => sum + size, 0);
      assert.ok(Math.abs(given - Math.min(wanted, room)) < 1, `${given} of ${room}`);
      for (const [i, { size, weight }] of all.entries())
        assert.ok((shares[i] ?? 0) > Math.min(size, (room * weight) / weights) - 1e-3);
    }),
  );
});
