/** What the gateway tells of itself: log, metrics, health; and how it goes down. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eicar, zip } from "../../fixtures/make.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { alive, descendants } from "../support/processes.ts";
import { sallyport } from "../support/sallyport.ts";
import { send } from "../support/send.ts";
import { Talk } from "../support/smtp-talk.ts";

const infected = mail({ bytes: zip([{ name: "eicar.com", data: eicar() }]), name: "a.zip", subject: "infected" });
let hop: FakeNextHop;
let gateway: Gateway;

const start = (more = "log: { level: debug }"): Promise<Gateway> =>
  startGateway({
    nextHop: hop.hop,
    routes: [
      `{ domains: [later.test], next_hop: "${hop.hop}", reply_after: verdict, retry: { first: 1s, longest: 1s } }`,
      `{ domains: [watched.test], next_hop: "${hop.hop}", mode: observe }`,
    ],
    more,
  });

before(async () => {
  hop = await startFakeNextHop();
  gateway = await start();
});
after(async () => {
  await gateway.stop();
  await hop.close();
  gateway.cleanUp();
});

type Line = Readonly<Record<string, unknown>>;
const about = (id: string): readonly Line[] => gateway.log().filter((line) => line["queue_id"] === id);
const events = (id: string): readonly unknown[] => about(id).map((line) => line["event"]);
const metrics = async (): Promise<ReadonlyMap<string, number>> => {
  const text = await (await fetch(`http://127.0.0.1:${gateway.web}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice("sallyport_".length, at), Number(line.slice(at + 1))];
    }),
  );
};
const code = async (path: string, method = "GET"): Promise<number> =>
  (await fetch(`http://127.0.0.1:${gateway.web}${path}`, { method })).status;

test("a message is followed by its queue_id alone: proxied, held and discarded, put off and sent", async () => {
  await send(gateway.smtp, mail({ subject: "clean" }));
  const top = hop.messages.at(-1)?.octets.toString() ?? "";
  const proxied = /^X-Sallyport-Result: .*id=(\w{26})/m.exec(top)?.[1] ?? "";
  await eventually("its end is logged", () => events(proxied).includes("forwarded"));
  const shown = events(proxied).filter((event) => event !== "moved" && event !== "replied");
  assert.deepEqual(shown, ["accepted", "forwarded"]);
  const end = about(proxied).find((line) => line["event"] === "forwarded");
  assert.deepEqual(
    [end?.["reverse_path"], end?.["forward_path"], end?.["reply"], end?.["client"], end?.["helo"]],
    ["sender@client.test", ["recipient@bench.test"], "250 2.0.0 taken", "127.0.0.1", "client.test"],
  );

  const held = (await send(gateway.smtp, infected)).reply?.slice(-26) ?? "";
  const { exit } = await sallyport(gateway.config)(
    "quarantine",
    "discard",
    held,
    "--reason",
    "seen",
    "--by",
    "operator",
  );
  assert.equal(exit, 0);
  await eventually("its end is logged", () => events(held).includes("discarded"));
  const story = events(held).filter((event) => event !== "moved" && event !== "replied");
  assert.deepEqual(story, ["accepted", "claimed", "quarantined", "discarded"]);
  const why = about(held).find((line) => line["event"] === "quarantined");
  assert.equal(why?.["policy_line"], "dangerous");
  assert.ok((why?.["rules"] as readonly string[]).includes("sallyport.eicar_test_file"));

  hop.say({ END: ["451 4.3.0 later", "250 2.0.0 taken"] });
  const later = (await send(gateway.smtp, mail(), { to: ["x@later.test"] })).reply?.slice(-26) ?? "";
  await eventually("it is sent", () => events(later).includes("forwarded"));
  const tries = events(later).filter((event) => event !== "moved" && event !== "replied");
  assert.deepEqual(tries, ["accepted", "claimed", "deferred", "forwarded"]);
  const states = about(later).flatMap((line) => (line["event"] === "moved" ? [line["state_to"]] : []));
  assert.deepEqual(states, ["incoming", "active", "deferred", "active", "gone"]);
  const session = about(later)[0]?.["session_id"];
  assert.ok(about(later).every((line) => (line["session_id"] ?? session) === session));
});

test("a recipient that was refused is found under the same queue_id as its message", async () => {
  hop.say({ RCPT: (line) => (line.includes("nobody") ? "550 5.1.1 unknown" : "250 2.1.5 ok") });
  await send(gateway.smtp, mail(), { to: ["nobody@bench.test", "somebody@bench.test"] });
  const refused = await eventually("it is logged", () =>
    gateway.log().find((line) => line["event"] === "rejected" && line["forward_path"] === "nobody@bench.test"),
  );
  assert.deepEqual([refused["verb"], refused["reply"], refused["status"]], ["RCPT", 550, "5.1.1"]);
  await eventually("the rest is told", () => events(String(refused["queue_id"])).includes("forwarded"));
});

test("the line of a message that was only observed says what would have been done, and why", async () => {
  await send(gateway.smtp, infected, { to: ["a@watched.test"] });
  const line = await eventually("its end is logged", () =>
    gateway.log().find((each) => each["event"] === "forwarded" && String(each["forward_path"]) === "a@watched.test"),
  );
  assert.deepEqual(
    [line["verdict"], line["policy_line"], line["tags"]],
    ["forward", "dangerous", ["would-quarantine"]],
  );
  assert.ok((line["rules"] as readonly string[]).includes("sallyport.eicar_test_file"));
});

test("metrics move as things happen", async () => {
  const before = await metrics();
  const locked = mail({ bytes: zip([{ name: "a.txt", data: "x", password: "p" }]), name: "locked.zip" });
  await send(gateway.smtp, mail({ text: "one" }));
  await send(gateway.smtp, infected);
  await send(gateway.smtp, infected);
  await send(gateway.smtp, locked);
  hop.say({ END: ["554 5.7.1 no", "451 4.3.0 later", "250 2.0.0 taken"] });
  await send(gateway.smtp, mail({ text: "two" }));
  await send(gateway.smtp, mail({ text: "three" }));
  await send(gateway.smtp, mail({ text: "four" }), { to: ["a@elsewhere.test"] });
  await send(gateway.smtp, mail({ text: "five" }), { to: ["b@later.test"] });
  await eventually("the last has left", async () => (await metrics()).get('spool_messages{state="incoming"}') === 0);
  await eventually("the last has left", async () => (await metrics()).get('spool_messages{state="active"}') === 0);
  const now = await metrics();
  const moved = (name: string): number => (now.get(name) ?? Number.NaN) - (before.get(name) ?? 0);
  const expected: Readonly<Record<string, number>> = {
    smtp_connections_total: 8,
    messages_received_total: 7,
    'messages_replied_total{class="2"}': 5,
    'messages_replied_total{class="4"}': 1,
    'messages_replied_total{class="5"}': 1,
    messages_forwarded_total: 3,
    'messages_accepted_total{state="quarantine"}': 2,
    'messages_accepted_total{state="incoming"}': 1,
    'messages_quarantined_total{policy_line="dangerous"}': 2,
    'messages_rejected_total{policy_line=""}': 1,
    'messages_deferred_total{policy_line=""}': 1,
    'smtp_refused_total{reason="relayDenied"}': 1,
    'incomplete_total{why="encrypted"}': 1,
    'rule_hits_total{rule="sallyport.eicar_test_file"}': 2,
    'spool_messages{state="quarantine"}': 2,
    messages_unaccounted: 0,
    judge_seconds_count: 7,
  };
  for (const [name, by] of Object.entries(expected)) assert.equal(moved(name), by, name);
  assert.ok(moved('verdict_cache_total{result="hit"}') >= 1, "the second of two equal attachments was known");
  for (const inspector of ["identify", "yara", "type", "name", "zip"])
    assert.ok(moved(`scan_seconds_count{inspector="${inspector}"}`) > 0, inspector);
  assert.ok((now.get('spool_oldest_seconds{state="quarantine"}') ?? 0) > 0);
  assert.ok((now.get("rules") ?? 0) >= 20);
  assert.ok((now.get("disk_free_bytes") ?? 0) > 0);
  assert.ok((now.get('scan_children{state="all"}') ?? 0) > 0);
  assert.ok(Math.abs((now.get("rule_set_loaded_timestamp_seconds") ?? 0) - Date.now() / 1000) < 600);
  assert.equal([...now].filter(([name]) => name.startsWith("rule_set_info{version=")).length, 1);
  for (const name of ["queue_jobs", "queue_oldest_seconds", "engine_fallback", "rule_files_with_errors"])
    assert.ok(
      [...now.keys()].some((key) => key.startsWith(name)),
      name,
    );
});

test("nothing that a client says breaks a line of the log or forges one", async () => {
  const hostile = '"},{"event":"forged","x":"\x1b[2J\x7f';
  const talk = await Talk.connect(gateway.smtp);
  await talk.reply(30_000);
  await talk.ask(`EHLO ${hostile}`, 30_000);
  await talk.ask("EHLO [127.0.0.1]\\u001b", 30_000);
  await talk.ask('MAIL FROM:<"a\\"},{\\"event\\":\\"forged"@client.test>', 30_000);
  await talk.ask(`RCPT TO:<${hostile}@bench.test>`, 30_000);
  await talk.ask('RCPT TO:<"\\",\\"event\\":\\"forged"@elsewhere.test>', 30_000);
  talk.end();
  await send(gateway.smtp, mail({ text: "x" }), {
    from: "\u202e\u2066x@client.test",
    to: ["年金\u2028@bench.test"],
    parameters: "SMTPUTF8",
    helo: "a,b;\x08c",
  });
  await sleep(300);
  const texts = readdirSync(gateway.dir)
    .filter((name) => name.endsWith(".ndjson"))
    .map((name) => readFileSync(join(gateway.dir, name), "utf8"));
  const lines = texts.join("").trimEnd().split("\n");
  assert.ok(lines.length > 20);
  for (const line of lines) {
    assert.doesNotMatch(line, /\p{Cc}/u, line);
    const parsed = JSON.parse(line) as Line;
    for (const field of ["level", "time", "event"]) assert.equal(typeof parsed[field], "string", line);
    assert.notEqual(parsed["event"], "forged");
  }
});

test("health, readiness and nothing else", async () => {
  assert.deepEqual(
    await Promise.all([code("/health"), code("/ready"), code("/metrics"), code("/")]),
    [200, 200, 200, 404],
  );
  assert.deepEqual([await code("/ready", "POST"), await code("/health", "HEAD")], [405, 200]);
});

test("a log whose reader is gone does not stop the gateway", async () => {
  const other = await start("");
  other.child.stdout?.destroy();
  for (let i = 0; i < 5; i++) assert.match((await send(other.smtp, mail({ text: `${i}` }))).reply ?? "", /^250 /);
  assert.equal(await other.stop(), 0);
  other.cleanUp();
});

test("SIGTERM: what is under way ends, nothing new begins, and no child is left", async () => {
  const children = descendants(gateway.pid);
  assert.ok(children.length > 0);
  const half = infected.subarray(0, 200).toString("latin1");
  const talk = await Talk.connect(gateway.smtp);
  await talk.reply(30_000);
  await talk.ask("EHLO client.test", 30_000);
  await talk.ask("MAIL FROM:<a@client.test>", 30_000);
  await talk.ask("RCPT TO:<b@bench.test>", 30_000);
  assert.match(await talk.ask("DATA", 30_000), /^354 /);
  await talk.send(half);
  const idle = await Talk.connect(gateway.smtp);
  await idle.reply(30_000);
  await idle.ask("EHLO client.test", 30_000);
  const stopped = gateway.stop();
  assert.match((await idle.reply(30_000)).at(-1) ?? "", /^421 4\.3\.2 /);
  assert.equal(await code("/ready"), 503);
  assert.equal(await code("/health"), 200);
  await assert.rejects(Talk.connect(gateway.smtp), /ECONNREFUSED/);
  await talk.send(`${infected.subarray(200).toString("latin1")}.\r\n`);
  assert.match((await talk.reply(60_000)).at(-1) ?? "", /^250 2\.0\.0 Ok: queued as \w{26}$/);
  assert.equal(await stopped, 0);
  await eventually("no child is left", () => alive(children).length === 0);
  assert.equal(gateway.log().at(-1)?.["event"], "stopped");
});

test("SIGTERM does not wait longer than smtp.drain for a client that dawdles", async () => {
  const other = await start("smtp: { drain: 1s }");
  const talk = await Talk.connect(other.smtp);
  await talk.reply(30_000);
  await talk.ask("EHLO client.test", 30_000);
  await talk.ask("MAIL FROM:<a@client.test>", 30_000);
  assert.equal(await other.stop(), 0);
  assert.match(talk.unread, /421 4\.3\.2 |^$/);
  talk.end();
  other.cleanUp();
});

test("SIGTERM to the whole group: children go on until their gateway ends them, and nobody complains", async () => {
  const other = await start("scan: { workers: 1 }");
  await eventually("the spare is up", async () => (await other.metric("scan_children{")) === 2);
  for (const pid of descendants(other.pid)) process.kill(pid, "SIGTERM");
  assert.match((await send(other.smtp, infected)).reply ?? "", /^250 /);
  const children = descendants(other.pid);
  for (const pid of children) process.kill(pid, "SIGTERM");
  assert.equal(await other.stop(), 0);
  await eventually("no child is left", () => alive(children).length === 0);
  const complaints = other.log().filter((line) => line["level"] === "warn" || line["level"] === "error");
  assert.deepEqual(
    complaints.filter(({ event }) => event !== "engine" && event !== "set_up"),
    [],
  );
  other.cleanUp();
});

test("kill -9 leaves no child behind", async () => {
  const other = await start("");
  await send(other.smtp, infected);
  const children = descendants(other.pid);
  assert.ok(children.length > 0);
  await other.stop("SIGKILL");
  await eventually("no child is left", () => alive(children).length === 0);
  other.cleanUp();
});
