/** allow and block: added, listed, removed, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { expiry, register } from "../../../src/cli/lists.ts";
import type { ListEntry } from "../../../src/records/records.ts";
import { commandLine, type Said } from "../../support/command-line.ts";
import { configFolder } from "../../support/config-folder.ts";

const clock = { now: () => new Date("2026-11-22T00:00:00Z"), monotonic: () => 0 };
const say = (cwd: string, ...argv: string[]): Promise<Said> => commandLine([register], cwd, ...argv);

test("an entry is added, listed with who and why, and removed", async () => {
  using folder = configFolder();
  const made = await say(
    folder.path,
    "block",
    "add",
    "sender",
    "@BAD.example",
    "--reason",
    "spoof\u202eed",
    "--by",
    "kim",
  );
  assert.deepEqual(made, { exit: 0, stdout: "block sender @bad.example\n", stderr: "" });
  const listed = await say(folder.path, "block", "list");
  assert.match(
    listed.stdout,
    /^SUBJECT +VALUE +EXPIRES +BY +AT +REASON\nsender +@bad\.example +- +kim +\S+ +spoof\\u\{202e\}ed\n$/,
  );
  assert.deepEqual(JSON.parse((await say(folder.path, "allow", "list", "--json")).stdout), []);
  assert.equal((await say(folder.path, "block", "remove", "sender", "@bad.example")).exit, 0);
  assert.equal((await say(folder.path, "block", "remove", "sender", "@bad.example")).exit, 1);
});

test("an entry may expire", async () => {
  using folder = configFolder();
  const { stdout } = await say(
    folder.path,
    "--json",
    "allow",
    "add",
    "hash",
    "A".repeat(64),
    "--reason",
    "ours",
    "--expires",
    "30d",
  );
  const entry = JSON.parse(stdout) as ListEntry;
  assert.equal(entry.value, "a".repeat(64));
  assert.ok(Date.parse(entry.expires ?? "") > Date.now() + 29 * 86_400_000);
});

test("what is no subject, hash, address or time is refused, and a reason is wanted", async () => {
  using folder = configFolder();
  for (const argv of [
    ["subject", "x", "--reason", "r"],
    ["hash", "abc", "--reason", "r"],
    ["sender", "nobody", "--reason", "r"],
    ["sender", "a@b.example"],
    ["sender", "a@b.example", "--reason", "r", "--expires", "soon"],
    ["sender", "a@b.example", "--reason", "r", "--expires", "2001-01-01"],
  ]) {
    const { exit, stdout, stderr } = await say(folder.path, "allow", "add", ...argv);
    assert.equal(exit, 2, argv.join(" "));
    assert.equal(stdout, "");
    assert.doesNotMatch(stderr, /internal error/);
  }
});

test("times are a duration from now, a date, or for ever", () => {
  assert.equal(expiry(undefined, clock), null);
  assert.equal(expiry("12h", clock), "2026-11-22T12:00:00.000Z");
  assert.equal(expiry("2030-01-31", clock), "2030-01-31T00:00:00.000Z");
});
