/** Two gateways over one PostgreSQL: one list, one set of decisions, one release; and mail that flows on without it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { run } from "../support/sallyport.ts";
import { send } from "../support/send.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-nodes-"));
const rules = join(folder, "own");
const marker = "the-marker-of-this-test";
const ruleOf = (text: string, name = "marker"): string =>
  `rule ${name} {\n  meta:\n    severity = "high"\n  strings:\n    $a = "${text}"\n  condition:\n    $a\n}\n`;

let server: PostgresServer;
let url = "";
let hop: FakeNextHop;
let gateways: readonly Gateway[] = [];
const databaseName = "test_0";

function nodeOptions(database: string, node: string) {
  return {
    nextHop: `127.0.0.1:${hop.port}`,
    route: "reply_after: delivery",
    rules: [rules],
    dir: join(folder, node),
    more: [
      `catalog: ${database}`,
      `blobs: ${join(folder, "blobs")}`,
      `cluster: { node: ${node}, key_file: ${join(folder, "key")} }`,
      "scan: { workers: 1 }",
    ].join("\n"),
  };
}

before(async () => {
  mkdirSync(join(rules, "pack"), { recursive: true });
  mkdirSync(join(folder, "blobs"));
  writeFileSync(join(rules, "pack", "marker.yar"), ruleOf("nothing-has-this"));
  writeFileSync(join(rules, "pack", "always.yar"), ruleOf("always-held-here", "always"));
  writeFileSync(join(folder, "key"), "ab".repeat(32));
  server = await startPostgres();
  hop = await startFakeNextHop();
  url = server.database();
  gateways = await Promise.all(["mx-1", "mx-2"].map((node) => startGateway(nodeOptions(url, node))));
});
after(async () => {
  for (const gateway of gateways) gateway.child.kill("SIGKILL");
  server.cleanUp();
  await hop[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const at = (i: number): Gateway => {
  const gateway = gateways[i];
  assert.ok(gateway);
  return gateway;
};
let sent = 0;
let held = 0;
async function isHeld(gateway: Gateway, bytes: Buffer): Promise<boolean> {
  const count = hop.messages.length;
  const { reply } = await send(gateway.smtp, mail({ subject: `no. ${++sent}`, bytes, name: "file.txt" }));
  assert.match(reply ?? "", /^250/);
  if (hop.messages.length > count) return false;
  held++;
  return true;
}
const marked = (): Buffer => Buffer.from(`${sent} ${marker} ${sent}`);
const cli = (...args: readonly string[]) => run([...args, "--config", at(0).config, "--json"]);
const logged = (gateway: Gateway, event: string): number =>
  gateway.log().filter((line) => line["event"] === event).length;

interface Shown {
  readonly ok: boolean;
  readonly nodes: readonly { readonly node: string; readonly active: number | null; readonly error: string | null }[];
  readonly active: { readonly n: number } | null;
  readonly problems: readonly string[];
}
const cluster = async (): Promise<Shown> => (await cli("doctor", "--cluster")).json<Shown>();

test("both write into one catalog, and each is named", async () => {
  for (const gateway of gateways) assert.equal(await isHeld(gateway, Buffer.from("always-held-here")), true);
  await eventually("both are listed", async () => {
    const found = (await cli("quarantine", "list")).json<readonly { readonly node: string }[]>();
    return new Set(found.map(({ node }) => node)).size === 2;
  });
});

test("a decision holds on both", async () => {
  const isBlocked = (gateway: Gateway): Promise<boolean> => isHeld(gateway, Buffer.from(`clean ${sent}`));
  assert.equal((await cli("block", "add", "sender", "sender@client.test", "--reason", "test")).exit, 0);
  for (const gateway of gateways) await eventually("blocked", () => isBlocked(gateway));
  assert.equal((await cli("block", "remove", "sender", "sender@client.test")).exit, 0);
  for (const gateway of gateways) await eventually("free again", async () => !(await isBlocked(gateway)));
});

test("a release is in force on both or on none, and results say which it was", async () => {
  for (const gateway of gateways) assert.equal(await isHeld(gateway, marked()), false);
  writeFileSync(join(rules, "pack", "marker.yar"), ruleOf(marker));
  const { exit, stderr } = await cli("rules", "publish", "--reason", "marker");
  assert.equal(exit, 0, stderr);
  await eventually("release 1 is in force everywhere", async () => {
    const { active, nodes } = await cluster();
    return active?.n === 1 && nodes.every((node) => node.active === 1);
  });
  for (const gateway of gateways) assert.equal(await isHeld(gateway, marked()), true);
  const own = await eventually("it is listed", async () => {
    const { json } = await cli("quarantine", "list", "--rule", "pack.marker");
    return json<readonly { readonly queueId: string; readonly node: string }[]>().find(({ node }) => node === "mx-1");
  });
  const shown = await run(["quarantine", "show", own.queueId, "--config", at(0).config]);
  assert.match(shown.stdout, /release 1\b/);
  for (const gateway of gateways) assert.equal(logged(gateway, "release_active"), 1);

  // Local files are the next release's business now.
  writeFileSync(join(rules, "pack", "marker.yar"), "rule broken {");
  const refused = await cli("rules", "publish", "--reason", "broken");
  assert.equal(refused.exit, 2);
  assert.match(refused.stderr, /RELEASE|cannot be used/);
  // What gets past that is refused by the nodes.
  server.psql(
    "insert into releases (sha256, blob, rule_set, policy_version, rules, by, note) select repeat('0', 64), blob, rule_set, policy_version, rules, by, 'another hash' from releases where n = 1",
    databaseName,
  );
  await eventually("both refuse it", async () => {
    const { active, nodes, ok } = await cluster();
    return !ok && active?.n === 1 && nodes.every((node) => node.error !== null && node.active === 1);
  });
  assert.equal((await cli("rules", "publish", "--again", "1", "--reason", "back")).exit, 0);
  await eventually("release 3 is in force everywhere", async () => {
    const { ok, active } = await cluster();
    return ok && active?.n === 3;
  });
});

test("without the database mail flows on, lists say why they cannot be had, and everything is there afterwards", async () => {
  server.stop("immediate");
  for (const gateway of gateways) {
    assert.equal(await isHeld(gateway, Buffer.from(`clean ${sent}`)), false);
    assert.equal(await isHeld(gateway, marked()), true);
  }
  const list = await cli("quarantine", "list");
  assert.equal(list.exit, 2);
  assert.match(list.stderr, /database/i);
  assert.doesNotMatch(list.stderr + list.stdout, new RegExp(server.password));
  const add = await cli("block", "add", "sender", "@bad.example", "--reason", "test");
  assert.equal(add.exit, 2);

  // A restart without a database, with what was known before.
  await at(1).stop();
  const again = await startGateway(nodeOptions(url, "mx-2"));
  gateways = [at(0), again];
  assert.equal(await isHeld(again, marked()), true);
  const before = logged(at(0), "catalog_back");
  server.start();
  await eventually("the catalog is back", () => logged(at(0), "catalog_back") > before);
  await eventually("all that is held is listed", async () => {
    const found = (await cli("quarantine", "list")).json<readonly { readonly node: string }[]>();
    return found.length === held;
  });
});
