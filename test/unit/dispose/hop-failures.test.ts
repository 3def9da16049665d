/** Next hops that are silent, drop the connection, talk nonsense or go away, at each stage of a transaction. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { drop, type Said, silence, startFakeNextHop, type Verb } from "../../support/fake-next-hop.ts";
import { impatient, routeTo, said, sendingTo } from "../../support/outgoing.ts";

const stages: readonly Verb[] = ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "END"];
const ways: readonly (readonly [string, Said, RegExp])[] = [
  ["says nothing", silence, /^451 4\.4\.2 /],
  ["drops the connection", drop, /^451 4\.4\.2 /],
  ["talks nonsense", "HTTP/1.1 400 Bad Request", /^451 4\.5\.0 /],
  ["sends octets without end", Buffer.alloc(100_000, "2"), /^451 4\.5\.0 /],
  ["says 421", "421 4.3.2 shutting down", /^451 4\.3\.2 shutting down$/],
  ["answers twice", "250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n250 2.0.0 ok", /^451 4\./],
];

for (const [name, say, expected] of ways)
  test(`a next hop that ${name} gets 4yz at every stage, and no connection stays`, async () => {
    for (const stage of stages) {
      await using hop = await startFakeNextHop({ replies: { [stage]: say } });
      await using sender = sendingTo(routeTo(hop.hop, say === silence ? impatient : {}));
      const delivered = await sender.send();
      if (name === "answers twice" && stage === "END") continue;
      assert.match(said(delivered.replies), expected, stage);
      assert.equal(delivered.ended, stage === "END", `${stage}: ended`);
      for (let i = 0; i < 100 && hop.open > 0; i++) await sleep(5);
      assert.equal(hop.open, 0, `${stage}: open`);
    }
  });

test("a next hop that is not there is 451 4.4.1", async () => {
  const hop = await startFakeNextHop();
  await hop.close();
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send();
  assert.deepEqual([said(replies), ended], ["451 4.4.1 The next hop cannot be reached", false]);
});

test("a name that does not resolve is 451 4.4.1", async () => {
  await using sender = sendingTo(routeTo("no-such-host.invalid:25"));
  assert.match(await sender.reply(), /^451 4\.4\.1 /);
});

test("a hop that refuses us at its greeting is no reason to refuse the message", async () => {
  await using hop = await startFakeNextHop({ replies: { GREETING: "554 5.7.1 go away" } });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.match(await sender.reply(), /^451 4\.4\.1 /);
});

test("a 4yz at the greeting is passed on", async () => {
  await using hop = await startFakeNextHop({ replies: { GREETING: "450 4.7.1 too busy" } });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.reply(), "450 4.7.1 too busy");
});

test("a hop that refuses EHLO and HELO is 4yz", async () => {
  await using hop = await startFakeNextHop({ replies: { EHLO: "500 no", HELO: "500 no" } });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.match(await sender.reply(), /^451 4\.4\.1 /);
});

test("2yz to DATA is nonsense, and nothing is sent", async () => {
  await using hop = await startFakeNextHop({ replies: { DATA: "250 2.0.0 thanks" } });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send();
  assert.match(said(replies), /^451 4\.5\.0 /);
  assert.equal(ended, false);
});

test("3yz after the final dot is nonsense, and may have been delivered", async () => {
  await using hop = await startFakeNextHop({ replies: { END: "354 more" } });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send();
  assert.match(said(replies), /^451 4\.5\.0 /);
  assert.equal(ended, true);
});

test("a hop that stops reading in the midst of the octets is given up", async () => {
  await using hop = await startFakeNextHop({ duringData: { afterBytes: 100_000, then: silence } });
  await using sender = sendingTo(routeTo(hop.hop, impatient));
  const { replies, ended } = await sender.send({
    octets: Array.from({ length: 300 }, () => Buffer.alloc(100_000, "x")),
  });
  assert.match(said(replies), /^451 4\.4\.2 /);
  assert.equal(ended, false);
});

test("a hop that drops the connection in the midst of the octets is given up", async () => {
  await using hop = await startFakeNextHop({ duringData: { afterBytes: 100_000, then: drop } });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send({
    octets: Array.from({ length: 300 }, () => Buffer.alloc(100_000, "x")),
  });
  assert.match(said(replies), /^451 4\.4\.2 /);
  assert.equal(ended, false);
});

test("refused recipients keep their reply when the connection is lost for the others", async () => {
  const refuse = (line: string): string => (line.includes("<b@") ? "550 5.1.1 no b" : "250 ok");
  await using hop = await startFakeNextHop({ replies: { RCPT: refuse, END: drop } });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send({ to: ["b@site.test", "c@site.test"] });
  assert.equal(said(replies, "b@site.test"), "550 5.1.1 no b");
  assert.match(said(replies, "c@site.test"), /^451 4\.4\.2 /);
  assert.equal(ended, true);
});

test("when the client goes away before the final dot, the hop gets no message", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  const gone = new AbortController();
  async function* endless(): AsyncIterable<Uint8Array> {
    for (let i = 0; ; i++) {
      yield Buffer.from("line\r\n");
      await sleep(2);
      if (i === 5) gone.abort(new Error("client gone"));
    }
  }
  await assert.rejects(sender.send({ octets: endless }, undefined, gone.signal), /client gone/);
  await sleep(30);
  assert.deepEqual([hop.attempts.length, hop.open], [0, 0]);
});

test("when the client goes away while the hop is silent, we do not wait", async () => {
  await using hop = await startFakeNextHop({ replies: { MAIL: silence } });
  await using sender = sendingTo(routeTo(hop.hop));
  const signal = AbortSignal.timeout(50);
  await assert.rejects(sender.send({}, undefined, signal), (error) => error === signal.reason);
});

test("when the client goes away after the final dot, the reply is awaited all the same", async () => {
  await using hop = await startFakeNextHop({ replies: { END: { say: "250 2.0.0 late", afterMs: 150 } } });
  await using sender = sendingTo(routeTo(hop.hop));
  const delivered = await sender.send({}, undefined, AbortSignal.timeout(80));
  assert.deepEqual([said(delivered.replies), delivered.ended], ["250 2.0.0 late", true]);
});

test("a port where something listens that never speaks times out", async () => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  await using sender = sendingTo(routeTo(`127.0.0.1:${address.port}`, impatient));
  assert.match(await sender.reply(), /^451 4\.4\.2 /);
  server.close();
});

test("whatever a hop says, every forward-path gets a reply, and 2yz only what the hop has taken", async () => {
  const odd = [
    "250 ok",
    "250-a\r\n250 b",
    "354 go",
    "421 bye",
    "450 4.2.0 later",
    "550 5.1.1 no",
    "999 ?",
    "nonsense",
    "",
    drop,
  ] as const;
  const script = fc.array(fc.constantFrom(...odd), { minLength: 1, maxLength: 3 });
  const all = fc.record({ MAIL: script, RCPT: script, DATA: script, END: script, RSET: script }, { requiredKeys: [] });
  const paths = ["b@site.test", "c@site.test"];
  await fc.assert(
    fc.asyncProperty(all, fc.boolean(), async (replies, pipelining) => {
      await using hop = await startFakeNextHop({ replies, extensions: pipelining ? ["PIPELINING"] : [] });
      await using sender = sendingTo(routeTo(hop.hop));
      for (let i = 0; i < 3; i++) {
        const before = hop.attempts.length;
        const { replies: got, ended } = await sender.send({ to: paths });
        assert.deepEqual([...got.keys()], paths);
        const taken = hop.attempts
          .slice(before)
          .flatMap((each) => (each.reply.startsWith("2") ? each.forwardPaths : []));
        for (const [path, { status }] of got) assert.ok(status.class !== 2 || taken.includes(path), path);
        assert.ok(ended || taken.length === 0, "ended");
      }
    }),
    { numRuns: 60, interruptAfterTimeLimit: 1_500 },
  );
});
