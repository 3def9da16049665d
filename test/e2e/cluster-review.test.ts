/** Two gateways as processes, real Redis and PostgreSQL: what one holds, the other decides about; what a dead one held, the other takes over. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eicar } from "../../fixtures/make.ts";
import { withAdoptionLock } from "../../src/records/adoption-lock.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { type Ran, sallyport } from "../support/sallyport.ts";
import { send } from "../support/send.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-review-"));
let postgres: PostgresServer;
let redis: RedisServer;
let hop: FakeNextHop;
let url = "";
let first: Gateway;
let second: Gateway;
let sent = 0;

const start = (node: string): Promise<Gateway> =>
  startGateway({
    nextHop: `127.0.0.1:${hop.port}`,
    route: "reply_after: spool",
    dir: join(folder, node),
    more: [
      `queue: ${redis.url}`,
      `catalog: ${url}`,
      `blobs: ${join(folder, "blobs")}`,
      `cluster: { node: ${node}, key_file: ${join(folder, "key")} }`,
      "scan: { workers: 1 }",
    ].join("\n"),
  });

before(async () => {
  mkdirSync(join(folder, "blobs"));
  writeFileSync(join(folder, "key"), "cd".repeat(32));
  [postgres, redis, hop] = await Promise.all([startPostgres(), startRedis(), startFakeNextHop()]);
  url = postgres.database();
  [first, second] = await Promise.all([start("mx-1"), start("mx-2")]);
});
after(async () => {
  for (const gateway of [first, second]) gateway.child.kill("SIGKILL");
  postgres.cleanUp();
  await redis.stop();
  await hop[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Listed {
  readonly queueId: string;
  readonly node: string;
  readonly subject: string;
}

const on = (gateway: Gateway, ...args: readonly string[]): Promise<Ran> => sallyport(gateway.config)(...args, "--json");
const list = async (): Promise<readonly Listed[]> => (await on(first, "quarantine", "list")).json();

/** Of a message that this gateway holds now, and its octets. */
async function held(gateway: Gateway, node: string): Promise<{ readonly id: string; readonly octets: Buffer }> {
  const subject = `no. ${++sent}`;
  const octets = mail({ subject, bytes: eicar(), name: "file.txt" });
  assert.match((await send(gateway.smtp, octets)).reply ?? "", /^250/);
  const found = await eventually("it is listed", async () => (await list()).find((one) => one.subject === subject));
  assert.equal(found.node, node);
  return { id: found.queueId, octets };
}

const why = ["--reason", "test", "--by", "somebody"];
async function arrives(octets: Buffer, count: number): Promise<void> {
  await eventually("it has arrived", () => hop.messages.length > count);
  const got = hop.messages.at(-1)?.octets;
  assert.ok(got?.subarray(got.length - octets.length).equals(octets), "byte for byte, below the trace fields");
}

test("what the second holds is shown, released once, and discarded by commands on the first", async () => {
  const { id, octets } = await held(second, "mx-2");
  const shown = await on(first, "quarantine", "show", id);
  assert.equal(shown.exit, 0, shown.stderr);
  assert.equal(shown.json<{ readonly state: string }>().state, "quarantine");
  assert.match((await on(first, "quarantine", "show", id, "--headers")).stdout, /no\. 1/);
  const count = hop.messages.length;
  const released = await on(first, "quarantine", "release", id, ...why);
  assert.equal(released.exit, 0, released.stderr);
  await arrives(octets, count);
  // The owner's "no" comes back as it is.
  const again = await on(first, "quarantine", "release", id, ...why);
  assert.equal(again.exit, 1);
  assert.match(again.stdout, /somebody/);
  const stranger = await on(first, "quarantine", "release", id, ...why, "--to", "stranger@bench.test");
  assert.equal(stranger.exit, 2);
  assert.match(stranger.stderr, /choose among/);
  const discarded = await on(first, "quarantine", "discard", id, ...why);
  assert.equal(discarded.exit, 0, discarded.stderr);
  await eventually("nothing is listed", async () => (await list()).length === 0);
  const gone = await on(first, "quarantine", "discard", id, ...why);
  assert.equal(gone.exit, 1);
  assert.match(gone.stdout, /"state": "discarded"/);
  assert.equal(hop.messages.length, count + 1);
});

test("without Redis the answer says so, and the owner itself needs none", async () => {
  const { id } = await held(second, "mx-2");
  await redis.kill();
  const away = await on(first, "quarantine", "discard", id, ...why);
  assert.equal(away.exit, 2);
  assert.match(away.stderr, /Redis that carries commands/);
  assert.equal((await on(second, "quarantine", "show", id)).exit, 0);
  await redis.start(true);
  await eventually("it is discarded", async () => (await on(first, "quarantine", "discard", id, ...why)).exit === 0);
});

const metric = "held_copies_pending";
const copyOf = (node: string, id: string): string => join(folder, "blobs/held", node, id);

test("held messages are copied, sealed, and the copies go with them", async () => {
  const { id } = await held(second, "mx-2");
  await eventually("it is copied", () => existsSync(copyOf("mx-2", id)));
  await eventually("nothing is left to be copied", async () => (await second.metric(metric)) === 0);
  const sealed = readFileSync(copyOf("mx-2", id));
  assert.ok(!sealed.includes("Subject") && !sealed.includes("client.test"));
  // Made again by the next start, if it was lost or never made.
  await second.stop();
  rmSync(copyOf("mx-2", id));
  second = await start("mx-2");
  await eventually("it is copied again", () => existsSync(copyOf("mx-2", id)));
  assert.equal((await on(second, "quarantine", "discard", id, ...why)).exit, 0);
  await eventually("the copy is gone", () => !existsSync(copyOf("mx-2", id)));
});

test("what a dead gateway held is adopted, released byte for byte, and given up by the old one when it is back", async () => {
  const { id, octets } = await held(second, "mx-2");
  await eventually("it is copied", () => existsSync(copyOf("mx-2", id)));
  second.child.kill("SIGKILL");
  const early = await on(first, "adopt", "mx-2", ...why);
  assert.equal(early.exit, 2);
  assert.match(early.stderr, /alive/);
  postgres.psql("update nodes set seen = now() - interval '1 minute' where node = 'mx-2'", "test_0");
  const copy = readFileSync(copyOf("mx-2", id));
  writeFileSync(copyOf("mx-2", id), Buffer.concat([copy.subarray(0, -1), Buffer.of((copy.at(-1) ?? 0) ^ 1)]));
  const spoilt = await on(first, "adopt", "mx-2", ...why);
  assert.equal(spoilt.exit, 1, spoilt.stderr);
  assert.match(spoilt.stdout, /sealed/);
  writeFileSync(copyOf("mx-2", id), copy);
  // Another gateway is at it.
  const refused = await withAdoptionLock({ url }, "mx-2", () => on(first, "adopt", "mx-2", ...why));
  assert.equal(refused.exit, 2);
  assert.match(refused.stderr, /Another gateway is adopting/);
  const adopted = await on(first, "adopt", "mx-2", ...why);
  assert.deepEqual(adopted.json<{ readonly adopted: readonly string[] }>().adopted, [id], adopted.stderr);
  const isOurs = async (): Promise<boolean> => {
    const [one, ...others] = await list();
    return one?.queueId === id && one.node === "mx-1" && others.length === 0;
  };
  await eventually("it is listed as the first's", isOurs);
  await eventually("it is copied as the first's", () => existsSync(copyOf("mx-1", id)));
  const count = hop.messages.length;
  const released = await on(first, "quarantine", "release", id, ...why);
  assert.equal(released.exit, 0, released.stderr);
  await arrives(octets, count);

  // The old one does not know yet, and holds it still.
  assert.equal((await on(second, "rebuild")).exit, 0);
  assert.ok(await isOurs());
  second = await start("mx-2");
  await eventually("the log says so", () => second.log().some(({ event }) => event === "ceded"));
  assert.equal(await second.metric('spool_messages{state="quarantine"}'), 0);
  assert.equal(await second.metric("messages_unaccounted"), 0);
  assert.ok(await isOurs());
  await second.stop();
  assert.equal((await on(second, "rebuild")).exit, 0);
  assert.ok(await isOurs());
  second = await start("mx-2");
  // By a command on the second, as for any message of the first.
  assert.equal((await on(second, "quarantine", "discard", id, ...why)).exit, 0);
  await eventually("its copy is gone", () => !existsSync(copyOf("mx-1", id)));
  assert.equal(await first.metric("messages_unaccounted"), 0);
});
