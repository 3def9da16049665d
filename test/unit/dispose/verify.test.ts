/** Asking next hops about recipients, and remembering what they said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reply } from "../../../src/core/status.ts";
import { VerifyCache } from "../../../src/dispose/verify-cache.ts";
import { drop, silence, startFakeNextHop } from "../../support/fake-next-hop.ts";
import { routeTo, sendingTo } from "../../support/outgoing.ts";

const hour = 3_600_000;
function testClock() {
  let now = 1_000;
  return { now: () => new Date(now), monotonic: () => now, forward: (ms: number) => void (now += ms) };
}
const unknown = "450 4.4.1 The recipient cannot be verified now, please come back";

test("the dialogue stops after RCPT, with the null reverse-path, and leaves the connection clean", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.verify(), "250 2.1.5 ok");
  assert.deepEqual(hop.commands, ["EHLO mx.test", "MAIL FROM:<>", "RCPT TO:<b@site.test>", "RSET"]);
  assert.equal(await sender.reply(), "250 2.0.0 taken");
  assert.deepEqual([hop.connections, hop.commands.filter((line) => line === "RSET").length], [1, 1]);
});

test("positive answers hold for six hours, negative ones for five minutes", async () => {
  const clock = testClock();
  await using hop = await startFakeNextHop({
    replies: { RCPT: (line) => (line.includes("<b@") ? "250 2.1.5 ok" : "550 5.1.1 no") },
  });
  await using sender = sendingTo(routeTo(hop.hop), { clock });
  const asked = async (path: string): Promise<number> => {
    const before = hop.commands.length;
    await sender.verify(path);
    return hop.commands.filter((line, i) => i >= before && line.startsWith("RCPT")).length;
  };
  assert.deepEqual([await asked("b@site.test"), await asked("c@site.test")], [1, 1]);
  clock.forward(5 * 60_000 - 1);
  assert.deepEqual([await asked("b@SITE.test"), await asked("c@site.test")], [0, 0]);
  clock.forward(1);
  assert.deepEqual([await asked("b@site.test"), await asked("c@site.test")], [0, 1]);
  clock.forward(6 * hour);
  assert.equal(await asked("b@site.test"), 1);
});

test("many who ask at the same time make one dialogue", async () => {
  await using hop = await startFakeNextHop({ replies: { RCPT: { say: "250 2.1.5 ok", afterMs: 30 } } });
  await using sender = sendingTo(routeTo(hop.hop));
  await Promise.all(Array.from({ length: 20 }, () => sender.verify()));
  assert.equal(hop.commands.filter((line) => line.startsWith("RCPT")).length, 1);
});

test("one who goes away does not take the answer from the others", async () => {
  await using hop = await startFakeNextHop({ replies: { RCPT: { say: "250 2.1.5 ok", afterMs: 60 } } });
  await using sender = sendingTo(routeTo(hop.hop));
  const impatient = sender.hops.verify("site.test", "", "b@site.test", AbortSignal.timeout(10));
  const patient = sender.verify();
  await assert.rejects(impatient, { name: "TimeoutError" });
  assert.equal(await patient, "250 2.1.5 ok");
});

test("a hop that refuses the null reverse-path is asked with the real one, and nothing is kept", async () => {
  const replies = { MAIL: (line: string) => (line === "MAIL FROM:<>" ? "550 5.7.1 no bounces" : "250 ok") };
  for (const extensions of [["PIPELINING"], []]) {
    await using hop = await startFakeNextHop({ replies, extensions });
    await using sender = sendingTo(routeTo(hop.hop));
    assert.equal(await sender.verify(), "250 2.1.5 ok");
    assert.equal(await sender.verify(), "250 2.1.5 ok");
    assert.equal(hop.commands.filter((line) => line === "MAIL FROM:<a@client.test>").length, 2);
  }
});

test("a refusal for reasons of policy may be meant for the null reverse-path only", async () => {
  await using hop = await startFakeNextHop({
    replies: { RCPT: ["550 5.7.1 not from <>", "250 2.1.5 ok", "550 5.7.1 not you either"] },
  });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.verify(), "250 2.1.5 ok");
  assert.equal(await sender.verify("b@site.test", ""), "550 5.7.1 not you either");
});

test("4yz is passed on and not kept", async () => {
  await using hop = await startFakeNextHop({ replies: { RCPT: ["450 4.2.0 greylisted", "250 2.1.5 ok"] } });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.verify(), "450 4.2.0 greylisted");
  assert.equal(await sender.verify(), "250 2.1.5 ok");
});

test("with reply_after delivery an unreachable hop is 450, whatever is known", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.verify(), "250 2.1.5 ok");
  await hop.close();
  assert.equal(await sender.verify("c@site.test"), unknown);
  assert.equal(await sender.verify(), unknown);
});

for (const mode of ["verdict", "spool"])
  test(`with reply_after ${mode} a positive answer of the last seven days suffices, the unknown is 450`, async () => {
    const clock = testClock();
    await using hop = await startFakeNextHop({
      replies: { RCPT: (line) => (line.includes("<b@") ? "250 2.1.5 ok" : "550 5.1.1 no") },
    });
    await using sender = sendingTo(routeTo(hop.hop, { reply_after: mode }), { clock });
    await sender.verify();
    await sender.verify("c@site.test");
    hop.say({ GREETING: drop });
    hop.cut();
    clock.forward(7 * 24 * hour - 1);
    assert.equal(await sender.verify(), "250 2.1.5 ok");
    assert.equal(await sender.verify("c@site.test"), unknown);
    clock.forward(1);
    assert.equal(await sender.verify(), unknown);
  });

test("a route that does not verify takes everybody", async () => {
  await using hop = await startFakeNextHop({ replies: { GREETING: silence } });
  await using sender = sendingTo(routeTo(hop.hop, { verify_recipients: false }));
  assert.equal(await sender.verify(), "250 2.1.5 Recipient accepted");
  assert.equal(hop.connections, 0);
});

test("the second hop is asked when the first is not there", async () => {
  await using first = await startFakeNextHop({ replies: { GREETING: drop } });
  await using second = await startFakeNextHop({ replies: { RCPT: "550 5.1.1 no" } });
  await using sender = sendingTo(routeTo([first.hop, second.hop]));
  assert.equal(await sender.verify(), "550 5.1.1 no");
});

test("an internationalized recipient is refused for a hop without SMTPUTF8, and asked for with it", async () => {
  await using old = await startFakeNextHop({ extensions: [] });
  await using sender = sendingTo(routeTo(old.hop));
  assert.match(await sender.verify("ü@site.test"), /^553 5\.6\.7 /);
  await using modern = await startFakeNextHop();
  await using other = sendingTo(routeTo(modern.hop));
  assert.equal(await other.verify("ü@site.test"), "250 2.1.5 ok");
  assert.ok(modern.commands.includes("MAIL FROM:<> SMTPUTF8"));
});

test("an address that would forge a command is refused without asking", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  assert.match(await sender.verify("b@site.test>\r\nDATA"), /^553 5\.1\.3 /);
  assert.deepEqual(hop.commands, ["EHLO mx.test"]);
});

test("what a transaction finds refused is asked about again", async () => {
  await using hop = await startFakeNextHop({ replies: { RCPT: ["250 2.1.5 ok", "550 5.1.1 gone", "550 5.1.1 gone"] } });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.verify(), "250 2.1.5 ok");
  assert.equal(await sender.reply(), "550 5.1.1 gone");
  assert.equal(await sender.verify(), "550 5.1.1 gone");
});

test("the cache is bounded and forgets what was used longest ago", () => {
  const cache = new VerifyCache(testClock(), 3);
  const yes = reply(2, 50, "1.5", "ok");
  for (const key of ["a", "b", "c"]) cache.keep(key, yes);
  cache.fresh("a");
  cache.keep("d", yes);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((key) => cache.fresh(key) !== null),
    [true, false, true, true],
  );
  assert.equal(cache.size, 3);
});
