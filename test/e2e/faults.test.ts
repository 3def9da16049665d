/** Odd messages, bad next hops, bad disks: the gateway answers with SMTP's words, loses nothing, and goes on. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eicar } from "../../fixtures/make.ts";
import type { Summary } from "../../src/catalog/catalog.ts";
import { eventually } from "../support/eventually.ts";
import { drop, type FakeNextHop, type Said, silence, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { makeCertificates } from "../support/make-certificate.ts";
import { sallyport } from "../support/sallyport.ts";
import { send } from "../support/send.ts";
import { Talk } from "../support/smtp-talk.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-faults-"));
const rules = join(folder, "rules");
const disk = join(folder, "disk");
/** Speaks no SMTP at all, each connection another way. */
let babbler: Server;
let hop: FakeNextHop;
let gateway: Gateway;

const babble: readonly (string | null)[] = [
  null,
  "HTTP/1.1 400 Bad Request\r\n\r\n",
  "220-\r\n".repeat(20_000),
  "\x00\xff\xfe\x80".repeat(1_000),
  "220 hop.test ESMTP\r\n500 no\r\n500 no\r\n500 no\r\n500 no\r\n",
  "220",
  "999 what\r\n",
];

before(async () => {
  mkdirSync(join(rules, "own"), { recursive: true });
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m,nr_inodes=20k", "tmpfs", disk]);
  writeFileSync(
    join(rules, "own/marker.yar"),
    'rule marker { meta: severity = "critical" strings: $a = "$EICAR-STANDARD-ANTI" condition: $a }\n',
  );
  writeFileSync(
    join(rules, "own/garbage.yar"),
    Buffer.alloc(10 * 2 ** 20, "rule { \x07 strings: $a = { ZZ } condition "),
  );
  let turn = 0;
  babbler = createServer((socket) => {
    socket.on("error", () => undefined);
    const words = babble[turn++ % babble.length];
    if (words) socket.write(Buffer.from(words, "latin1"));
  });
  await new Promise<void>((resolve) => babbler.listen(0, "127.0.0.1", resolve));
  const address = babbler.address();
  const babbling = `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  hop = await startFakeNextHop();
  const { expired } = makeCertificates("gateway.test");
  writeFileSync(join(folder, "cert.pem"), expired.cert);
  writeFileSync(join(folder, "key.pem"), expired.key);
  gateway = await startGateway({
    nextHop: hop.hop,
    dir: folder,
    rules: [rules],
    routes: [
      `{ domains: [babble.test], next_hop: "${babbling}", timeouts: { connect: 1s, command: 1s, data: 1s } }`,
      `{ domains: [ours.test], next_hop: "${hop.hop}", reply_after: verdict }`,
    ],
    more: [
      "smtp: { message_size: 2GiB, tls: { cert: cert.pem, key: key.pem } }",
      "spool: { memory: 64KiB, min_free: 16MiB }",
      "scan: { limits: { parts: 2000 } }",
    ].join("\n"),
    dataDir: join(disk, "data"),
  });
});
after(async () => {
  await gateway.stop();
  await hop.close();
  babbler.close();
  execFileSync("umount", [disk]);
  gateway.cleanUp();
});

const inSpool = (state: string): number => readdirSync(join(disk, "data/spool", state)).length;
const flows = async (): Promise<void> => {
  const { reply } = await send(gateway.smtp, mail({ subject: "it flows" }));
  assert.match(reply ?? "", /^250 2\.0\.0 taken/);
};

test("a rule file with 10 MB of garbage is left out and named; the others are in force, and mail flows", async () => {
  const [refused] = gateway.log().filter((line) => line["event"] === "rule_refused");
  assert.equal(refused?.["file"], "own/garbage.yar");
  assert.equal(await gateway.metric("rules "), 1);
  assert.equal(await gateway.metric("rule_files_with_errors"), 1);
  await flows();
  const { reply } = await send(gateway.smtp, mail({ bytes: eicar(), name: "a.txt" }));
  assert.match(reply ?? "", /^250 2\.0\.0 Ok: queued as /);
});

test("an expired certificate is a warning, since opportunistic TLS is better than none", async () => {
  assert.ok(gateway.log().some((line) => line["event"] === "certificate_expires" && Number(line["days_left"]) < 0));
  const talk = await Talk.connect(gateway.smtp);
  await talk.reply(30_000);
  await talk.ask("EHLO client.test", 30_000);
  assert.match(await talk.ask("STARTTLS", 30_000), /^220 /);
  await talk.startTls();
  assert.equal(talk.certificate, "gateway.test");
  talk.end();
});

test("a message of nothing but line ends, and one without a header, are messages", async () => {
  for (const octets of ["\r\n", "\r\n\r\n\r\n", "no field at all\r\n", ""]) {
    const { reply } = await send(gateway.smtp, Buffer.from(octets));
    assert.match(reply ?? "", /^250 2\.0\.0 taken/, JSON.stringify(octets));
  }
});

test("ten thousand parts are more than the limit: held as incomplete, not let through", async () => {
  const part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n";
  const head = "Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n";
  const { reply } = await send(gateway.smtp, Buffer.from(`${head}${part.repeat(10_000)}--b--\r\n`));
  assert.match(reply ?? "", /^250 2\.0\.0 Ok: queued as /);
  const list = await eventually("it is listed", async () => {
    const { json } = await sallyport(gateway.config)("quarantine", "list", "--text", "parts", "--json");
    return json<readonly Summary[]>()[0];
  });
  assert.equal(list.summary, "incomplete");
  assert.ok((await gateway.metric('incomplete_total{why="limit"}')) > 0);
});

test("a declared size beyond the limit is 552 at MAIL, beyond the room 452; nothing is written for either", async () => {
  const talk = await Talk.connect(gateway.smtp);
  await talk.reply(30_000);
  await talk.ask("EHLO client.test", 30_000);
  assert.match(await talk.ask("MAIL FROM:<a@client.test> SIZE=99999999999", 30_000), /^552 5\.3\.4 /);
  assert.match(await talk.ask("MAIL FROM:<a@client.test> SIZE=1073741824", 30_000), /^452 4\.3\.1 /);
  assert.match(await talk.ask("MAIL FROM:<a@client.test> SIZE=1000", 30_000), /^250 /);
  assert.equal(inSpool("arriving"), 0);
  talk.end();
});

test("a next hop that says nothing, or nonsense, is 4yz to the client; the other route does not mind", async () => {
  for (let i = 0; i < babble.length; i++) {
    const { reply, rcpt } = await send(gateway.smtp, mail(), { to: [`r${i}@babble.test`] });
    // At RCPT, so that there is nothing to send.
    assert.match(rcpt[0] ?? "", /^450 4\.4\.1 /);
    assert.match(reply ?? "", /^503 5\.5\.1 No valid recipients/);
  }
  await flows();
  assert.ok(gateway.log().some((line) => line["event"] === "next_hop_unreachable"));
  assert.equal(inSpool("arriving"), 0);
});

test("a next hop that fails in the midst of a message is 4yz, and the message is whole when it comes again", async () => {
  const wrong: readonly Said[] = [drop, "421 4.3.2 going down", "500 what", "2500 ok", "\x00\x01\x02"];
  for (const said of wrong) {
    hop.say({ END: said });
    const { reply } = await send(gateway.smtp, mail({ subject: "again" }));
    assert.match(reply ?? "", /^(?:45\d|421|500) /, String(reply));
  }
  hop.say({ END: "250 2.0.0 taken", DATA: silence });
  hop.cut();
  hop.say({ DATA: "354 go ahead" });
  await eventually("it flows again", async () => (await send(gateway.smtp, mail())).reply?.startsWith("250"));
  assert.equal(inSpool("arriving"), 0);
});

test("on a disk that is full MAIL and DATA are 452, what was taken stays, and mail flows when there is room", async () => {
  const before = await gateway.metric("messages_accepted_total");
  const big = mail({ bytes: Buffer.concat([eicar(), Buffer.alloc(3 * 2 ** 20, "filler ")]), name: "big.txt" });
  const replies: string[] = [];
  for (let i = 0; i < 40; i++) {
    replies.push((await send(gateway.smtp, big)).reply ?? "");
    if (!replies.at(-1)?.startsWith("250")) break;
  }
  const taken = replies.filter((reply) => reply.startsWith("250")).length;
  assert.ok(taken > 3, replies.join());
  assert.match(replies.at(-1) ?? "", /^452 4\.3\.1 /);
  assert.equal((await gateway.metric("messages_accepted_total")) - before, taken);
  const { bavail, bsize } = statfsSync(disk);
  assert.ok(bavail * bsize > 14 * 2 ** 20, "the reserve is there");

  const filler = join(disk, "filler");
  const ready = async (): Promise<boolean> => (await fetch(`http://127.0.0.1:${gateway.web}/ready`)).ok;
  writeFileSync(filler, Buffer.alloc(5 * 2 ** 20));
  await eventually("MAIL is refused", async () => (await send(gateway.smtp, mail())).reply?.startsWith("452 4.3.1"));
  await eventually("balancers are told", async () => !(await ready()));
  assert.ok((await gateway.metric("disk_free_bytes")) < 0);
  assert.throws(() => {
    for (;;) appendFileSync(filler, Buffer.alloc(2 ** 20));
  }, /ENOSPC/);
  assert.match((await send(gateway.smtp, mail())).reply ?? "", /^452 4\.3\.1 /);
  const cli = sallyport(gateway.config);
  const held = (await cli("quarantine", "list", "--json")).json<readonly Summary[]>();
  rmSync(filler);
  for (const { queueId } of held.slice(0, 4)) {
    const { exit, stderr } = await cli("quarantine", "discard", queueId, "--reason", "room");
    assert.equal(exit, 0, stderr);
  }
  await eventually("there is room", ready);
  await eventually("it flows", async () => (await send(gateway.smtp, mail())).reply?.startsWith("250"));
  assert.equal((await cli("doctor", "--reconcile")).exit, 0);
});

test("a spool that cannot be written is 4yz, nothing is half done, and it goes on when it can", async () => {
  const incoming = join(disk, "data/spool/incoming");
  renameSync(incoming, `${incoming}.away`);
  writeFileSync(incoming, "");
  const refused = await send(gateway.smtp, mail({ subject: "not now" }), { to: ["a@ours.test"] });
  assert.match(refused.reply ?? "", /^45\d 4\.3\.\d /);
  await flows();
  rmSync(incoming);
  renameSync(`${incoming}.away`, incoming);
  const count = hop.messages.length;
  const { reply } = await send(gateway.smtp, mail({ subject: "now" }), { to: ["a@ours.test"] });
  assert.match(reply ?? "", /^250 2\.0\.0 Ok: queued as /);
  await eventually("it arrives", () => hop.messages.length > count);
  assert.equal((await sallyport(gateway.config)("doctor", "--reconcile")).exit, 0);
});

test("a damaged catalog is made again; a damaged journal is named, and mail flows", async () => {
  const cli = sallyport(gateway.config);
  const before = (await cli("quarantine", "list", "--json")).json<readonly Summary[]>();
  assert.ok(before.length > 0);
  assert.equal(await gateway.stop(), 0);
  for (const end of ["-wal", "-shm"]) rmSync(join(disk, `data/catalog.sqlite${end}`), { force: true });
  writeFileSync(join(disk, "data/catalog.sqlite"), "rubbish".repeat(10_000));
  gateway = await startGateway({
    nextHop: hop.hop,
    dir: folder,
    rules: [rules],
    more: "spool: { min_free: 1MiB }",
    dataDir: join(disk, "data"),
  });
  assert.ok(gateway.log().some((line) => line["event"] === "catalog_discarded"));
  await eventually("the list is the same", async () => {
    const now = (await cli("quarantine", "list", "--json")).json<readonly Summary[]>();
    return now.length === before.length && now.every(({ queueId }, i) => queueId === before[i]?.queueId);
  });
  assert.equal(await gateway.stop(), 0);
  const [day] = readdirSync(join(disk, "data/journal")).filter((name) => name.endsWith(".ndjson"));
  const file = join(disk, "data/journal", day ?? "");
  const lines = execFileSync("cat", [file], { encoding: "utf8", maxBuffer: 2 ** 26 }).split("\n");
  writeFileSync(file, lines.toSpliced(1, 1).join("\n"));
  gateway = await startGateway({
    nextHop: hop.hop,
    dir: folder,
    rules: [rules],
    more: "spool: { min_free: 1MiB }",
    dataDir: join(disk, "data"),
  });
  await flows();
  const { exit, stderr } = await cli("doctor", "--reconcile");
  assert.equal(exit, 2);
  assert.match(stderr, /^sallyport: The hash chain of the journal is broken; .*\.ndjson.*line: 2/);
});
