/** Every command of `sallyport`, beside a gateway that runs and beside one that does not. */
import assert from "node:assert/strict";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eicar, zeroBomb, zip } from "../../fixtures/make.ts";
import type { Summary } from "../../src/catalog/catalog.ts";
import { commandsFor } from "../../src/cli/commands.ts";
import { commandLine } from "../support/command-line.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, root, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { makeCertificates } from "../support/make-certificate.ts";
import { type Ran, run } from "../support/sallyport.ts";
import { send } from "../support/send.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-cli-"));
const rules = join(folder, "rules");
const commands = await commandsFor([]);
const infected = zip([{ name: "eicar.com", data: eicar() }]);
/** Moves the cursor, clears the screen, sets the title, turns the text round, hides letters. */
const hostile = "a\x1b[2J\x1b]0;x\x07\u202ecod\u200b\u0085\u2028\ud83d\ude00b\rc\x9b31m";
/** Line ends are ours; anything else that is not to be seen is somebody else's. */
const moves = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u;

let hop: FakeNextHop;
let gateway: Gateway;
let held: Summary;

/** Inside of this process, which is quicker; processes of their own are asked below. */
async function at(config: string, ...args: readonly string[]): Promise<Ran> {
  const said = await commandLine(commands, folder, ...args, "--config", config);
  return { ...said, json: <T>() => JSON.parse(said.stdout) as T };
}
const cli = (...args: readonly string[]): Promise<Ran> => at(gateway.config, ...args);

const list = async (...more: readonly string[]): Promise<readonly Summary[]> => {
  const { exit, stderr, json } = await cli("quarantine", "list", "--json", ...more);
  assert.equal(exit, 0, stderr);
  return json<readonly Summary[]>();
};

async function hold(subject: string, name = "test.zip"): Promise<Summary> {
  const { reply } = await send(gateway.smtp, mail({ subject, name, bytes: infected }));
  assert.match(reply ?? "", /^250 2\.0\.0 Ok: /);
  const id = reply?.slice(-26);
  return eventually("it is listed", async () => (await list()).find(({ queueId }) => queueId === id));
}

before(async () => {
  mkdirSync(join(rules, "own"), { recursive: true });
  copyFileSync(join(root, "rules/sallyport/eicar_test_file.yar"), join(rules, "own/eicar.yar"));
  hop = await startFakeNextHop();
  gateway = await startGateway({
    nextHop: hop.hop,
    routes: [
      `{ domains: [later.test], next_hop: "${hop.hop}", reply_after: verdict, retry: { first: 1h, longest: 1h } }`,
    ],
    dir: folder,
    rules: [rules],
  });
  held = await hold(hostile, `${hostile}.zip`);
});
after(async () => {
  await gateway.stop();
  await hop.close();
  gateway.cleanUp();
});

test("what a sender wrote never reaches the terminal as it is, and is complete in JSON", async () => {
  assert.equal(held.subject.includes("\x1b[2J"), true);
  for (const args of [
    ["quarantine", "list"],
    ["quarantine", "list", "--all"],
    ["quarantine", "list", "--json"],
    ["quarantine", "show", held.queueId],
    ["quarantine", "show", held.queueId, "--json"],
    ["quarantine", "show", held.queueId, "--text"],
    ["quarantine", "show", held.queueId, "--headers"],
    ["quarantine", "show", held.queueId, "--headers", "--text", "--json"],
    ["queue", "show", held.queueId],
  ]) {
    const { exit, stdout } = await cli(...args);
    assert.equal(exit, 0, args.join(" "));
    assert.doesNotMatch(stdout, moves, args.join(" "));
    assert.ok(stdout.includes(held.queueId));
  }
  const { stdout } = await cli("quarantine", "show", held.queueId);
  assert.match(stdout, /\\u\{1b\}\[2J.*\\u\{202e\}cod/);
});

/** Each with the exit code that it has beside a gateway that runs. */
const questions: readonly (readonly [exit: number, ...args: string[]])[] = [
  [0, "quarantine", "list", "--text", "zip", "--rule", "own.eicar_test_file"],
  [0, "queue", "list"],
  [0, "allow", "list"],
  [0, "allow", "add", "sender", "@partner.test", "--reason", "agreed", "--expires", "1d"],
  [0, "allow", "remove", "sender", "@partner.test"],
  [1, "allow", "remove", "sender", "@partner.test"],
  [0, "block", "add", "recipient", "gone@bench.test", "--reason", "left"],
  [0, "block", "list"],
  [0, "block", "remove", "recipient", "gone@bench.test"],
  [0, "rules", "check"],
  [0, "rules", "list"],
  [0, "rules", "disable", "sallyport.no_such_rule", "--reason", "to see"],
  [0, "rules", "disabled"],
  [0, "rules", "enable", "sallyport.no_such_rule"],
  [1, "rules", "enable", "sallyport.no_such_rule"],
  [0, "bypass", "on", "--for", "1m", "--reason", "to see", "--route", "later.test"],
  [0, "bypass", "status"],
  [0, "bypass", "off"],
  [0, "config", "check"],
  [0, "config", "show", "--origin"],
  [0, "config", "docs"],
  [0, "doctor", "--reconcile"],
  [2, "quarantine", "show", "00000000000000000000000000"],
  [2, "quarantine", "show", "../../etc/passwd"],
  [2, "quarantine", "show", "00000000000000000000000000", "--text"],
  [2, "quarantine", "show", "00000000000000000000000000", "--text", "--raw"],
  [2, "quarantine", "list", "--since", "yesterday-ish"],
  [2, "quarantine", "list", "--limit", "many"],
  [2, "quarantine", "release", "00000000000000000000000000"],
  [2, "queue", "flush", "00000000000000000000000000"],
  [2, "allow", "add", "hash", "1234", "--reason", "too short"],
  [2, "allow", "add", "subject", "x", "--reason", "no such subject"],
  [2, "bypass", "on", "--for", "30d", "--reason", "too long"],
  [2, "bypass", "on", "--for", "1h", "--reason", "no such route", "--route", "nowhere"],
  [2, "doctor", "--reconcile", "--days", "some"],
];

async function ask(expected: number, args: readonly string[]): Promise<void> {
  const { exit, stdout, stderr } = await cli(...args, "--json");
  assert.equal(exit, expected, `${args.join(" ")}\n${stdout}${stderr}`);
  if (exit === 2) {
    assert.match(stderr, /^(?:sallyport: |error: ).{20,}\n/, args.join(" "));
    assert.doesNotMatch(stderr, /internal error|\n {4}at |undefined|\[object/, args.join(" "));
    assert.equal(stdout, "");
  } else assert.doesNotThrow(() => JSON.parse(stdout), `${args.join(" ")}: ${stdout}`);
}

for (const [exit, ...args] of questions)
  test(`exit code ${exit}, and JSON: ${args.slice(0, 5).join(" ")}`, () => ask(exit, args));

test("release to some, then to the others; discard; rescan: the list follows", async () => {
  const two = await send(gateway.smtp, mail({ subject: "for two", bytes: infected, name: "a.zip" }), {
    to: ["one@bench.test", "two@bench.test"],
  });
  const id = two.reply?.slice(-26) ?? "";
  const before = hop.messages.length;
  const first = await cli("quarantine", "release", id, "--to", "one@bench.test", "--reason", "asked", "--json");
  assert.deepEqual(first.json<{ forwardPaths: unknown }>().forwardPaths, ["one@bench.test"]);
  assert.deepEqual((await hop.received(before + 1)).at(-1)?.forwardPaths, ["one@bench.test"]);
  assert.equal((await cli("quarantine", "release", id, "--to", "other@bench.test", "--reason", "no")).exit, 2);
  const second = await cli("quarantine", "release", id, "--reason", "asked too", "--json");
  assert.deepEqual(second.json<{ forwardPaths: unknown }>().forwardPaths, ["two@bench.test"]);
  assert.deepEqual((await hop.received(before + 2)).at(-1)?.forwardPaths, ["two@bench.test"]);
  const third = await cli("quarantine", "release", id, "--reason", "asked once more");
  assert.match(
    third.stdout,
    /^\w{26} was released before, to \w+@bench\.test, by .+ at .+ \(asked( too)?\)\. Nothing was done\.\n$/,
  );
  assert.deepEqual([third.exit, third.stderr], [1, ""]);
  const rescan = await cli("quarantine", "rescan", id, "--reason", "new rules", "--json");
  assert.deepEqual([rescan.exit, rescan.json<{ released: unknown }>().released], [1, null]);
  assert.match((await cli("quarantine", "show", id)).stdout, /released by .*: asked \(to one@bench\.test\)/);

  const gone = await cli("quarantine", "discard", id, "--reason", "seen enough", "--by", "operator", "--json");
  assert.deepEqual(gone.json(), { discarded: [id] });
  const last = await eventually("the catalog knows", async () => {
    const found = (await list("--all")).find(({ queueId }) => queueId === id);
    return found?.state === "discarded" ? found : null;
  });
  assert.deepEqual([last.subject, last.reason], ["for two", "by operator: seen enough"]);
  const told = await cli("quarantine", "show", id);
  assert.deepEqual([told.exit, told.stderr], [0, ""]);
  assert.match(told.stdout, /^Became +discarded by operator at \S+Z: seen\s+enough$/m);
  assert.match(told.stdout, /^Subject +for two$/m);
  for (const what of ["discard", "release", "rescan"]) {
    const second = await cli("quarantine", what, id, "--reason", "once more");
    assert.deepEqual([second.exit, second.stderr], [1, ""]);
    assert.match(
      second.stdout,
      /^\w{26} is not held: discarded by operator at \S+Z: seen enough\. Nothing was done\.$/m,
    );
  }

  const again = await cli("quarantine", "rescan", held.queueId, "--reason", "new rules", "--json");
  assert.deepEqual(again.json(), { rescanned: [held.queueId] });
  await eventually("it is held again", async () => {
    const now = (await list()).find(({ queueId }) => queueId === held.queueId);
    return now?.state === "quarantine" && now.rules.length > 0;
  });
});

test("a rule that is disabled is nowhere after a rescan: not in show, not in the list; enabled, it counts again", async () => {
  const did = async (...args: readonly string[]): Promise<void> => {
    const { exit, stderr } = await cli(...args);
    assert.equal(exit, 0, stderr);
  };
  const rule = "own.eicar_test_file";
  const { queueId: id, reversePath, rules: before } = await hold("a wrong rule");
  assert.ok(before.includes(rule));
  const rescanned = (counts: boolean): Promise<Summary> =>
    eventually(counts ? "it is judged with the rule" : "it is judged without the rule", async () => {
      const row = (await list()).find(({ queueId }) => queueId === id);
      if (row?.rules.includes(rule) === counts) return row;
      if (row) await cli("quarantine", "rescan", id, "--reason", "other rules");
      return null;
    });
  // Held as before, for another reason.
  await did("block", "add", "sender", reversePath, "--reason", "seen today");
  await did("rules", "disable", rule, "--reason", "a false alarm");
  assert.doesNotMatch(JSON.stringify(await rescanned(false)), /eicar_test_file/);
  assert.doesNotMatch((await cli("quarantine", "show", id, "--json")).stdout, /eicar_test_file/);
  await did("rules", "enable", rule);
  await did("block", "remove", "sender", reversePath);
  await rescanned(true);
});

test("scan: 0 clean, 1 found, 2 incomplete or error, with and without a configuration", async () => {
  const file = (name: string, content: Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const clean = file("clean.eml", mail({ bytes: Buffer.from("harmless"), name: "note.txt", type: "text/plain" }));
  const found = file("found.eml", mail({ bytes: infected, name: "a.zip", type: "application/zip" }));
  const bomb = file("bomb.zip", zeroBomb(1024));
  const odd = file(`\u202egpj.exe\x1b[2J`, infected);
  for (const [exit, ...files] of [
    [0, clean],
    [1, clean, odd],
    [2, found, bomb],
    [2, clean, join(folder, "missing.eml")],
    [2, folder],
  ] as const) {
    const { exit: code, stdout, stderr } = await run(["scan", ...files], { cwd: folder });
    assert.equal(code, exit, `${files.join(" ")}\n${stdout}${stderr}`);
    assert.doesNotMatch(stdout + stderr, moves);
    assert.doesNotMatch(stderr, /internal error/);
  }
  const { exit, json } = await cli("scan", found, clean, "--json");
  const results = json<readonly { file: string; summary: string; verdict: { groups: unknown[] } }[]>();
  assert.deepEqual([exit, results.map(({ summary }) => summary)], [1, ["found", "clean"]]);
  const elsewhere = mkdtempSync(join(tmpdir(), "no-config-"));
  const said = await run(["scan", found], { cwd: elsewhere });
  assert.match(said.stdout, /sallyport\.eicar_test_file/, "the rules that come with the program");
  assert.equal(said.exit, 1);
  rmSync(elsewhere, { recursive: true });
});

interface Examined {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly verdict: string; readonly text: string }[];
}

test("doctor says that a good set-up is ready, beside the gateway", async () => {
  const { exit, stderr, json } = await cli("doctor", "--json");
  const { checks } = json<Examined>();
  // A container's own file system forgets, and doctor is right to say so.
  const failed = checks.filter(({ name, verdict }) => verdict === "FAIL" && name !== "file system");
  assert.deepEqual(failed, [], stderr);
  assert.ok(exit === 0 || checks.some(({ name, verdict }) => name === "file system" && verdict === "FAIL"));
  const names = new Set(checks.map(({ name }) => name));
  for (const name of [
    "configuration",
    "data_dir",
    "clock",
    "spool",
    "disk",
    "certificate",
    "gateway",
    "rules",
    "engines",
  ])
    assert.ok(names.has(name), name);
  assert.match(checks.find(({ name }) => name === "next hop of bench.test")?.text ?? "", /hop\.test/);
});

test("doctor names what is wrong, and how to mend it", async () => {
  const bad = join(folder, "bad");
  mkdirSync(join(bad, "rules/own"), { recursive: true });
  const { expired } = makeCertificates("gateway.test");
  writeFileSync(join(bad, "cert.pem"), expired.cert);
  writeFileSync(join(bad, "key.pem"), expired.key);
  writeFileSync(join(bad, "rules/own/broken.yar"), "rule broken {\n  condition:\n    nonsense\n}\n");
  const lines = [
    "data_dir: ./data",
    `listen: { smtp: "127.0.0.1:${gateway.smtp}", web: "127.0.0.1:${gateway.web}" }`,
    "routes:",
    '  - { domains: [a.test], next_hop: "127.0.0.1:1", mode: observe }',
    "rules: [./rules]",
    "smtp: { tls: { cert: cert.pem, key: key.pem } }",
    "spool: { min_free: 900000GiB }",
  ];
  writeFileSync(join(bad, "sallyport.yaml"), lines.join("\n"));
  const { exit, stdout } = await run(["doctor"], { cwd: bad });
  assert.equal(exit, 1);
  assert.match(stdout, /^FAIL +disk .*452.* → /m);
  assert.match(stdout, /^FAIL +certificate .*expired on .* → renew it/m);
  assert.match(stdout, new RegExp(`^FAIL +listen\\.smtp .*127\\.0\\.0\\.1:${gateway.smtp}.*EADDRINUSE`, "m"));
  assert.match(stdout, /^WARN +mode .*a\.test/m);
  assert.match(stdout, /^(?:FAIL|WARN) +rules .*broken\.yar.* → sallyport rules check/m);
  assert.match(stdout, /^FAIL +next hop of a\.test .*127\.0\.0\.1:1: .*ECONNREFUSED/m);
  assert.match(stdout, /\d things to mend first\.\n$/);
  const checked = await run(["rules", "check"], { cwd: bad });
  assert.equal(checked.exit, 1);
  assert.match(checked.stdout, /broken\.yar:3:5/);
});

test("while it runs nobody else may write: rebuild, and a second gateway, are refused with its pid", async () => {
  for (const command of ["rebuild", "run"]) {
    const { exit, stderr } = await run([command, "--config", gateway.config]);
    assert.equal(exit, 2);
    assert.match(
      stderr,
      new RegExp(`^sallyport: Another process serves this spool; .*pid: ${gateway.pid}; remedy: stop`),
    );
  }
});

test("without a gateway the same commands hold the lock themselves", async (t) => {
  hop.say({ END: "451 4.3.0 later" });
  const { reply } = await send(gateway.smtp, mail({ subject: "waits" }), { to: ["x@later.test"] });
  const waiting = reply?.slice(-26) ?? "";
  await eventually("it is deferred", async () => (await cli("queue", "list", "--json")).json<unknown[]>().length === 1);
  const discarded = await hold("to be discarded");
  const rescanned = await hold("to be judged again");
  const released = await hold("to be released");
  const all = await list();
  assert.equal(await gateway.stop(), 0);
  hop.say({ END: "250 2.0.0 taken" });

  await t.test("questions have the same answers", async () => {
    for (const [exit, ...args] of questions) await ask(exit, args);
    assert.deepEqual(await list(), all);
  });
  await t.test("a child of the command itself reads a held message", async () => {
    const { exit, stdout, stderr } = await cli("quarantine", "show", released.queueId, "--text");
    assert.deepEqual([exit, stderr], [0, ""]);
    assert.match(stdout, /^\| Subject: to be released$/m);
    assert.match(stdout, /^Text\n\| Hello\n\nAttachments\n\| "test\.zip", application\/zip, \d+ B\n$/m);
  });
  await t.test("what only a gateway can do says so", async () => {
    const { exit, stderr } = await cli("queue", "flush");
    assert.equal(exit, 2);
    assert.match(stderr, /^sallyport: The gateway does not answer on its control socket; .*remedy: /);
  });
  await t.test("queue, discard, rescan and release work on the spool", async () => {
    assert.match((await cli("queue", "list")).stdout, new RegExp(`^${waiting} +deferred .*451 4\\.3\\.0 later`, "m"));
    for (const [what, { queueId }] of [
      ["discard", discarded],
      ["rescan", rescanned],
      ["release", released],
    ] as const) {
      const { exit, stderr } = await cli("quarantine", what, queueId, "--reason", "at night");
      assert.equal(exit, 0, stderr);
    }
    const ids = (await list()).map(({ queueId }) => queueId);
    assert.ok(!ids.includes(discarded.queueId));
    assert.ok(ids.includes(released.queueId));
  });
  await t.test("rebuild makes the same list again from spool and journal", async () => {
    const before = await list();
    const lose = (): void => {
      for (const end of ["", "-wal", "-shm"]) rmSync(join(folder, `data/catalog.sqlite${end}`), { force: true });
    };
    lose();
    assert.deepEqual(await list(), before, "a lost catalog is made again by whoever misses it");
    lose();
    const { exit, stderr, json } = await cli("rebuild", "--json");
    assert.equal(exit, 0, stderr);
    assert.ok(json<{ messages: number }>().messages >= before.length);
    assert.deepEqual(await list(), before);
    const last = (await list("--all")).find(({ queueId }) => queueId === discarded.queueId);
    assert.deepEqual([last?.state, last?.reason.endsWith(": at night")], ["discarded", true]);
  });
  await t.test("a copy of the folder is a backup: the next gateway goes on from it", async () => {
    const copy = mkdtempSync(join(tmpdir(), "sallyport-restored-"));
    cpSync(join(folder, "data"), join(copy, "data"), { recursive: true });
    const before = hop.messages.length;
    const restored = await startGateway({
      nextHop: hop.hop,
      routes: [`{ domains: [later.test], next_hop: "${hop.hop}", reply_after: verdict }`],
      dir: copy,
      rules: [rules],
    });
    try {
      const there = (...args: readonly string[]): Promise<Ran> => at(restored.config, ...args);
      const ids = async (): Promise<readonly string[]> =>
        (await there("quarantine", "list", "--json")).json<readonly Summary[]>().map(({ queueId }) => queueId);
      await eventually("what was to be judged again is held again", async () =>
        (await ids()).includes(rescanned.queueId),
      );
      const arrived = (): readonly string[] =>
        hop.messages.slice(before).map(({ octets }) => /^Subject: (.*)\r$/m.exec(octets.toString())?.[1] ?? "");
      await eventually("what was released arrives", () => arrived().includes("to be released"));
      assert.equal((await there("queue", "flush", waiting)).exit, 0);
      await eventually("what waited arrives", () => arrived().includes("waits"));
      assert.equal((await there("doctor", "--reconcile")).exit, 0);
    } finally {
      await restored.stop();
      restored.cleanUp();
    }
  });
});
