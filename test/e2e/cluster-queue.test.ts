/** A gateway and workers as processes, with Redis and a folder between them: the same verdicts as in one process, whatever dies. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { sampleBytes } from "../support/attachment-fixtures.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { send } from "../support/send.ts";
import { startWorker, type WorkerProcess } from "../support/worker.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-cluster-"));
const keyFile = join(folder, "key");
const otherRules = join(folder, "other-rules");
const secretName = "quarterly-figures-of-nobody.txt";
const secretText = "the-words-that-only-the-mail-holds";

let redis: RedisServer;
let hop: FakeNextHop;
let gateway: Gateway;
let first: WorkerProcess;
let second: WorkerProcess;
let more = "";
let sent = 0;

before(async () => {
  mkdirSync(join(otherRules, "own"), { recursive: true });
  writeFileSync(join(otherRules, "own/other.yar"), "rule other { condition: false }\n");
  writeFileSync(keyFile, randomBytes(32).toString("base64"));
  redis = await startRedis();
  more = [
    `queue: ${redis.url}`,
    `blobs: ${JSON.stringify(join(folder, "blobs"))}`,
    `cluster: { key_file: ${JSON.stringify(keyFile)} }`,
    "scan: { workers: 1 }",
  ].join("\n");
  hop = await startFakeNextHop();
  [first, second] = await Promise.all([startWorker({ more }), startWorker({ more })]);
  gateway = await startGateway({ nextHop: hop.hop, more, route: "mode: observe" });
  await eventually("the gateway sees both", async () => (await gateway.metric("cluster_workers")) === 2);
});
after(async () => {
  await Promise.all([gateway.stop(), first.stop(), second.stop()]);
  await hop.close();
  await redis.stop();
  gateway.cleanUp();
  rmSync(folder, { recursive: true, force: true });
});

/** Jobs that were done by workers elsewhere, or here though they were for elsewhere. */
const routed = (where: "elsewhere" | "here"): Promise<number> => gateway.metric(`cluster_jobs_total{where="${where}"}`);

/** No two are equal, so that no cache knows them. */
const unique = (): Buffer => Buffer.from(`${++sent} ${secretText} ${randomBytes(8).toString("hex")}`);
async function deliver(bytes = unique(), name = secretName): Promise<void> {
  const { reply } = await send(gateway.smtp, mail({ subject: `no. ${sent}`, bytes, name }));
  assert.match(reply ?? "", /^250/);
}

/** What the gateway says of a message, as the next hop sees it. */
function saidOf(octets: Buffer): readonly string[] {
  const [head = ""] = octets.toString("latin1").split("\r\n\r\n");
  return head
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n")
    .filter((line) => /^X-Sallyport/i.test(line))
    .map((line) => line.replace(/\bid=\w+/, "id="));
}

async function verdicts(through: Gateway, at: FakeNextHop, samples: readonly string[]): Promise<readonly string[]> {
  const said: string[] = [];
  for (const sample of samples) {
    const before = at.messages.length;
    const bytes = sampleBytes(sample);
    const { reply } = await send(through.smtp, mail({ subject: sample, bytes, name: sample.replace("/", ".") }));
    assert.match(reply ?? "", /^250/, sample);
    const arrived = at.messages[before];
    assert.ok(arrived, sample);
    said.push([sample, ...saidOf(arrived.octets)].join("\n"));
  }
  return said;
}

test("verdicts and findings are those of one process", { timeout: 240_000 }, async () => {
  const samples = [
    ...["clean/docx", "clean/pdf", "clean/xlsx", "clean/zip", "clean/tar-gz", "clean/zip-cp932", "clean/empty"],
    ...["archive/zip-encrypted", "archive/zip-truncated", "archive/zip-two-names", "archive/zip-hidden-file"],
    ...["document/docm", "document/xls-macro-sheet", "masquerade/exe-double-extension", "masquerade/exe-rlo-in-zip"],
    ...["polyglot/gif-jar", "program/eicar-in-zip", "program/exe-in-zip-in-zip", "program/exe-in-eml", "script/vbs"],
    ...["sealed/tnef", "shortcut/lnk", "program/eicar-in-zip"],
  ];
  const alone = await startFakeNextHop();
  const embedded = await startGateway({ nextHop: alone.hop, route: "mode: observe", more: "scan: { workers: 1 }" });
  const expected = await verdicts(embedded, alone, samples);
  await embedded.stop();
  await alone.close();
  embedded.cleanUp();
  assert.ok(expected.some((said) => said.includes("eicar")));
  assert.deepEqual(await verdicts(gateway, hop, samples), expected);
  assert.ok((await routed("elsewhere")) >= samples.length - 4);
  assert.equal(await routed("here"), 0);
});

test("a large attachment is judged elsewhere as well", { timeout: 120_000 }, async () => {
  const before = await routed("elsewhere");
  await deliver(randomBytes(12 * 2 ** 20), "large.bin");
  assert.equal(await routed("elsewhere"), before + 1);
});

test("Redis and the folder hold neither names nor words of a message", { timeout: 120_000 }, async () => {
  for (let i = 0; i < 5; i++) await deliver();
  redis.cli("bgrewriteaof");
  const octets = redis.octets();
  assert.ok(octets.length > 1_000);
  const words = [secretName, secretText, "quarterly-figures", "client.test", "bench.test", "eicar"];
  for (const word of words)
    for (const text of [word, Buffer.from(word).toString("base64").slice(0, -4), Buffer.from(word).toString("hex")])
      assert.equal(octets.indexOf(text), -1, word);
});

test("a job whose worker is killed is answered by another", { timeout: 240_000 }, async (t) => {
  const [here, elsewhere] = [await routed("here"), await routed("elsewhere")];
  await second.stop();
  // Its children stand still, so that the job is under way for as long as it takes.
  for (const pid of first.children()) process.kill(pid, "SIGSTOP");
  const delivered = deliver();
  await eventually("the job is taken", async () => /busy_share [1-9]/.test(await first.metrics()));
  second = await startWorker({ more });
  await eventually("the other is seen", async () => (await gateway.metric("cluster_workers")) === 2);
  const children = first.children();
  const killedAt = performance.now();
  await first.stop("SIGKILL");
  for (const pid of children) process.kill(pid, "SIGKILL");
  await delivered;
  t.diagnostic(`answered ${((performance.now() - killedAt) / 1000).toFixed(1)} s after the kill`);
  assert.equal(await routed("elsewhere"), elsewhere + 1);
  assert.equal(await routed("here"), here);
  first = await startWorker({ more });
});

test("mail flows on while Redis is away, and goes elsewhere again afterwards", { timeout: 240_000 }, async (t) => {
  const here = await routed("here");
  await redis.kill();
  const end = performance.now() + 10_000;
  let slowest = 0;
  while (performance.now() < end) {
    const began = performance.now();
    await deliver();
    slowest = Math.max(slowest, performance.now() - began);
  }
  assert.ok((await routed("here")) > here);
  await redis.start(true);
  const backAt = performance.now();
  const elsewhere = await routed("elsewhere");
  await eventually("a job goes elsewhere", async () => {
    await deliver();
    return (await routed("elsewhere")) > elsewhere;
  });
  t.diagnostic(
    `slowest message without Redis ${Math.round(slowest)} ms; back after ${Math.round(performance.now() - backAt)} ms`,
  );
  const events = gateway.log().map((line) => line["event"]);
  assert.equal(events.filter((event) => event === "queue_here").length, 1);
});

test("a worker with other rules leaves jobs to those that have ours; without any, we do them", {
  timeout: 240_000,
}, async () => {
  await eventually("both are back", async () => (await gateway.metric("cluster_workers")) === 2);
  const stranger = await startWorker({ more, rules: [otherRules] });
  await first.stop();
  await eventually("two are left", async () => (await gateway.metric("cluster_workers")) === 2);
  const [here, elsewhere] = [await routed("here"), await routed("elsewhere")];
  await Promise.all(Array.from({ length: 10 }, () => deliver()));
  assert.equal(await routed("elsewhere"), elsewhere + 10);
  assert.equal(await routed("here"), here);
  await second.stop();
  await eventually("only the stranger is left", async () => (await gateway.metric("cluster_workers")) === 1);
  await deliver();
  assert.equal(await routed("here"), here + 1);
  await stranger.stop();
});

test("a worker that is asked to end takes no new job and lets its own end", { timeout: 240_000 }, async () => {
  first = await startWorker({ more });
  await eventually("it is seen", async () => (await gateway.metric("cluster_workers")) === 1);
  const here = await routed("here");
  for (const pid of first.children()) process.kill(pid, "SIGSTOP");
  const delivered = deliver();
  await eventually("the job is taken", async () => /busy_share [1-9]/.test(await first.metrics()));
  const ended = first.stop();
  await eventually("it drains", async () => (await fetch(`http://127.0.0.1:${first.web}/ready`)).status === 503);
  for (const pid of first.children()) process.kill(pid, "SIGCONT");
  await delivered;
  assert.equal(await ended, 0);
  // A gateway that sees in between that no worker is left does the job as well: twice the work, one result.
  assert.ok((await routed("here")) <= here + 1);
});
