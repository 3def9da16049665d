/** Fair shares of the active window. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ActiveWindow } from "../../../src/active-window.ts";

const window = (size: number, most: Readonly<Record<string, number>> = {}): ActiveWindow<string> =>
  new ActiveWindow({ size, most: (route) => most[route] ?? null });

/** Lets a route take what it gets; returns how many it holds. */
function fill(one: ActiveWindow<string>, route: string): number {
  for (let i = 0; one.hasRoom(route); i++) one.enter(`${route} ${i}`, route);
  return one.held.get(route) ?? 0;
}

test("one route gets half of the window, the next a quarter, and room is left for a third", () => {
  const one = window(200);
  assert.equal(fill(one, "dead"), 100);
  assert.equal(fill(one, "slow"), 50);
  assert.equal(one.hasRoom("dead"), false);
  assert.equal(one.hasRoom("alive"), true);
  assert.equal(one.hasRoom(), true);
});

test("a route whose share is set takes that much, and no more than there is", () => {
  const one = window(10, { big: 10, small: 2 });
  assert.equal(fill(one, "small"), 2);
  assert.equal(fill(one, "big"), 8);
  assert.equal(one.hasRoom(), false);
});

test("the line is not held up by a route that has its share, and routes take turns", () => {
  const one = window(4);
  for (let i = 0; i < 50; i++) one.wait({ id: `d${i}`, route: "dead", item: `d${i}` });
  for (let i = 0; i < 3; i++) one.wait({ id: `a${i}`, route: "alive", item: `a${i}` });
  assert.deepEqual([one.next(), one.next(), one.next()], ["d0", "a0", "d1"]);
  one.leave("a0");
  assert.equal(one.next(), "a1");
  one.leave("a1");
  assert.equal(one.next(), "a2");
  assert.equal(one.isWaiting("a2"), false);
  assert.equal(one.isWaiting("d2"), true);
});

test("whatever happens, who enters in turn finds a bounded window, and who holds nothing finds room unless others are as many as its places", () => {
  const step = fc.record({ route: fc.nat(4), what: fc.constantFrom("wait", "next", "leave"), pick: fc.nat(100) });
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 30 }), fc.array(step, { maxLength: 300 }), (size, steps) => {
      const one = window(size);
      const inside: string[] = [];
      let count = 0;
      let waiting = 0;
      for (const { route, what, pick } of steps) {
        if (what === "wait") {
          const id = `m${count++}`;
          one.wait({ id, route: `r${route}`, item: id });
          waiting++;
        } else if (what === "next") {
          const entered = one.next();
          if (entered !== null) inside.push(entered);
          if (entered !== null) waiting--;
        } else {
          const [gone] = inside.splice(pick % Math.max(1, inside.length), 1);
          if (gone !== undefined) one.leave(gone);
        }
        const held = [...one.held.values()].reduce((sum, each) => sum + each, 0);
        assert.equal(held, inside.length);
        assert.ok(held < size, "five routes never fill six places or more");
        assert.ok(one.hasRoom("newcomer"));
      }
      while (inside.length > 0 || waiting > 0) {
        const entered = one.next();
        if (entered !== null) {
          inside.push(entered);
          waiting--;
        } else one.leave(inside.shift() ?? "");
      }
      assert.equal(one.held.size, 0);
    }),
    { numRuns: 200, interruptAfterTimeLimit: 3_000 },
  );
});
