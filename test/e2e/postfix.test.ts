/** Postfix → Sallyport → Postfix, with mail that swaks hands to the first one. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eicar, zip } from "../../fixtures/make.ts";
import type { Summary } from "../../src/catalog/catalog.ts";
import { eventually } from "../support/eventually.ts";
import { freePort, type Gateway, startGateway } from "../support/gateway.ts";
import { makeCertificates } from "../support/make-certificate.ts";
import { type Postfix, startPostfix } from "../support/postfix.ts";
import { type Ran, sallyport } from "../support/sallyport.ts";
import { swaks } from "../support/swaks.ts";
import { startSwitch, type TcpSwitch } from "../support/tcp-switch.ts";

const files = mkdtempSync(join(tmpdir(), "sallyport-mail-"));
let sender: Postfix;
let receiver: Postfix;
let way: TcpSwitch;
let gateway: Gateway;
let cli: (...args: readonly string[]) => Promise<Ran>;

/** A file in the test's folder, as swaks wants to be told of it. */
function file(name: string, content: Buffer | string): string {
  writeFileSync(join(files, name), content);
  return `@${join(files, name)}`;
}

before(async () => {
  const [senderPort, gatewayPort, receiverPort] = [await freePort(), await freePort(), await freePort()];
  const { good } = makeCertificates("localhost");
  writeFileSync(join(files, "both.pem"), good.key + good.cert);
  [sender, receiver] = await Promise.all([
    startPostfix({
      port: senderPort,
      relayTo: `127.0.0.1:${gatewayPort}`,
      deliver: ["client.test"],
      extra: {
        mynetworks: "127.0.0.0/8 192.0.2.0/24",
        smtpd_authorized_xclient_hosts: "127.0.0.0/8",
        smtp_send_xforward_command: "yes",
        smtp_tls_security_level: "encrypt",
        smtp_tls_loglevel: "1",
        minimal_backoff_time: "1s",
        maximal_backoff_time: "2s",
        queue_run_delay: "1s",
      },
    }),
    startPostfix({
      port: receiverPort,
      deliver: ["site.test", "later.test", "blind.test"],
      recipients: ["box@site.test", "box@later.test", "box@blind.test"],
      extra: {
        smtpd_tls_security_level: "may",
        smtpd_tls_chain_files: join(files, "both.pem"),
        smtpd_tls_loglevel: "1",
        smtpd_authorized_xforward_hosts: "127.0.0.0/8",
      },
    }),
  ]);
  way = await startSwitch(receiverPort);
  const hop = `next_hop: "127.0.0.1:${way.port}"`;
  gateway = await startGateway({
    nextHop: `127.0.0.1:${way.port}`,
    domains: ["site.test"],
    route: "pass_client: xforward",
    routes: [
      `{ domains: [later.test], ${hop}, reply_after: verdict, retry: { first: 1h, longest: 2h } }`,
      `{ domains: [blind.test], ${hop}, reply_after: verdict, verify_recipients: false }`,
    ],
    smtpPort: gatewayPort,
    more: `smtp: { xforward_from: [127.0.0.0/8] }\nnotifications: { relay: "127.0.0.1:${senderPort}" }`,
  });
  cli = sallyport(gateway.config);
});

after(async () => {
  await gateway.stop();
  gateway.cleanUp();
  await way.off();
  await Promise.all([sender.stop(), receiver.stop()]);
  rmSync(files, { recursive: true });
});

const has = (postfix: Postfix, text: string): readonly string[] =>
  postfix.delivered().filter((message) => message.includes(text));
/** Of all three, so that a message that does not arrive can be followed. */
const logs = (): string => {
  const ours = gateway.log().map((line) => JSON.stringify(line));
  return [sender.log().slice(-3000), ours.slice(-15).join("\n"), receiver.log().slice(-2000)].join("\n--\n");
};

async function arrived(postfix: Postfix, text: string): Promise<string> {
  try {
    return await eventually(`${text} arrives`, () => has(postfix, text)[0], 120_000);
  } catch (error) {
    throw new Error(logs(), { cause: error });
  }
}

interface Mail {
  readonly to?: string;
  readonly subject: string;
  readonly args?: readonly string[];
}

/** Takes for granted that the sender's Postfix accepts it. */
async function mail({ to = "box@site.test", subject, args = [] }: Mail): Promise<void> {
  const { exit, dialogue } = await swaks(
    sender.port,
    ...["--from", "writer@client.test", "--to", to, "--header", `Subject: ${subject}`, ...args],
  );
  assert.equal(exit, 0, dialogue);
}

const logged = (event: string, text: string): Readonly<Record<string, unknown>> | undefined =>
  gateway.log().find((line) => line["event"] === event && JSON.stringify(line).includes(text));

test("clean mail arrives: our fields on top, every octet below them as it was sent", async () => {
  const lines = [
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=client.test; s=one;",
    "\th=From:Subject : Date; bh=AAAA=; b=BBBB",
    "From: Writer  <writer@client.test>",
    "To: box@site.test",
    "subject:   folded",
    "\t and  spaced \t ",
    "Date: Sun, 22 Nov 2026 10:00:00 +0900",
    "Message-ID: <signed@client.test>",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    "年金  trailing blanks   ",
    "..two dots",
    ".",
    `${"long ".repeat(180)}`,
    "",
    "",
    "",
  ];
  const { exit, dialogue } = await swaks(
    sender.port,
    ...[
      "--from",
      "writer@client.test",
      "--to",
      "box@site.test",
      "--data",
      file("signed.eml", lines.slice(0, -1).join("\r\n")),
    ],
  );
  assert.equal(exit, 0, dialogue);
  const message = Buffer.from(await arrived(receiver, "<signed@client.test>"), "latin1").toString();
  const sent = lines.join("\n");
  assert.ok(message.endsWith(sent), message);
  const top = message.slice(0, -sent.length);
  assert.match(top, /^X-Sallyport-Result: clean; id=[0-9A-Z]{26}/m);
  assert.match(top, /^Received: from [^]*?\n\tby gateway\.test with ESMTPS id [0-9A-Z]{26}/m);
  assert.ok(top.indexOf("X-Sallyport-Result") < top.indexOf("by gateway.test"), "the result is on top of our trace");
});

test("both ways are encrypted, and the first client's address reaches the last log", async () => {
  await mail({
    subject: "from afar",
    args: ["--xclient-addr", "192.0.2.77", "--xclient-name", "laptop.client.test", "--xclient-helo", "laptop"],
  });
  const message = await arrived(receiver, "Subject: from afar");
  assert.match(message, /\(using TLSv1\.3 [A-Z0-9_]+\)\s+by gateway\.test with ESMTPS/);
  assert.match(sender.log(), /TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: TLSv1\.3/);
  assert.match(receiver.log(), /TLS connection established from .*: TLSv1\.3/);
  assert.match(receiver.log(), /orig_client=laptop\.client\.test\[192\.0\.2\.77\]/);
  await eventually("our log names it", () => logged("accepted", "192.0.2.77"));
});

test("EICAR in a zip is held, the CLI says why, and its release arrives once, as it came", async () => {
  const archive = zip([{ name: "eicar.com", data: eicar() }]);
  await mail({
    subject: "infected",
    args: ["--attach-type", "application/zip", "--attach-name", "test.zip", "--attach", file("test.zip", archive)],
  });
  const held = await eventually("it is listed", async () => {
    const { exit, json } = await cli("quarantine", "list", "--json");
    assert.equal(exit, 0);
    return json<readonly Summary[]>().find(({ subject }) => subject === "infected");
  });
  assert.match(sender.log(), new RegExp(`status=sent \\(250 2\\.0\\.0 Ok: queued as ${held.queueId}\\)`));
  assert.equal(held.reversePath, "writer@client.test");
  assert.deepEqual([held.forwardPaths, held.state, held.severity], [["box@site.test"], "quarantine", "critical"]);
  assert.ok(held.rules.includes("sallyport.eicar_test_file"));

  const shown = await cli("quarantine", "show", held.queueId);
  assert.match(shown.stdout, /"eicar\.com" .*68 octets|"eicar\.com" /);
  assert.match(shown.stdout, /^critical +sallyport\.eicar_test_file in \d+\/1 "eicar\.com"$/m);
  assert.match(shown.stdout, /^Why +Something dangerous was found: sallyport\.eicar_test_file \(critical\)/m);
  assert.deepEqual(has(receiver, "Subject: infected"), []);

  const raw = await cli("quarantine", "show", held.queueId, "--raw");
  assert.equal(raw.stdout.replaceAll("\r\n", "\n").split("Subject: infected").length, 2);
  const released = await cli("quarantine", "release", held.queueId, "--reason", "wanted by the virus team");
  assert.equal(released.exit, 0, released.stderr);
  const message = await arrived(receiver, "Subject: infected");
  const original = raw.stdout.replaceAll("\r\n", "\n");
  // What the sender's Postfix sent begins with its own trace field.
  const body = original.slice(original.indexOf("Received: from"));
  assert.ok(message.endsWith(body), "the octets differ");
  assert.match(message, /^X-Sallyport-Result: released; id=/m);

  const again = await cli("quarantine", "release", held.queueId, "--reason", "twice");
  assert.equal(again.exit, 1);
  assert.match(again.stdout, /was released before, to box@site\.test, by .* at /);
  assert.equal(has(receiver, "Subject: infected").length, 1);
});

test("a recipient that the last server does not know is refused at RCPT, in its words", async () => {
  const { exit, dialogue } = await swaks(gateway.smtp, "--from", "writer@client.test", "--to", "nobody@site.test");
  assert.equal(exit, 24, dialogue);
  assert.match(dialogue, /<\*\* 550 5\.1\.1 .*nobody@site\.test.*User unknown/);
  await mail({ to: "nobody@site.test", subject: "to nobody" });
  const bounce = await arrived(sender, "<nobody@site.test>: host 127.0.0.1[127.0.0.1] said: 550 5.1.1");
  assert.match(bounce, /in reply to RCPT TO command/);
});

test("while the last server is down the sender keeps the mail, and it arrives afterwards", async () => {
  await way.off();
  await mail({ subject: "patience" });
  await eventually("it is deferred", () => /status=deferred \(host 127\.0\.0\.1.* said: 45\d 4\./.test(sender.log()));
  assert.equal(sender.queued(), 1);
  assert.deepEqual((await cli("queue", "list", "--json")).json(), []);
  await way.on();
  await arrived(receiver, "Subject: patience");
  await eventually("the sender has let go of it", () => sender.queued() === 0);
  assert.equal(has(receiver, "Subject: patience").length, 1);
});

test("with reply_after: verdict it is ours while the last server is down: listed, flushed, delivered", async () => {
  await mail({ to: "box@later.test", subject: "makes the recipient known" });
  await arrived(receiver, "Subject: makes the recipient known");
  await way.off();
  await mail({ to: "box@later.test", subject: "kept here" });
  await eventually("the sender is rid of it", () => sender.queued() === 0);
  const [waiting] = await eventually("it is deferred", async () => {
    const rows = (await cli("queue", "list", "--json")).json<
      readonly { id: string; state: string; lastReply: string }[]
    >();
    return rows[0]?.state === "deferred" ? rows : null;
  });
  assert.match(waiting?.lastReply ?? "", /^45\d 4\.4\.\d /);
  const listed = await cli("queue", "list");
  assert.match(listed.stdout, /box@later\.test +1 /);
  assert.match((await cli("queue", "show", waiting?.id ?? "")).stdout, /"address": "box@later\.test"/);
  await way.on();
  const flushed = await cli("queue", "flush");
  assert.match(flushed.stdout, /^1 deferred message is tried now/);
  await arrived(receiver, "Subject: kept here");
  await eventually("nothing waits", async () => (await cli("queue", "list")).stdout === "No message waits.\n");
  assert.equal(has(receiver, "Subject: kept here").length, 1);
});

test("what is refused after it became ours comes back as a delivery status notification", async () => {
  await mail({ to: "gone@blind.test", subject: "refused late" });
  const dsn = await arrived(sender, "Reporting-MTA: dns; gateway.test");
  assert.match(dsn, /^From: .*postmaster@gateway\.test/m);
  assert.match(dsn, /^Action: failed/m);
  assert.match(dsn, /^Return-Path: <>/m);
  assert.match(dsn, /^X-Original-To: writer@client\.test/m);
  assert.match(dsn, /Final-Recipient: rfc822; ?gone@blind\.test\n/);
  assert.match(dsn, /Diagnostic-Code: smtp; ?550[ -]5\.1\.1 /);
  assert.match(dsn, /Subject: refused late/);
  await eventually("nothing waits", async () => (await cli("queue", "list")).stdout === "No message waits.\n");
});

test("everything that was ours is accounted for", async () => {
  const { exit, json } = await cli("doctor", "--reconcile", "--json");
  const account = json<{ accepted: number; outcomes: Record<string, number>; unaccounted: string[] }>();
  assert.deepEqual(account.unaccounted, []);
  assert.equal(exit, 0);
  assert.deepEqual([account.outcomes["bounced"], account.outcomes["quarantine"]], [1, 1]);
});
