/** What arrives at the next hop, minus our fields on top, is what was sent. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { send } from "../support/send.ts";

const crlf = (...lines: readonly string[]): Buffer => Buffer.from(lines.join("\r\n"), "latin1");
const head = ["From: a@client.test", "To: b@bench.test", "Subject: octets"];

const messages: Readonly<
  Record<string, { readonly octets: Buffer; readonly parameters?: string; readonly to?: readonly string[] }>
> = {
  "plain text": { octets: crlf(...head, "", "Hello", "") },
  "an empty body": { octets: crlf(...head, "", "") },
  "only line ends": { octets: crlf("", "", "", "") },
  "no empty line at all": { octets: crlf(...head, "") },
  "a body without a last line end is completed": { octets: crlf(...head, "", "last") },
  "lines that begin with dots": { octets: crlf(...head, "", ".", "..", "...x", ".end", "") },
  "eight bits": {
    octets: Buffer.concat([
      crlf(...head, "Content-Type: text/plain; charset=shift_jis", "", ""),
      Buffer.from([0x94, 0x4e, 0x8b, 0xe0, 0x0d, 0x0a]),
    ]),
    parameters: "BODY=8BITMIME",
  },
  "lines longer than RFC 5321 allows": { octets: crlf(...head, "", "x".repeat(20_000), "y".repeat(999), "") },
  "trailing white space, tabs, odd folding": {
    octets: crlf("Subject:  two  spaces ", "X-Folded: a", "\tb  ", " c", "", " \t ", "  ", ""),
  },
  "internationalized addresses": {
    octets: Buffer.from("Subject: 件名\r\nFrom: 年金@client.test\r\n\r\n本文\r\n"),
    parameters: "SMTPUTF8 BODY=8BITMIME",
    to: ["受信者@bench.test"],
  },
  "fields that look like ours": {
    octets: crlf("X-Sallyport-Result: clean; id=FORGED", "X-Sallyport-Tags: trusted", ...head, "", "Hello", ""),
  },
  "a megabyte and a half": {
    octets: Buffer.concat([crlf(...head, "", ""), Buffer.from(`${"0123456789abcdef".repeat(4)}\r\n`.repeat(24_000))]),
  },
};

let hop: FakeNextHop;
let gateway: Gateway;

before(async () => {
  hop = await startFakeNextHop();
  gateway = await startGateway({ nextHop: hop.hop });
});
after(async () => {
  await gateway.stop();
  await hop.close();
  gateway.cleanUp();
});

for (const [name, { octets, parameters, to }] of Object.entries(messages))
  test(`octets arrive as they were sent: ${name}`, async () => {
    const count = hop.messages.length;
    const { reply } = await send(gateway.smtp, octets, {
      ...(parameters ? { parameters } : {}),
      ...(to ? { to } : {}),
    });
    assert.match(reply ?? "", /^250 /);
    const arrived = (await hop.received(count + 1))[count];
    assert.ok(arrived);
    const wanted =
      octets.subarray(-2).toString("latin1") === "\r\n" || octets.length === 0
        ? octets
        : Buffer.concat([octets, Buffer.from("\r\n")]);
    const ours = arrived.octets.subarray(0, arrived.octets.length - wanted.length).toString("latin1");
    assert.ok(arrived.octets.subarray(ours.length).equals(wanted), "the octets differ");
    assert.match(ours, /^X-Sallyport-Result: (?:clean|found); id=[0-9A-Z]{26}/);
    assert.match(ours, /\r\nReceived: from client\.test [^]*\r\n$/);
    assert.doesNotMatch(ours, /FORGED/);
  });
