/** What `scan` and `explain` say, to people and to programs: of every fixture, and of messages that are held, wait, or have left. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { z } from "zod";
import { eicar, zip } from "../../fixtures/make.ts";
import { schemaText } from "../../src/cli/judgement-schema.ts";
import { sampleBytes, sampleNames } from "../support/attachment-fixtures.ts";
import { eventually } from "../support/eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "../support/fake-next-hop.ts";
import { type Gateway, root, startGateway } from "../support/gateway.ts";
import { mail } from "../support/mail.ts";
import { messageFixtures } from "../support/message-fixtures.ts";
import { type Ran, run, sallyport } from "../support/sallyport.ts";
import { send } from "../support/send.ts";

const folder = mkdtempSync(join(tmpdir(), "sallyport-explain-"));
const published = (name: "scan" | "explain"): z.ZodType =>
  z.fromJSONSchema(
    JSON.parse(readFileSync(join(root, `docs/schema/${name}.json`), "utf8")) as z.core.JSONSchema.JSONSchema,
  );
const moves = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u;
const hostile = "a\x1b[2J\x1b]0;x\x07\u202ecod\u200b.exe";

let hop: FakeNextHop;
let gateway: Gateway;
let cli: (...args: readonly string[]) => Promise<Ran>;

before(async () => {
  hop = await startFakeNextHop();
  gateway = await startGateway({
    nextHop: hop.hop,
    routes: [
      `{ domains: [later.test], next_hop: "${hop.hop}", verify_recipients: false, reply_after: spool, retry: { first: 1h, longest: 1h } }`,
    ],
    dir: folder,
  });
  cli = sallyport(gateway.config);
});
after(async () => {
  await gateway.stop();
  await hop.close();
  gateway.cleanUp();
});

function matches(name: "scan" | "explain", value: unknown): void {
  const { success, error } = published(name).safeParse(value);
  assert.ok(success, error ? z.prettifyError(error).slice(0, 2_000) : "");
}

test("the published schemas are those of the program, and refuse what is none of its answers", () => {
  for (const name of ["scan", "explain"] as const) {
    assert.equal(readFileSync(join(root, `docs/schema/${name}.json`), "utf8"), `${schemaText(name)}\n`);
    assert.ok(!published(name).safeParse({ file: "x" }).success);
  }
});

test("what scan says of every fixture is as its schema has it", async () => {
  const files = mkdtempSync(join(tmpdir(), "fixtures-"));
  try {
    const all = [
      ...messageFixtures().map(({ name, bytes }) => [`${name}.eml`, bytes] as const),
      ...sampleNames().map((name) => [basename(name), sampleBytes(name)] as const),
    ].map(([name, bytes], index) => {
      const file = join(files, `${index}-${name}`);
      writeFileSync(file, bytes);
      return file;
    });
    const { stdout } = await run(["scan", "--json", ...all], { cwd: files });
    const said = JSON.parse(stdout) as readonly { readonly file: string; readonly verdict: object }[];
    assert.equal(said.length, all.length);
    matches("scan", said);
    const wrong = said.map((one) => ({ ...one, verdict: { ...one.verdict, summary: "perhaps" } }));
    assert.ok(!published("scan").safeParse(wrong).success);
  } finally {
    rmSync(files, { recursive: true });
  }
});

async function explained(id: string, state: RegExp): Promise<string> {
  const { exit, json } = await cli("explain", id, "--json");
  assert.equal(exit, 0);
  matches("explain", json());
  const { stdout, stderr } = await cli("explain", id);
  assert.match(stdout, state, stderr);
  assert.doesNotMatch(stdout, moves);
  return stdout;
}

const idOf = (reply: string | null): string =>
  /queued as (\w{26})/.exec(reply ?? "")?.[1] ?? assert.fail(String(reply));

test("explain shows a held message: its tree, and the line of the policy that decided", async () => {
  const bytes = zip([{ name: "eicar.com", data: eicar() }]);
  const { reply } = await send(gateway.smtp, mail({ subject: hostile, name: `${hostile}.zip`, bytes }));
  const shown = await explained(idOf(reply), /^Message {5}\w{26}, .*, held, arrived /m);
  assert.match(shown, /^└─ 2 {2}"a\\u001b\[2J.*", attachment$/m);
  assert.match(shown, /^ {3}└─ 2\/1 {2}"eicar\.com", member$/m);
  assert.match(shown, /^ +critical {4}sallyport\.eicar_test_file/m);
  assert.match(shown, /^Decided by {2}line "dangerous" of the policy, built-in policy:3$/m);
});

test("explain shows a message that waits, with what the next hop said last", async () => {
  hop.say({ RCPT: "451 4.2.1 not now" });
  const { reply } = await send(gateway.smtp, mail(), { to: ["box@later.test"] });
  const id = idOf(reply);
  await eventually("it waits", async () => (await cli("explain", id)).stdout.includes("waiting for its next attempt"));
  await explained(id, /^Forwarding {2}<box@later\.test> pending: 451 4\.2\.1 not now$/m);
});

test("explain says of a message that has left what is still known, and of an unknown one that it is", async () => {
  hop.say({ RCPT: "250 2.1.5 ok" });
  const bytes = zip([{ name: "eicar.com", data: eicar() }]);
  const id = idOf((await send(gateway.smtp, mail({ name: "left.zip", bytes }))).reply);
  await eventually("it is listed", async () => (await cli("quarantine", "list", "--json")).stdout.includes(id));
  assert.equal((await cli("quarantine", "discard", id, "--reason", "seen")).exit, 0);
  await eventually("it has left", async () => (await cli("explain", id)).stdout.includes("It has left"));
  const shown = await explained(id, /^Became {5}discarded by /m);
  assert.match(shown, /It has left: its parts are not kept\./);
  const unknown = await cli("explain", "00000000000000000000000000");
  assert.deepEqual([unknown.exit, unknown.stdout], [2, ""]);
  assert.match(unknown.stderr, /There is no such message/);
  assert.match((await cli("explain", "x")).stderr, /a queue id has 26 letters and digits/);
});
