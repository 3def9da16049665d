/** A next hop that hangs, with hundreds of messages for it, and a neighbour whose mail must flow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Life, started } from "../../support/custody-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { silence } from "../../support/fake-next-hop.ts";

const places = 20;
const crowd = 200;
const held = (life: Life): number => life.parts.manager.activeByRoute.get("dead.test") ?? 0;

for (const reply_after of ["delivery", "verdict", "spool"] as const)
  test(`reply_after: ${reply_after}: a route whose next hop hangs gets its share of the window, and mail to another flows at once`, async (t) => {
    const usual = { reply_after, reply_deadline: "200ms" };
    const { rig, life } = await started(t, {
      maxActive: places,
      route: { ...usual, reply_deadline: "60s" },
      routes: [{ domains: ["dead.test"], ...usual }],
    });
    rig.hop.say({ RCPT: (line) => (line.includes("dead.test") ? silence : "250 2.1.5 ok") });
    const heard = Array.from({ length: crowd }, (_, i) => life.send({ to: [`b${i}@dead.test dead.test`] }));
    const replies = await Promise.all(heard);
    await eventually("its share is used up", () => held(life) === places / 2);
    const taken = replies.filter(({ reply }) => reply.startsWith("250 ")).length;
    const putOff = replies.filter(({ reply }) => reply.startsWith("451 4.3.2 ")).length;
    assert.deepEqual([taken, putOff], reply_after === "delivery" ? [places / 2, crowd - places / 2] : [crowd, 0]);
    assert.deepEqual(
      [life.parts.manager.hasRoom("dead.test"), life.parts.manager.hasRoom("site.test"), life.parts.manager.hasRoom()],
      [false, true, true],
    );
    for (let i = 0; i < 30; i++) assert.match((await life.send({ to: [`c${i}@site.test`] })).reply, /^250 /);
    await rig.arrive(30);
    assert.equal(held(life), places / 2);
    assert.deepEqual((await life.account()).unaccounted, []);
  });

test("with one route there is nobody to leave room for", async (t) => {
  const { rig, life } = await started(t, { maxActive: 8, route: { reply_after: "spool" } });
  rig.hop.say({ RCPT: silence });
  for (let i = 0; i < 10; i++) await life.send();
  await eventually("all places are taken", () => life.parts.manager.active === 8);
  assert.equal(life.parts.manager.hasRoom(), false);
});

test("a share that is set holds, and the route goes on where others have left", async (t) => {
  const { rig, life } = await started(t, {
    maxActive: 8,
    route: { reply_after: "spool", max_active: 3 },
    routes: [{ domains: ["other.test"] }],
  });
  rig.hop.say({ RCPT: silence });
  for (let i = 0; i < 6; i++) await life.send();
  await eventually("its share is used up", () => life.parts.manager.active === 3);
  rig.hop.say({ RCPT: "250 2.1.5 ok" });
  await life.parts.nextHops.close();
  await eventually("the line moves on", async () => (await life.spool.count("deferred")) === 6);
});
