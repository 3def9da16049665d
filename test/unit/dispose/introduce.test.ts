/** XFORWARD and XCLIENT towards the next hop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../../../src/core/message.ts";
import { startFakeNextHop } from "../../support/fake-next-hop.ts";
import { routeTo, sendingTo, siteEnvelope } from "../../support/outgoing.ts";

const all = "NAME ADDR PORT PROTO HELO IDENT SOURCE";
const from = (client: Partial<Client>) => ({ envelope: { client: { ...siteEnvelope.client, ...client } } });

test("XFORWARD says who the client was, before each message, on one connection", async () => {
  for (const pipelining of ["PIPELINING", "8BITMIME"]) {
    await using hop = await startFakeNextHop({ extensions: [pipelining, `XFORWARD ${all}`] });
    await using sender = sendingTo(routeTo(hop.hop, { pass_client: "xforward" }));
    assert.equal(await sender.reply(), "250 2.0.0 taken");
    await sender.send(
      from({ name: "mail.client.test", address: "2001:db8::7", helo: "odd name+=\u00fc", protocol: "UTF8SMTPS" }),
    );
    assert.deepEqual(
      hop.messages.map((message) => message.attributes),
      [
        {
          NAME: "[UNAVAILABLE]",
          ADDR: "192.0.2.7",
          PORT: "40123",
          PROTO: "ESMTP",
          HELO: "client.test",
          IDENT: siteEnvelope.queueId,
          SOURCE: "REMOTE",
        },
        {
          NAME: "mail.client.test",
          ADDR: "IPV6:2001:db8::7",
          PORT: "40123",
          PROTO: "ESMTP",
          HELO: "odd+20name+2B+3D+C3+BC",
          IDENT: siteEnvelope.queueId,
          SOURCE: "REMOTE",
        },
      ],
    );
    assert.equal(hop.connections, 1);
  }
});

test("only attributes that the hop names are sent, in a line that is short enough", async () => {
  await using hop = await startFakeNextHop({ extensions: [`XFORWARD ${all.toLowerCase().replace(" ident", "")}`] });
  await using sender = sendingTo(routeTo(hop.hop, { pass_client: "xforward" }));
  await sender.send(from({ name: "n".repeat(900), helo: "\u00fc".repeat(900) }));
  const lines = hop.commands.filter((line) => line.startsWith("XFORWARD"));
  assert.deepEqual(Object.keys(hop.messages[0]?.attributes ?? {}), ["NAME", "ADDR", "PORT", "PROTO", "HELO", "SOURCE"]);
  assert.ok(lines.every((line) => line.length <= 510 && !/\+.?$/.test(line)));
});

test("a hop that refuses XFORWARD or XCLIENT gets the message all the same", async () => {
  const replies = { XFORWARD: "550 5.7.0 not you", XCLIENT: "550 5.7.0 not you" };
  for (const how of ["xforward", "xclient"]) {
    await using hop = await startFakeNextHop({ extensions: [`XFORWARD ${all}`, "XCLIENT NAME ADDR"], replies });
    await using sender = sendingTo(routeTo(hop.hop, { pass_client: how }));
    assert.equal(await sender.reply(), "250 2.0.0 taken");
  }
});

test("XCLIENT makes the session the client's; the connection serves nobody else", async () => {
  await using hop = await startFakeNextHop({ extensions: ["PIPELINING", "XCLIENT NAME ADDR PORT PROTO HELO LOGIN"] });
  await using sender = sendingTo(routeTo(hop.hop, { pass_client: "xclient" }));
  await sender.send(from({ protocol: "SMTP" }));
  await sender.send();
  const verbs = hop.commands.map((line) => line.split(/[ :]/, 1)[0]);
  assert.equal(hop.messages[0]?.helo, "client.test");
  assert.deepEqual(verbs.slice(0, 6), ["EHLO", "XCLIENT", "EHLO", "MAIL", "RCPT", "DATA"]);
  assert.deepEqual(
    [hop.connections, hop.messages[0]?.attributes.PROTO, hop.messages[0]?.attributes.ADDR],
    [2, "SMTP", "192.0.2.7"],
  );
});

test("nothing is said of the client unless the route wants it and the hop offers it", async () => {
  for (const [how, extension] of [
    ["none", `XFORWARD ${all}`],
    ["xforward", "XCLIENT NAME"],
    ["xclient", "XFORWARD NAME"],
  ] as const) {
    await using hop = await startFakeNextHop({ extensions: [extension] });
    await using sender = sendingTo(routeTo(hop.hop, { pass_client: how }));
    await sender.send();
    assert.deepEqual(hop.messages[0]?.attributes, {});
  }
});
