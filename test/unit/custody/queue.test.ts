/** What is ours and on its way: retries, expiry, DSNs, crashes, messages that nobody handed over, the end of the process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueueId } from "../../../src/core/message.ts";
import type { Disposition } from "../../../src/core/verdict.ts";
import type { Delivery } from "../../../src/spool/spool.ts";
import { gate, type Life, started } from "../../support/custody-rig.ts";
import { eventually } from "../../support/eventually.ts";
import { silence } from "../../support/fake-next-hop.ts";
import { faultyDisk } from "../../support/faulty-disk.ts";
import { envelopeOf, pieces } from "../../support/spool.ts";

const spooled = { reply_after: "spool" };
const quarantine: Disposition = { kind: "quarantine", reason: "bad" };
const day = 86_400_000;

const deferred = async (life: Life): Promise<void> => {
  await eventually(
    "deferred",
    async () => (await life.spool.count("deferred")) === 1 && life.parts.manager.active === 0,
  );
};

/** A claimed message as a former process left it. */
async function left(life: Life, id: QueueId, delivery: Partial<Delivery>): Promise<void> {
  const entry = await life.spool.arrive(
    {
      ...envelopeOf(id),
      forwardPaths: [{ address: "b@site.test", route: "site.test" }],
      arrivedAt: new Date().toISOString(),
    },
    pieces(Buffer.from("Subject: x\r\n\r\nleft\r\n")),
  );
  await entry.record({
    attempts: 1,
    nextAttempt: null,
    expires: new Date(Date.now() + day).toISOString(),
    judging: false,
    crashes: 0,
    paths: {},
    ...delivery,
  });
  await entry.claim("incoming");
}

test("a temporary refusal is tried again until it ends", async (t) => {
  const { rig, life } = await started(t, { route: spooled });
  rig.hop.say({ END: ["451 4.0.0 not now", "421 4.3.2 closing", "250 2.0.0 taken"] });
  const { id } = await life.send();
  await rig.arrive(1);
  await life.settled();
  assert.equal(rig.attempts.length, 3);
  assert.equal(life.events.filter(({ event }) => event === "deferred").length, 2);
  assert.deepEqual(await life.told(id), ["accepted b@site.test", "forwarded b@site.test"]);
});

test("what cannot be forwarded until it expires is bounced, once", async (t) => {
  const { rig, life } = await started(t, { route: { ...spooled, retry: { first: "1h" } } });
  rig.hop.say({ RCPT: (line) => (line.includes("site.test") ? "450 4.2.1 mailbox busy" : "250 2.1.5 ok") });
  const { id } = await life.send();
  await deferred(life);
  rig.clock.skip(6 * day);
  await life.parts.manager.flush();
  await rig.arrive(1);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["a@client.test"]);
  assert.match(String(rig.taken[0]?.octets), /tried until its time was up; last reply: 450 4\.2\.1 mailbox busy/);
  assert.equal(rig.taken[0]?.reversePath, "");
  assert.deepEqual(await life.told(id), ["accepted b@site.test", "expired b@site.test"]);
});

test("a message with the null reverse-path is never answered", async (t) => {
  const { rig, life } = await started(t, { route: spooled });
  rig.hop.say({ RCPT: "550 5.1.1 nobody" });
  const { id } = await life.send({ from: "" });
  await life.settled();
  assert.deepEqual(await life.told(id), ["accepted b@site.test", "bounced b@site.test"]);
  assert.deepEqual(rig.attempts, []);
});

test("a DSN that is refused is not answered either", async (t) => {
  const { rig, life } = await started(t, { route: spooled });
  rig.hop.say({ RCPT: "550 5.1.1 nobody" });
  await life.send();
  await life.settled();
  assert.deepEqual(rig.attempts, []);
  assert.deepEqual((await life.told()).map((line) => line.split(" ")[0]).toSorted(), [
    "accepted",
    "accepted",
    "bounced",
    "bounced",
  ]);
});

test("the third crash of the gateway on a message brings it into quarantine, without another look at it (R12)", async (t) => {
  const { rig, life } = await started(t);
  const [twice, thrice] = [life.spool.newId(), life.spool.newId()];
  await left(life, twice, { judging: true, crashes: 1 });
  await left(life, thrice, { judging: true, crashes: 2 });
  await life.stop();
  const next = await rig.boot();
  await eventually("held", async () => (await next.held()).includes(thrice));
  await rig.arrive(1);
  await next.settled();
  assert.deepEqual(rig.scanner.dissected, [twice]);
  assert.match((await next.parts.review.show(thrice)).verdict?.groups[0]?.disposition.kind ?? "", /quarantine/);
});

test("after a crash suspects are judged one after the other, so that one of them does not take the rest along", async (t) => {
  const { rig, life } = await started(t);
  for (let i = 0; i < 4; i++) await left(life, life.spool.newId(), { judging: true });
  await life.stop();
  const verdict = gate();
  rig.scanner.gate = verdict.promise;
  const next = await rig.boot();
  await eventually("judging", () => rig.scanner.dissected.length > 0);
  assert.equal(rig.scanner.dissected.length, 1);
  const marks: boolean[] = [];
  for await (const id of next.spool.list("active"))
    marks.push((await (await next.spool.open(id, "active")).read<Delivery>("delivery.json"))?.crashes === 1);
  assert.equal(marks.filter(Boolean).length, 1, "the others do not count another crash");
  verdict.open();
  await rig.arrive(4);
  await next.settled();
});

test("a message that was judged before the crash is not under suspicion", async (t) => {
  const { rig, life } = await started(t, { route: { ...spooled, retry: { first: "1h" } } });
  rig.hop.say({ END: ["451 4.0.0 not now", "250 2.0.0 taken"] });
  const { id } = await life.send();
  await deferred(life);
  const entry = await life.spool.open(id, "deferred");
  const delivery = await entry.read<Delivery>("delivery.json");
  assert.ok(delivery);
  await entry.record({ ...delivery, judging: true, crashes: 2 });
  await life.parts.manager.flush();
  await rig.arrive(1);
  await life.settled();
});

test("a verdict of older rules is made anew before the next transaction, and what was sent stays sent (R16)", async (t) => {
  const { rig, life } = await started(t, { route: { ...spooled, retry: { first: "1h" } } });
  rig.hop.say({ RCPT: (line) => (line.includes("<c@") ? "450 4.2.1 later" : "250 2.1.5 ok") });
  const { id } = await life.send({ to: ["b@site.test", "c@site.test"] });
  await deferred(life);
  rig.scanner.ruleSet = "rules-2";
  rig.scanner.dispose = () => quarantine;
  await life.parts.manager.flush();
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["b@site.test"]);
  const { forwardPaths } = await life.parts.review.release(id, { by: "operator", why: "harmless" });
  assert.deepEqual(forwardPaths, ["c@site.test"], "b has it already");
});

test("a verdict that becomes several keeps those from getting it twice who have it", async (t) => {
  const { rig, life } = await started(t, { route: { ...spooled, retry: { first: "1h" } } });
  rig.hop.say({ RCPT: (line) => (/<[cd]@/.test(line) ? "450 4.2.1 later" : "250 2.1.5 ok") });
  await life.send({ to: ["b@site.test", "c@site.test", "d@site.test"] });
  await deferred(life);
  rig.scanner.ruleSet = "rules-2";
  rig.scanner.dispose = (path) => (path.startsWith("d") ? quarantine : { kind: "forward", tags: [] });
  rig.hop.say({ RCPT: "250 2.1.5 ok" });
  await life.parts.manager.flush();
  await rig.arrive(2);
  await eventually("held", async () => (await life.held()).length === 1);
  await life.settled();
  assert.deepEqual(rig.arrived(), ["b@site.test", "c@site.test"]);
});

test("a claimed message that nobody hands over is taken up at the second look, not at the first", async (t) => {
  const { rig, life } = await started(t);
  await left(life, life.spool.newId(), {});
  await life.parts.manager.scan();
  assert.equal(life.parts.manager.active, 0);
  await life.parts.manager.scan();
  await rig.arrive(1);
  await life.settled();
});

test("a deferred message whose timer was lost is found by the scan", async (t) => {
  const { rig, life } = await started(t);
  const id = life.spool.newId();
  await left(life, id, { nextAttempt: new Date().toISOString() });
  const entry = await life.spool.open(id, "incoming");
  await entry.move("active");
  await entry.move("deferred");
  await life.parts.manager.scan();
  await rig.arrive(1);
  await life.settled();
});

test("a result that cannot be written down is kept in mind: the message is not sent again", async (t) => {
  const disk = faultyDisk();
  const { rig, life } = await started(t, { route: { ...spooled, retry: { first: "10ms" } }, syscalls: disk.syscalls });
  rig.hop.say({
    END: () => {
      disk.fail("open", "ENOSPC", "delivery.json", 1);
      return "250 2.0.0 taken";
    },
  });
  const { id } = await life.send();
  await rig.arrive(1);
  await life.settled();
  assert.equal(rig.attempts.length, 1);
  assert.deepEqual(await life.told(id), ["accepted b@site.test", "forwarded b@site.test"]);
});

test("a crash between a result and its line, or its DSN, is caught up with", async (t) => {
  const { rig, life } = await started(t);
  const at = new Date().toISOString();
  const [sent, failed, both] = [life.spool.newId(), life.spool.newId(), life.spool.newId()];
  for (const id of [sent, failed, both])
    await life.journal.append({
      at,
      event: "accepted",
      queueId: id,
      forwardPaths: ["b@site.test"],
      reversePath: "a@client.example",
      sha256: null,
      size: 1,
      text: "",
    });
  await left(life, sent, { paths: { "b@site.test": { state: "sent", reply: "250 2.0.0 taken", at } } });
  await left(life, failed, { paths: { "b@site.test": { state: "failed", reply: "550 5.1.1 nobody", at } } });
  await left(life, both, { paths: { "b@site.test": { state: "failed", reply: "damaged", at, told: true } } });
  await life.journal.append({
    at,
    event: "bounced",
    queueId: both,
    forwardPaths: ["b@site.test"],
    reversePath: "",
    sha256: null,
    size: 1,
    text: "",
  });
  await life.stop();
  const next = await rig.boot();
  await rig.arrive(1);
  await next.settled();
  assert.deepEqual(rig.arrived(), ["a@client.example"]);
  assert.deepEqual(await next.told(sent), ["accepted b@site.test", "forwarded b@site.test"]);
  assert.deepEqual(await next.told(failed), ["accepted b@site.test", "bounced b@site.test"]);
  assert.deepEqual(await next.told(both), ["accepted b@site.test", "bounced b@site.test"]);
});

test("stopping lets a transaction end, cuts one that does not, and the message is there at the next start", async (t) => {
  const { rig, life } = await started(t, { route: spooled });
  rig.hop.say({ END: { afterMs: 200, say: "250 2.0.0 taken" } });
  await life.send();
  await eventually("under way", () => rig.hop.commands.includes("DATA"));
  await life.stop();
  assert.equal(rig.taken.length, 1);
  const second = await rig.boot();
  rig.hop.say({ END: silence });
  await second.send();
  await eventually("under way", () => rig.hop.commands.filter((line) => line === "DATA").length === 2);
  await second.stop(50);
  rig.hop.say({ END: "250 2.0.0 taken" });
  const third = await rig.boot();
  await rig.arrive(2);
  await third.settled();
});
