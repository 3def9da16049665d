/** Transactions with a next hop: what is said, what arrives, what becomes of each forward-path. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reply } from "../../../src/core/status.ts";
import { startFakeNextHop } from "../../support/fake-next-hop.ts";
import { routeTo, said, sendingTo } from "../../support/outgoing.ts";

const b550 = (line: string): string => (line.includes("<b@") ? "550 5.1.1 no b" : "250 2.1.5 ok");
const lockstep = ["8BITMIME"];

test("fields and octets arrive byte for byte, and the reply comes back", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  const octets = Buffer.from(
    "Subject: \xe9\r\n\r\n.dot\r\n..\r\n\x80\xff long ".concat("x".repeat(5_000), "\r\n.\r\nend"),
    "latin1",
  );
  const delivered = await sender.send({ fields: "X-A: 1\r\n", octets });
  assert.equal(said(delivered.replies), "250 2.0.0 taken");
  assert.deepEqual([delivered.hop, delivered.ended], [hop.hop, true]);
  assert.deepEqual(hop.messages[0]?.octets, Buffer.concat([Buffer.from("X-A: 1\r\n"), octets, Buffer.from("\r\n")]));
  assert.deepEqual(hop.commands, ["EHLO mx.test", "MAIL FROM:<a@client.test>", "RCPT TO:<b@site.test>", "DATA"]);
});

test("a large message in pieces arrives byte for byte", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  const pieces = Array.from({ length: 40 }, (_, i) => Buffer.from(`.${i}\r\n.`.repeat(12_000)));
  assert.equal(await sender.reply({ octets: pieces }), "250 2.0.0 taken");
  assert.deepEqual(hop.messages[0]?.octets, Buffer.concat([...pieces, Buffer.from("\r\n")]));
});

test("without PIPELINING each command waits for its reply", async () => {
  await using hop = await startFakeNextHop({ extensions: lockstep, replies: { RCPT: { say: "250 ok", afterMs: 20 } } });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies } = await sender.send({ to: ["b@site.test", "c@site.test"] });
  assert.deepEqual([...replies.keys()], ["b@site.test", "c@site.test"]);
  assert.equal(said(replies, "c@site.test"), "250 2.0.0 taken");
});

test("a hop without EHLO is greeted with HELO, and gets no parameters", async () => {
  await using hop = await startFakeNextHop({ replies: { EHLO: "502 5.5.1 what?" } });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(
    await sender.reply({ size: 20, envelope: { extensions: { eightBitMime: true, smtpUtf8: false } } }),
    "250 2.0.0 taken",
  );
  assert.deepEqual(hop.messages[0]?.parameters, "");
});

test("SIZE, BODY and SMTPUTF8 are said to a hop that offers them", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  await sender.send({
    to: ["ü@site.test"],
    fields: "X: é\r\n",
    octets: "12345",
    size: 5,
    envelope: { extensions: { eightBitMime: true, smtpUtf8: true } },
  });
  assert.equal(hop.messages[0]?.parameters, "SIZE=12 BODY=8BITMIME SMTPUTF8");
  assert.deepEqual(hop.messages[0]?.forwardPaths, ["ü@site.test"]);
});

test("an 8-bit message goes as it is to a hop without 8BITMIME", async () => {
  await using hop = await startFakeNextHop({ extensions: ["PIPELINING"] });
  await using sender = sendingTo(routeTo(hop.hop));
  const octets = Buffer.from("a: b\r\n\r\n\xe9\r\n", "latin1");
  await sender.send({ octets, envelope: { extensions: { eightBitMime: true, smtpUtf8: false } } });
  assert.deepEqual([hop.messages[0]?.parameters, hop.messages[0]?.octets], ["", octets]);
});

test("a hop without SMTPUTF8 gets no internationalized address or header", async () => {
  await using hop = await startFakeNextHop({ extensions: ["PIPELINING", "8BITMIME"] });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send({ to: ["ü@site.test", "b@site.test"] });
  assert.equal(said(replies, "ü@site.test"), "553 5.6.7 The next hop takes no internationalized addresses");
  assert.equal(said(replies, "b@site.test"), "250 2.0.0 taken");
  assert.equal(ended, true);
  assert.match(
    await sender.reply({ envelope: { extensions: { eightBitMime: true, smtpUtf8: true } } }),
    /^554 5\.6\.9/,
  );
  assert.match(await sender.reply({ envelope: { reversePath: "ü@client.test" } }), /^553 5\.6\.7/);
});

test("a message larger than the hop allows is not sent", async () => {
  await using hop = await startFakeNextHop({ extensions: ["SIZE 1000"] });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.match(await sender.reply({ size: 1_001 }), /^552 5\.3\.4/);
  assert.equal(await sender.reply({ size: 900 }), "250 2.0.0 taken");
  assert.equal(hop.commands.filter((line) => line.startsWith("MAIL")).length, 1);
});

test("an address that would forge a command or a parameter is refused, not sent", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  for (const path of ["b@site.test>\r\nRSET", "b@site.test> NOTIFY=NEVER", "b\0@site.test", '"b\n"@site.test', "b@x y"])
    assert.match(await sender.reply({ to: [path] }, path), /^553 5\.1\.3/);
  assert.match(await sender.reply({ envelope: { reversePath: "a> X=<" } }), /^553 5\.1\.3/);
  assert.deepEqual(hop.commands, ["EHLO mx.test"]);
  assert.equal(await sender.reply({ to: ['"b> c"@site.test'] }, '"b> c"@site.test'), "250 2.0.0 taken");
});

test("a forward-path that stands twice is asked for once", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  await sender.send({ to: ["b@site.test", "b@site.test"] });
  assert.deepEqual(hop.messages[0]?.forwardPaths, ["b@site.test"]);
});

for (const [name, extensions] of [
  ["with PIPELINING", undefined],
  ["without PIPELINING", lockstep],
] as const) {
  const options = extensions ? { extensions } : {};

  test(`${name}: when some recipients are refused, we are asked before the final dot`, async () => {
    await using hop = await startFakeNextHop({ ...options, replies: { RCPT: b550 } });
    await using sender = sendingTo(routeTo(hop.hop));
    const asked: (readonly [readonly string[], ReadonlyMap<string, Reply>, number])[] = [];
    const { replies } = await sender.send({ to: ["b@site.test", "c@site.test"] }, async (accepted, refused) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      asked.push([accepted, refused, hop.attempts.length]);
    });
    assert.equal(asked.length, 1);
    assert.deepEqual([asked[0]?.[0], asked[0]?.[2]], [["c@site.test"], 0]);
    assert.equal(said(asked[0]?.[1] ?? new Map(), "b@site.test"), "550 5.1.1 no b");
    assert.equal(said(replies, "b@site.test"), "550 5.1.1 no b");
    assert.equal(said(replies, "c@site.test"), "250 2.0.0 taken");
  });

  test(`${name}: when all are refused, no octets are sent and nobody is asked`, async () => {
    const script = { RCPT: ["550 5.1.1 no", "450 4.2.1 later"], DATA: "503 5.5.1 no recipients" };
    await using hop = await startFakeNextHop({ ...options, replies: script });
    await using sender = sendingTo(routeTo(hop.hop));
    const { replies, ended } = await sender.send({ to: ["b@site.test", "c@site.test"] }, () =>
      Promise.reject(new Error("asked")),
    );
    assert.deepEqual([said(replies, "b@site.test"), said(replies, "c@site.test")], ["550 5.1.1 no", "450 4.2.1 later"]);
    assert.deepEqual([ended, hop.attempts.length], [false, 0]);
  });

  test(`${name}: a refused MAIL is the reply for all, and the connection goes on`, async () => {
    const script = {
      MAIL: ["550 5.7.1 not you", "250 ok"],
      RCPT: ["503 5.5.1 MAIL first", "250 ok"],
      DATA: ["503 5.5.1 no", "354 go"],
    };
    const pipelined = extensions ? { ...script, RCPT: "250 ok", DATA: "354 go" } : script;
    await using hop = await startFakeNextHop({ ...options, replies: pipelined });
    await using sender = sendingTo(routeTo(hop.hop));
    assert.equal(await sender.reply(), "550 5.7.1 not you");
    assert.equal(await sender.reply(), "250 2.0.0 taken");
    assert.equal(hop.connections, 1);
    assert.ok(hop.commands.includes("RSET"));
  });

  test(`${name}: a refused DATA is the reply for the accepted recipients`, async () => {
    await using hop = await startFakeNextHop({ ...options, replies: { RCPT: b550, DATA: "452 4.3.1 full" } });
    await using sender = sendingTo(routeTo(hop.hop));
    const { replies, ended } = await sender.send({ to: ["b@site.test", "c@site.test"] });
    assert.deepEqual(
      [said(replies, "b@site.test"), said(replies, "c@site.test")],
      ["550 5.1.1 no b", "452 4.3.1 full"],
    );
    assert.equal(ended, false);
  });
}

test("354 although every recipient was refused is answered with a lone dot", async () => {
  await using hop = await startFakeNextHop({
    replies: { RCPT: ["550 5.1.1 no", "250 ok"], END: ["554 5.5.1 no recipients", "250 ok"] },
  });
  await using sender = sendingTo(routeTo(hop.hop));
  assert.equal(await sender.reply(), "550 5.1.1 no");
  assert.equal(hop.attempts[0]?.raw.toString(), ".\r\n");
  assert.equal(await sender.reply(), "250 2.0.0 ok");
  assert.equal(hop.connections, 1);
});

test("a refusal after the final dot is passed on with class, code and text", async () => {
  await using hop = await startFakeNextHop({ replies: { END: "554 5.7.1 we do not like it" } });
  await using sender = sendingTo(routeTo(hop.hop));
  const { replies, ended } = await sender.send();
  assert.deepEqual([said(replies), ended], ["554 5.7.1 we do not like it", true]);
});

test("if the claim fails nothing is delivered, and the failure is the caller's", async () => {
  await using hop = await startFakeNextHop({ replies: { RCPT: b550 } });
  await using sender = sendingTo(routeTo(hop.hop));
  const full = new Error("disk full");
  await assert.rejects(
    sender.send({ to: ["b@site.test", "c@site.test"] }, () => Promise.reject(full)),
    full,
  );
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([hop.attempts.length, hop.open], [0, 0]);
});

test("if the octets cannot be read the hop never sees an end", async () => {
  await using hop = await startFakeNextHop();
  await using sender = sendingTo(routeTo(hop.hop));
  async function* broken(): AsyncIterable<Uint8Array> {
    yield Buffer.from("Subject: half\r\n");
    throw new Error("disk broken");
  }
  await assert.rejects(sender.send({ octets: broken }), /disk broken/);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([hop.attempts.length, hop.open], [0, 0]);
});

test("a refusal in the midst of the octets ends them and is passed on", async () => {
  await using hop = await startFakeNextHop({ duringData: { afterBytes: 200_000, then: "552 5.3.4 too much" } });
  await using sender = sendingTo(routeTo(hop.hop));
  async function* slow(): AsyncIterable<Uint8Array> {
    for (let i = 0; i < 50; i++) {
      yield Buffer.alloc(70_000, "x");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  const { replies, ended } = await sender.send({ octets: slow });
  assert.deepEqual([said(replies), ended, hop.attempts.length], ["552 5.3.4 too much", false, 0]);
});
