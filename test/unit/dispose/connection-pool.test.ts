/** Connections that are used again, limits, fail-over and the pauses of dead hops. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { HopEvent } from "../../../src/dispose/next-hops.ts";
import { drop, silence, startFakeNextHop } from "../../support/fake-next-hop.ts";
import { impatient, routeTo, sendingTo } from "../../support/outgoing.ts";

const taken = "250 2.0.0 taken";

/** A clock that the test moves. */
function testClock() {
  let now = 1_000;
  return { now: () => new Date(now), monotonic: () => now, forward: (ms: number) => void (now += ms) };
}

test("one connection serves one message after the other", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  for (let i = 0; i < 20; i++) assert.equal(await sender.reply(), taken);
  assert.deepEqual([hop.connections, hop.messages.length], [1, 20]);
});

test("a connection is closed politely after 500 messages", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  for (let i = 0; i < 501; i++) await sender.send();
  assert.deepEqual([hop.connections, hop.commands.filter((line) => line === "QUIT").length], [2, 1]);
});

test("there are never more connections than the route allows, and everybody gets a turn", async () => {
  await using hop = await startFakeNextHop({ replies: { END: { say: "250 2.0.0 taken", afterMs: 5 } } });
  await using sender = sendingTo(routeTo(hop.hop, { connections: 3 }));
  const replies = await Promise.all(Array.from({ length: 30 }, () => sender.reply()));
  assert.deepEqual([new Set(replies), hop.messages.length, hop.mostOpen], [new Set([taken]), 30, 3]);
});

test("whoever waits for a connection can leave", async () => {
  await using hop = await startFakeNextHop({ replies: { END: { say: "250 2.0.0 taken", afterMs: 100 } } });
  await using sender = sendingTo(routeTo(hop.hop, { connections: 1 }));
  const first = sender.reply();
  await assert.rejects(sender.send({}, undefined, AbortSignal.timeout(20)), { name: "TimeoutError" });
  assert.equal(await first, taken);
  assert.equal(await sender.reply(), taken);
});

test("a connection that the hop has closed meanwhile costs no message", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  await sender.send();
  hop.cut();
  assert.equal(await sender.reply(), taken);
  await sender.hops.verify("site.test", "", "x@site.test", new AbortController().signal);
  hop.cut();
  await sleep(20);
  assert.equal(await sender.reply(), taken);
});

test("a hop that says 421 to a connection it finds idle is asked again on a new one", async () => {
  await using hop = await startFakeNextHop({
    replies: { MAIL: ["250 ok", { say: "421 4.4.2 idle too long", close: true }, "250 ok"] },
  });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.reply(), taken);
  assert.equal(await sender.reply(), taken);
  assert.equal(hop.connections, 2);
});

test("a connection that breaks once the hop has answered is not tried again in secret", async () => {
  await using hop = await startFakeNextHop({ replies: { RCPT: ["250 ok", drop, "250 ok"] } });
  await using sender = sendingTo(routeTo(hop.hop));
  await sender.send();
  assert.match(await sender.reply(), /^451 4\.4\.2 /);
});

test("the next hops are tried in their order, and the first that is there gets the message", async () => {
  const dead = await startFakeNextHop();
  await dead.close();
  await using busy = await startFakeNextHop({ replies: { GREETING: "421 4.3.2 too busy" } });
  await using alive = await startFakeNextHop();
  await using sender = sendingTo(routeTo([dead.hop, busy.hop, alive.hop]));
  const delivered = await sender.send();
  assert.deepEqual([delivered.hop, alive.messages.length], [alive.hop, 1]);
});

test("a hop that fails before the final dot leaves the message to the next one", async () => {
  await using first = await startFakeNextHop({ replies: { DATA: drop } });
  await using second = await startFakeNextHop();
  await using sender = sendingTo(routeTo([first.hop, second.hop]));
  assert.equal(await sender.reply(), taken);
  assert.equal(second.messages.length, 1);
});

test("a hop that fails after the final dot does not: it may have the message", async () => {
  await using first = await startFakeNextHop({ replies: { END: drop } });
  await using second = await startFakeNextHop();
  await using sender = sendingTo(routeTo([first.hop, second.hop]));
  assert.match(await sender.reply(), /^451 4\.4\.2 /);
  assert.equal(second.connections, 0);
});

test("once some recipients were refused and the message claimed, no other hop gets it", async () => {
  const refuse = (line: string): string => (line.includes("<b@") ? "550 5.1.1 no" : "250 ok");
  await using first = await startFakeNextHop({ replies: { RCPT: refuse }, duringData: { afterBytes: 10, then: drop } });
  await using second = await startFakeNextHop();
  await using sender = sendingTo(routeTo([first.hop, second.hop]));
  const octets = Array.from({ length: 100 }, () => Buffer.alloc(100_000, "x"));
  assert.match(await sender.reply({ to: ["b@site.test", "c@site.test"], octets }, "c@site.test"), /^451 4\.4\.2 /);
  assert.equal(second.connections, 0);
});

test("a refusal is an answer: the next hop in the list is not asked", async () => {
  await using first = await startFakeNextHop({ replies: { RCPT: "450 4.2.1 later" } });
  await using second = await startFakeNextHop();
  await using sender = sendingTo(routeTo([first.hop, second.hop]));
  assert.equal(await sender.reply(), "450 4.2.1 later");
  assert.equal(second.connections, 0);
});

test("a dead hop is left alone for a growing pause, then one connection finds out", async () => {
  const clock = testClock();
  const pauses: number[] = [];
  const onEvent = (event: HopEvent): void => void (event.event === "unreachable" && pauses.push(event.pauseMs));
  await using hop = await startFakeNextHop({ replies: { GREETING: drop } });
  await using sender = sendingTo(routeTo(hop.hop), { clock, onEvent });
  for (let i = 0; i < 7; i++) {
    await sender.send();
    await sender.send();
    clock.forward(pauses.at(-1) ?? 0);
  }
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.equal(hop.connections, 7);
  hop.say({ GREETING: "220 back" });
  assert.deepEqual(await Promise.all([sender.reply(), sender.send().then((d) => d.ended)]), [taken, false]);
  assert.equal(await sender.reply(), taken);
});

test("a hop that has enough of our connections is not dead", async () => {
  await using hop = await startFakeNextHop({
    replies: { GREETING: ["220 hi", "421 4.7.0 too many"], END: { say: taken, afterMs: 60 } },
  });
  await using sender = sendingTo(routeTo(hop.hop));
  const first = sender.reply();
  await sleep(30);
  assert.equal(await sender.reply(), "451 4.7.0 too many");
  assert.equal(await first, taken);
  assert.equal(await sender.reply(), taken);
});

test("closing says QUIT on idle connections and ends those in use", async () => {
  await using hop = await startFakeNextHop();
  const sender = sendingTo(routeTo(hop.hop));
  await sender.send();
  hop.say({ MAIL: silence });
  const running = sender.reply();
  await sleep(30);
  await sender.hops.close();
  assert.match(await running, /^451 4\.4\./);
  for (let i = 0; i < 100 && hop.open > 0; i++) await sleep(5);
  assert.equal(hop.open, 0);
});

test("probe says who answers and what is wrong with those who do not", async () => {
  await using good = await startFakeNextHop();
  await using silent = await startFakeNextHop({ replies: { GREETING: silence } });
  await using rude = await startFakeNextHop({ replies: { GREETING: "554 5.7.1 no" } });
  await using sender = sendingTo(routeTo([good.hop, silent.hop, rude.hop], impatient));
  const lines = await sender.hops.probe("site.test", new AbortController().signal);
  assert.deepEqual(
    lines.map(({ ok, hop, tls }) => [ok, hop, tls]),
    [
      [true, good.hop, null],
      [false, silent.hop, null],
      [false, rude.hop, null],
    ],
  );
  assert.match(lines[0]?.text ?? "", /^hop\.test ESMTP PIPELINING SIZE/);
  assert.match(lines[2]?.text ?? "", /cannot be reached: 554 5\.7\.1 no/);
});
