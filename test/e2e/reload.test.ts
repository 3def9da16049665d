/** What people change while mail flows is in force for the next message or a few seconds later, without a restart; a mistake changes nothing. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eicar } from "../../fixtures/make.ts";
import { commandsFor } from "../../src/cli/commands.ts";
import { commandLine, type Said } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, root, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { makeCertificates } from "../support/make-certificate.ts";
import { send } from "../support/send.ts";
import { Talk } from "../support/smtp-talk.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-reload-"));
const rules = join(folder, "rules/own");
const policyFile = join(folder, "policy.yaml");
const commands = await commandsFor([]);
const cli = (...args: readonly string[]): Promise<Said> =>
  commandLine(commands, folder, ...args, "--config", gateway.config);
const did = async (...args: readonly string[]): Promise<void> => {
  const { exit, stderr } = await cli(...args);
  assert.equal(exit, 0, stderr);
};

let hop: FakeNextHop;
let gateway: Gateway;
let sent = 0;

type Fate = "arrived" | "held" | "refused";

/** What becomes of a message with that attachment; no two have the same octets, so that no cache knows them. */
async function fate(bytes: Buffer, from = "sender@client.test", to = "recipient@bench.test"): Promise<Fate> {
  const count = hop.messages.length;
  const { reply } = await send(gateway.smtp, mail({ subject: `no. ${++sent}`, bytes, name: "file.txt" }), {
    from,
    to: [to],
  });
  if (!reply?.startsWith("250")) return "refused";
  return hop.messages.length > count ? "arrived" : "held";
}

const infected = eicar();
const sha256 = hash("sha256", infected);
const marked = (): Buffer => Buffer.from(`${sent} the-marker-of-this-test ${sent}`);
const becomes = (wanted: Fate, ...args: Parameters<typeof fate>): Promise<unknown> =>
  eventually(`the next message is ${wanted}`, async () => (await fate(...args)) === wanted);
const logged = (event: string): readonly Readonly<Record<string, unknown>>[] =>
  gateway.log().filter((line) => line["event"] === event);

const rule = (condition: string): string =>
  `rule marker {\n  meta:\n    severity = "high"\n  strings:\n    $a = "the-marker-of-this-test"\n  condition:\n    ${condition}\n}\n`;
const policy = (dangerous: string): string =>
  [
    "version: 1",
    "rules:",
    "  - if: { severity: high }",
    dangerous,
    "  - if: { outcome: [malformed, limit, timeout, crashed, unsupported, encrypted] }",
    "    then: quarantine",
    "  - then: forward",
    "",
  ].join("\n");

before(async () => {
  mkdirSync(rules, { recursive: true });
  copyFileSync(join(root, "rules/sallyport/eicar_test_file.yar"), join(rules, "eicar.yar"));
  writeFileSync(policyFile, policy("    then: quarantine"));
  const { good } = makeCertificates("gateway.test");
  writeFileSync(join(folder, "cert.pem"), good.cert);
  writeFileSync(join(folder, "key.pem"), good.key);
  hop = await startFakeNextHop();
  gateway = await startGateway({
    nextHop: hop.hop,
    dir: folder,
    rules: [join(folder, "rules")],
    more: "policy: policy.yaml\nsmtp: { tls: { cert: cert.pem, key: key.pem } }",
  });
});
after(async () => {
  await gateway.stop();
  await hop.close();
  gateway.cleanUp();
});

test("a disabled rule does not count for the messages that follow, until it is enabled", async () => {
  assert.equal(await fate(infected), "held");
  await did("rules", "disable", "own.eicar_test_file", "--reason", "a false alarm");
  await becomes("arrived", infected);
  await did("rules", "enable", "own.eicar_test_file");
  await becomes("held", infected);
});

test("an allowed sender is let through, a blocked one is kept out, and both end", async () => {
  const from = "partner@client.test";
  await did("allow", "add", "hash", sha256, "--reason", "known");
  await becomes("arrived", infected);
  assert.match(hop.messages.at(-1)?.octets.toString() ?? "", /^X-Sallyport-Tags: .*allowed/m);
  await did("allow", "remove", "hash", sha256.toUpperCase());
  await becomes("held", infected);
  await did("block", "add", "sender", "@client.test", "--reason", "seen today", "--expires", "10s");
  await becomes("held", Buffer.from("harmless"), from);
  await becomes("arrived", Buffer.from("harmless"), from);
  await did("block", "add", "recipient", "left@bench.test", "--reason", "has left");
  await becomes("held", Buffer.from("harmless"), from, "left@bench.test");
  assert.equal(await fate(Buffer.from("harmless"), from), "arrived");
});

test("the bypass lets everything through with a tag that says what would have been done", async () => {
  await did("bypass", "on", "--for", "1h", "--reason", "a rule holds every invoice", "--route", "bench.test");
  await becomes("arrived", infected);
  assert.match(hop.messages.at(-1)?.octets.toString() ?? "", /^X-Sallyport-Tags: bypass, would-quarantine/m);
  await did("bypass", "off");
  await becomes("held", infected);
});

test("a new rule acts on later messages; the same octets are judged again", async () => {
  const bytes = marked();
  assert.equal(await fate(bytes), "arrived");
  writeFileSync(join(rules, "marker.yar"), rule("$a"));
  await becomes("held", bytes);
  assert.equal(await fate(marked()), "held");
  assert.equal(await gateway.metric("rules{} "), 0);
  assert.equal(await gateway.metric("rules "), 2);
  await eventually("the log tells of it", () => logged("rules_reloaded").length > 0);
});

test("a broken rule file is left out alone and named; its last good version stays in force", async () => {
  writeFileSync(join(rules, "broken.yar"), "rule broken {\n  condition:\n    no_such_thing\n}\n");
  writeFileSync(join(rules, "marker.yar"), rule("$a and $b"));
  const files = await eventually("both are refused", () => {
    const named = new Map(logged("rule_refused").map((line) => [line["file"], line]));
    return named.size >= 2 ? named : null;
  });
  assert.deepEqual([files.get("own/broken.yar")?.["line"], files.get("own/broken.yar")?.["instead"]], [3, "nothing"]);
  assert.deepEqual(
    [files.get("own/marker.yar")?.["line"], files.get("own/marker.yar")?.["instead"]],
    [7, "its last good version"],
  );
  await eventually("the metric says so", async () => (await gateway.metric("rule_files_with_errors")) === 2);
  await becomes("held", marked());
  assert.equal(await fate(infected), "held", "by the file beside it");
  assert.equal(await fate(Buffer.from("harmless")), "arrived");
  const { exit, stdout } = await cli("rules", "check");
  assert.equal(exit, 1);
  assert.match(stdout, /^own\/broken\.yar:3:5: error /m);
  assert.match(stdout, /^own\/marker\.yar:7:\d+: error /m);

  await gateway.stop();
  gateway = await startGateway({
    nextHop: hop.hop,
    dir: folder,
    rules: [join(folder, "rules")],
    more: "policy: policy.yaml\nsmtp: { tls: { cert: cert.pem, key: key.pem } }",
  });
  assert.equal(await fate(marked()), "held", "by the last good version, after a restart too");
  rmSync(join(rules, "broken.yar"));
  rmSync(join(rules, "marker.yar"));
  await becomes("arrived", marked());
  await eventually("nothing is wrong any more", async () => (await gateway.metric("rule_files_with_errors")) === 0);
});

test("SIGHUP and a changed policy file are heeded; a mistake in it changes nothing", async () => {
  writeFileSync(policyFile, policy('    then: reject\n    code: "550 5.7.1"\n    text: Not here'));
  process.kill(gateway.pid, "SIGHUP");
  await becomes("refused", infected);
  const { reply } = await send(gateway.smtp, mail({ bytes: infected }));
  assert.equal(reply, "550 5.7.1 Not here");
  writeFileSync(policyFile, policy("    then: quarantien"));
  process.kill(gateway.pid, "SIGHUP");
  const [refused] = await eventually("it is refused", () =>
    logged("policy_refused").length > 0 ? logged("policy_refused") : null,
  );
  assert.match(String(refused?.["error_cause"]), /policy\.yaml:4:11: rules\[0\]\.then: .*quarantine/);
  assert.equal(await fate(infected), "refused");
  const { exit, stdout } = await cli("config", "check");
  assert.deepEqual([exit, /policy\.yaml:4:11: /.test(stdout)], [1, true]);
  writeFileSync(policyFile, policy("    then: quarantine"));
  await becomes("held", infected);
});

test("a renewed certificate is used by the next connection", async () => {
  const commonName = async (): Promise<string> => {
    const talk = await Talk.connect(gateway.smtp);
    await talk.reply(30_000);
    await talk.ask("EHLO client.test", 30_000);
    await talk.ask("STARTTLS", 30_000);
    await talk.startTls();
    const { certificate } = talk;
    talk.end();
    return certificate;
  };
  assert.equal(await commonName(), "gateway.test");
  const renewed = makeCertificates("renewed.test").good;
  writeFileSync(join(folder, "key.pem"), renewed.key);
  writeFileSync(join(folder, "cert.pem"), renewed.cert);
  process.kill(gateway.pid, "SIGHUP");
  await eventually("it is used", async () => (await commonName()) === "renewed.test");
  appendFileSync(join(folder, "cert.pem"), "rubbish");
  writeFileSync(join(folder, "key.pem"), "rubbish");
  process.kill(gateway.pid, "SIGHUP");
  await eventually("the bad pair is named", () => logged("certificate_unreadable").length > 0);
  assert.equal(await commonName(), "renewed.test");
});
