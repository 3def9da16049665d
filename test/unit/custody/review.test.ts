/** What a person may do with a held message; how long it is held; what `reconcile` misses when something was taken by hand. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isGatewayError } from "../../../src/core/errors.ts";
import { heldFor } from "../../../src/compose-custody.ts";
import { silent } from "../../../src/observe/log.ts";
import { expireQuarantine } from "../../../src/review/retention.ts";
import { dayOf } from "../../../src/spool/layout.ts";
import { type Life, type RigOptions, started } from "../../support/custody-rig.ts";
import { faultyDisk } from "../../support/faulty-disk.ts";

const act = { by: "operator", why: "harmless after all" };
const day = 86_400_000;
const everyone = ["b@site.test", "c@site.test"];

/** A gateway that holds one message to everyone. */
async function holding(t: Parameters<typeof started>[0], options: RigOptions = {}) {
  const { rig, life } = await started(t, options);
  rig.scanner.dispose = () => ({ kind: "quarantine", reason: "bad" });
  const { id, reply } = await life.send({ to: everyone });
  assert.match(reply, /^250 /);
  assert.deepEqual(await life.held(), [id]);
  return { rig, life, id };
}

const expire = (life: Life, more: { readonly quota?: number }): Promise<number> =>
  expireQuarantine({
    spool: life.spool,
    journal: life.journal,
    clock: life.clock,
    log: silent,
    classes: heldFor(life.config),
    quota: 1e9,
    ...more,
  });

test("a release sends the original to everyone, past any verdict, and keeps it until it is discarded", async (t) => {
  const { rig, life, id } = await holding(t);
  const { released, again } = await life.parts.review.release(id, act);
  assert.equal(again, false);
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(rig.arrived(), everyone);
  const top = String(rig.taken[0]?.octets).replaceAll("\r\n ", " ");
  assert.match(top, new RegExp(`^X-Sallyport-Result: released; id=${released}`, "m"));
  assert.deepEqual(await life.told(released), ["accepted b@site.test,c@site.test", "released b@site.test,c@site.test"]);
  assert.deepEqual(await life.held(), [id]);
  await life.parts.review.discard(id, act);
  assert.deepEqual(await life.held(), []);
  await life.settled();
});

test("a release to one recipient leaves the others for later; nobody gets it twice", async (t) => {
  const { rig, life, id } = await holding(t);
  await life.parts.review.release(id, act, ["c@site.test"]);
  await rig.arrive(1);
  const before = await life.parts.review.release(id, act, ["c@site.test"]).catch((error: unknown) => error);
  assert.ok(isGatewayError(before, "SENT_BEFORE"));
  const { at, ...told } = before.detail;
  assert.deepEqual(told, { message: id, to: "c@site.test", by: act.by, reason: act.why });
  assert.ok(Date.parse(String(at)) > 0);
  await assert.rejects(life.parts.review.release(id, act, everyone), { code: "SENT_BEFORE" });
  await assert.rejects(life.parts.review.release(id, act, ["stranger@site.test"]), { code: "USAGE" });
  assert.deepEqual((await life.parts.review.release(id, act)).forwardPaths, ["b@site.test"]);
  await rig.arrive(2);
  await assert.rejects(life.parts.review.release(id, act), { code: "SENT_BEFORE" });
  await life.settled();
  assert.deepEqual(rig.arrived(), ["c@site.test", "b@site.test"]);
});

test("a release whose copy was never made is finished by the next click, under the same id", async (t) => {
  const disk = faultyDisk();
  const { rig, life, id } = await holding(t, { syscalls: disk.syscalls });
  disk.fail("rename", "EIO", "incoming");
  await assert.rejects(life.parts.review.release(id, act), { code: "SPOOL_UNWRITABLE" });
  const { again, released } = await life.parts.review.release(id, { by: "another", why: "again" });
  assert.equal(again, true);
  await rig.arrive(1);
  await life.settled();
  const [line, ...more] = (await life.parts.review.show(id)).review;
  assert.deepEqual([line?.by, line?.released, more.length], ["operator", released, 0]);
  assert.deepEqual(rig.arrived(), everyone);
});

test("a released message that the next hop refuses is bounced to its sender", async (t) => {
  const { rig, life, id } = await holding(t);
  rig.hop.say({ RCPT: (line) => (line.includes("site.test") ? "550 5.1.1 nobody" : "250 2.1.5 ok") });
  await life.parts.review.release(id, act);
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["a@client.test"]);
});

test("a discarded message is gone, and the journal says by whom", async (t) => {
  const { rig, life, id } = await holding(t);
  await life.parts.review.discard(id, act);
  const line = (await life.lines()).at(-1);
  assert.equal(line?.event, "discarded");
  assert.match(line?.text ?? "", /operator.*harmless/);
  assert.deepEqual((await life.account()).discardedBy, { operator: everyone.length });
  await life.settled();
  assert.deepEqual(rig.attempts, []);
  await assert.rejects(life.parts.review.discard(id, act), { code: "SPOOL_NOT_THERE" });
});

test("a rescan judges with what is in force now", async (t) => {
  const { rig, life, id } = await holding(t);
  await life.parts.review.rescan(id, act);
  await life.settled();
  assert.deepEqual(await life.held(), [id], "still bad");
  rig.scanner.dispose = () => ({ kind: "forward", tags: [] });
  await life.parts.review.rescan(id, act);
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(rig.arrived(), everyone);
});

test("what was released is not rescanned, so that nobody gets it twice", async (t) => {
  const { rig, life, id } = await holding(t);
  await life.parts.review.release(id, act, ["b@site.test"]);
  rig.scanner.dispose = () => ({ kind: "forward", tags: [] });
  await assert.rejects(life.parts.review.rescan(id, act), { code: "SENT_BEFORE" });
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["b@site.test"]);
});

test("held messages expire by age, and by quota when they are older than a day", async (t) => {
  const { rig, life, id } = await holding(t);
  assert.equal(await expire(life, { quota: 0 }), 0, "too young for the quota");
  rig.clock.skip(2 * day);
  const { id: second } = await life.send({ to: everyone, octets: Buffer.from("Subject: y\r\n\r\nanother\r\n") });
  assert.equal(await expire(life, { quota: 0 }), 1);
  assert.deepEqual(await life.held(), [second]);
  rig.clock.skip(31 * day);
  assert.equal(await expire(life, {}), 1);
  assert.deepEqual(await life.held(), []);
  await life.settled();
  assert.deepEqual(await life.told(id), [
    "accepted b@site.test,c@site.test",
    "quarantined b@site.test,c@site.test",
    "expired b@site.test,c@site.test",
  ]);
});

test("an unreadable held message does not keep the others from expiring; it counts as unaccounted", async (t) => {
  const { rig, life, id } = await holding(t);
  const { id: second } = await life.send({ to: everyone, octets: Buffer.from("Subject: y\r\n\r\nanother\r\n") });
  await life.stop();
  await rm(join(rig.dir, "spool/quarantine", dayOf(id), id, "envelope.json"));
  const next = await rig.boot();
  rig.clock.skip(31 * day);
  assert.equal(await expire(next, {}), 1);
  assert.deepEqual((await next.told(second)).at(-1), "expired b@site.test,c@site.test");
  assert.deepEqual((await next.account()).unaccounted, [id]);
});

test("reconcile names a message that was removed by hand", async (t) => {
  const { rig, life, id } = await holding(t);
  const { id: other } = await life.send({ octets: Buffer.from("Subject: y\r\n\r\nanother\r\n") });
  assert.deepEqual((await life.account()).unaccounted, []);
  await rm(join(rig.dir, "spool/quarantine", dayOf(id), id), { recursive: true });
  const { accepted, outcomes, unaccounted } = await life.account();
  assert.deepEqual(
    { accepted, outcomes, unaccounted },
    { accepted: 2, outcomes: { quarantine: 1 }, unaccounted: [id] },
  );
  assert.deepEqual(await life.held(), [other]);
});

test("reconcile is not misled by messages that move while it looks", async (t) => {
  const { rig, life } = await started(t, { route: { reply_after: "spool", retry: { first: "5ms" } } });
  rig.hop.say({ END: Array.from({ length: 40 }, (_, i) => (i % 2 ? "250 2.0.0 taken" : "451 4.0.0 not now")) });
  let busy = true;
  const looking = (async () => {
    const missed: string[] = [];
    while (busy) missed.push(...(await life.account()).unaccounted);
    return missed;
  })();
  for (let i = 0; i < 20; i++) await life.send();
  await rig.arrive(20);
  busy = false;
  assert.deepEqual(await looking, []);
  await life.settled();
});
