/** Queue ids: order, shape, and what they say of time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arrivalOf, isQueueId, timePrefix } from "../../../src/core/queue-id.ts";
import { createIds, derivedId } from "../../../src/spool/ids.ts";
import { dayOf, Layout } from "../../../src/spool/layout.ts";
import { clockAt } from "../../support/spool.ts";

test("rise within a millisecond and when the clock is set back", () => {
  const clock = clockAt("2026-11-22T10:00:00.000Z");
  const next = createIds(clock);
  const ids = [next(), next(), next()];
  clock.tick(-60_000);
  ids.push(next());
  clock.tick(120_000);
  ids.push(next());
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

test("tell the millisecond they were given out in", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (at) => {
      const clock = { now: () => new Date(at), monotonic: () => at };
      const id = createIds(clock)();
      return (
        isQueueId(id) && arrivalOf(id) === at && id.startsWith(timePrefix(at)) && /^\+?\d+-\d\d-\d\d$/.test(dayOf(id))
      );
    }),
  );
});

test("cannot be guessed from each other over a millisecond", () => {
  const clock = clockAt("2026-11-22T10:00:00.000Z");
  const [one, other] = [createIds(clock)(), createIds(clock)()];
  assert.notEqual(one.slice(10), other.slice(10));
});

test("derived ids are the same for the same purpose, and keep the day", () => {
  const from = createIds(clockAt("2026-11-22T10:00:00.000Z"))();
  const derived = derivedId(from, '["b@site.example"]');
  assert.ok(isQueueId(derived));
  assert.equal(derived, derivedId(from, '["b@site.example"]'));
  assert.notEqual(derived, derivedId(from, '["c@site.example"]'));
  assert.equal(dayOf(derived), "2026-11-22");
});

test("no text but an id becomes a path", () => {
  const layout = new Layout("/spool");
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9A-Z./]{26}$/)), (text) => {
      if (isQueueId(text)) return !/[./\0]/.test(layout.entry("incoming", text).slice("/spool/incoming/".length));
      assert.throws(() => layout.entry("incoming", text as never), RangeError);
      return true;
    }),
  );
});
