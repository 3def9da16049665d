/** Our SMTP client against a real Postfix as the next hop. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../support/gateway.ts";
import { makeCertificates } from "../support/make-certificate.ts";
import { type Message, outgoing, routeTo, type Sender, said, sendingTo } from "../support/outgoing.ts";
import { type Postfix, startPostfix } from "../support/postfix.ts";

const certificates = makeCertificates("localhost");
let folder: string;
let postfix: Postfix;
let hop: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "sallyport-tls-"));
  const file = join(folder, "both.pem");
  writeFileSync(file, certificates.good.key + certificates.good.cert);
  const port = await freePort();
  postfix = await startPostfix({
    port,
    deliver: ["site.test"],
    recipients: ["b@site.test", "c@site.test", "ü@site.test"],
    extra: {
      local_header_rewrite_clients: "",
      smtpd_tls_security_level: "may",
      smtpd_tls_chain_files: file,
      smtpd_authorized_xforward_hosts: "127.0.0.0/8",
      smtpd_authorized_xclient_hosts: "127.0.0.0/8",
      smtpd_recipient_restrictions: "reject_unlisted_recipient, permit_mynetworks, reject_unauth_destination",
    },
  });
  hop = `localhost:${port}`;
});

after(async () => {
  await postfix.stop();
  await rm(folder, { recursive: true });
});

const postfixSender = (more: Record<string, unknown> = {}): Sender =>
  sendingTo(routeTo(hop, more), { authorities: new Map([["site.test", certificates.ca]]) });

/** What Postfix put into the mailbox for this message, below the fields that it added itself, with CRLF as we sent it. */
async function delivered(mark: string): Promise<string> {
  for (let i = 0; i < 200; i++) {
    const found = postfix.delivered().find((text) => text.includes(mark));
    if (found) return found.slice(found.indexOf(mark)).replaceAll("\n", "\r\n");
    await sleep(50);
  }
  throw new Error(`not delivered: ${mark}\n${postfix.log()}`);
}

const odd: readonly (readonly [string, Message])[] = [
  ["dots and an empty last line", { octets: "Subject: x\r\n\r\n.\r\n..\r\n.a\r\n\r\n\r\n" }],
  [
    "8-bit octets",
    {
      octets: Buffer.from("Subject: \xe9\r\n\r\n\xff\x80\r\n", "latin1"),
      envelope: { extensions: { eightBitMime: true, smtpUtf8: false } },
    },
  ],
  ["lines of 2,000 octets", { octets: `Subject: x\r\n\r\n${"y".repeat(1_900)}\r\n` }],
  ["an empty body", { octets: "Subject: x\r\n\r\n" }],
  ["a megabyte", { octets: `Subject: x\r\n\r\n${`.${"z".repeat(70)}\r\n`.repeat(15_000)}` }],
  [
    "SMTPUTF8",
    {
      to: ["ü@site.test"],
      octets: "Subject: ü\r\n\r\nx\r\n",
      envelope: { extensions: { eightBitMime: true, smtpUtf8: true } },
    },
  ],
];

test("odd but legal messages arrive byte for byte, in plain text and over TLS", async () => {
  for (const tls of ["none", "verified"]) {
    await using sender = postfixSender({ tls });
    for (const [name, message] of odd) {
      const mark = `X-Mark: ${tls} ${name}\r\n`;
      assert.match(await sender.reply({ ...message, fields: mark }), /^250 2\.0\.0 Ok: queued as /, name);
      const octets = Buffer.from(message.octets as string | Uint8Array).toString("latin1");
      const arrived = await delivered(mark.trimEnd());
      assert.equal(arrived, mark + octets, `${tls}: ${name}`);
    }
  }
});

test("unknown recipients are refused at verify and at RCPT, in Postfix's words", async () => {
  await using sender = postfixSender();
  assert.match(await sender.verify("b@site.test"), /^250 2\.1\.5 /);
  assert.match(await sender.verify("nobody@site.test"), /^550 5\.1\.1 .*nobody@site\.test.* User unknown/);
  const asked: string[] = [];
  const { replies } = await sender.send({ to: ["b@site.test", "nobody@site.test"] }, async (_, refused) => {
    asked.push(...refused.keys());
  });
  assert.match(said(replies, "b@site.test"), /^250 2\.0\.0 /);
  assert.match(said(replies, "nobody@site.test"), /^550 5\.1\.1 /);
  assert.deepEqual(asked, ["nobody@site.test"]);
  const none = await sender.send({ to: ["nobody@site.test", "else@site.test"] });
  assert.deepEqual(
    [...none.replies.values()].map((reply) => reply.status.class),
    [5, 5],
  );
  assert.match(await sender.reply(), /^250 /);
});

test("hundreds of messages go over few connections, each once", async () => {
  await using sender = postfixSender({ connections: 4 });
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, i) => sender.reply({ fields: `X-Many: ${i};\r\n` })),
  );
  assert.ok(replies.every((reply) => reply.startsWith("250 2.0.0")));
  for (let i = 0; i < 200 && postfix.queued() > 0; i++) await sleep(50);
  const numbers = postfix.delivered().flatMap((text) => /^X-Many: (\d+);/m.exec(text)?.[1] ?? []);
  assert.deepEqual([numbers.length, new Set(numbers).size], [200, 200]);
  const connects = postfix.log().match(/smtpd\[\d+\]: connect from/g)?.length ?? 0;
  assert.ok(connects < 40, `${connects} connections`);
});

test("XFORWARD names the client in Postfix's log, XCLIENT makes Postfix believe it", async () => {
  for (const how of ["xforward", "xclient"]) {
    await using sender = postfixSender({ pass_client: how });
    const client = {
      ...outgoing().envelope.client,
      address: "192.0.2.99",
      name: `${how}.client.test`,
      helo: `helo.${how}.test`,
    };
    assert.match(await sender.reply({ fields: `X-How: ${how}\r\n`, envelope: { client } }), /^250 2\.0\.0 /);
  }
  await delivered("X-How: xclient");
  assert.match(postfix.log(), /client=.*orig_client=xforward\.client\.test\[192\.0\.2\.99\]/);
  assert.match(
    postfix.delivered().join("\n"),
    /^Received: from helo\.xclient\.test \(xclient\.client\.test \[192\.0\.2\.99\]\)/m,
  );
});

test("probe sees TLS and what is offered", async () => {
  await using sender = postfixSender({ tls: "verified" });
  const [line] = await sender.hops.probe("site.test", new AbortController().signal);
  assert.ok(line?.ok, line?.text ?? "no line");
  assert.match(line?.tls ?? "", /^TLSv1\.3 TLS_/);
  assert.match(line?.text ?? "", /PIPELINING.*XCLIENT.*XFORWARD/);
});
