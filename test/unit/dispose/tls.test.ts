/** STARTTLS towards the next hop, by the four settings of a route. RFC 3207. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeNextHopOptions, startFakeNextHop } from "../../support/fake-next-hop.ts";
import { type Certificate, makeCertificates } from "../../support/make-certificate.ts";
import { routeTo, sendingTo } from "../../support/outgoing.ts";

const certificates = makeCertificates("127.0.0.1");
const { ca, good, expired, selfSigned } = certificates;
const authorities = new Map([["site.test", ca]]);
const noTls = "451 4.7.5 The next hop offers no TLS that the route accepts";

/** The reply, and whether the message that arrived came encrypted. */
async function attempt(tls: string, certificate: Certificate | null, more: FakeNextHopOptions = {}) {
  await using hop = await startFakeNextHop(certificate ? { tls: certificate, ...more } : more);
  await using sender = sendingTo(routeTo(hop.hop, { tls }), { authorities });
  const reply = await sender.reply({ octets: `Subject: x\r\n\r\n${".\r\n".repeat(50_000)}` });
  return { reply, encrypted: hop.messages.map((message) => message.tls), connections: hop.connections };
}

test("opportunistic encrypts whatever the certificate is", async () => {
  for (const certificate of [good, expired, selfSigned])
    assert.deepEqual(await attempt("opportunistic", certificate), {
      reply: "250 2.0.0 taken",
      encrypted: [true],
      connections: 1,
    });
});

test("opportunistic goes on in plain text where nothing is offered or STARTTLS is refused", async () => {
  assert.deepEqual((await attempt("opportunistic", null)).encrypted, [false]);
  assert.deepEqual((await attempt("opportunistic", good, { replies: { STARTTLS: "454 4.7.0 not now" } })).encrypted, [
    false,
  ]);
});

test("opportunistic connects again in plain text when the handshake fails", async () => {
  const broken = { extensions: ["STARTTLS", "PIPELINING"], replies: { STARTTLS: { say: "220 go", close: true } } };
  assert.deepEqual(await attempt("opportunistic", null, broken), {
    reply: "250 2.0.0 taken",
    encrypted: [false],
    connections: 2,
  });
});

test("required encrypts with any certificate, and sends nothing without", async () => {
  assert.deepEqual((await attempt("required", selfSigned)).encrypted, [true]);
  assert.deepEqual(await attempt("required", null), { reply: noTls, encrypted: [], connections: 1 });
  assert.deepEqual((await attempt("required", good, { replies: { STARTTLS: "454 4.7.0 no" } })).reply, noTls);
});

test("verified wants a valid certificate of a trusted authority", async () => {
  assert.deepEqual((await attempt("verified", good)).encrypted, [true]);
  for (const certificate of [expired, selfSigned])
    assert.deepEqual((await attempt("verified", certificate)).reply, noTls);
});

test("verified wants the name of the hop in the certificate", async () => {
  const other = makeCertificates("other.test");
  await using hop = await startFakeNextHop({ tls: other.good });
  await using sender = sendingTo(routeTo(hop.hop, { tls: "verified" }), {
    authorities: new Map([["site.test", other.ca]]),
  });
  assert.equal(await sender.reply(), noTls);
});

test("none does not even ask", async () => {
  await using hop = await startFakeNextHop({ tls: good });
  await using sender = sendingTo(routeTo(hop.hop, { tls: "none" }));
  assert.equal(await sender.reply(), "250 2.0.0 taken");
  assert.ok(!hop.commands.includes("STARTTLS"));
});

test("EHLO is said again after the handshake, and what was offered before counts no more", async () => {
  await using hop = await startFakeNextHop({ tls: good });
  await using sender = sendingTo(routeTo(hop.hop, { tls: "required" }));
  await sender.send();
  assert.deepEqual(hop.commands.slice(0, 3), ["EHLO mx.test", "STARTTLS", "EHLO mx.test"]);
});

test("replies that were slipped in before the handshake end the connection", async () => {
  const injected = { replies: { STARTTLS: "220 go\r\n250 2.0.0 injected" } };
  const { reply, encrypted } = await attempt("opportunistic", good, injected);
  assert.match(reply, /^451 4\.5\.0 /);
  assert.deepEqual(encrypted, []);
});
