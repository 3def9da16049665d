/** The frame of the command line: exit codes, errors in one sentence, options in any place. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as config from "../../../src/cli/config.ts";
import type { Register } from "../../../src/cli/program.ts";
import { GatewayError } from "../../../src/core/errors.ts";
import { commandLine, type Said } from "../../support/command-line.ts";
import { configFolder, smallest } from "../../support/config-folder.ts";

const odd: Register = (program, context) => {
  program.command("no").action(context.action(() => 1));
  program.command("full").action(
    context.action(() => {
      throw new GatewayError("SPOOL_FULL", { path: "/a\x1b[2J" });
    }),
  );
  program.command("bug").action(context.action(() => Promise.reject(new TypeError("x is not a function"))));
};

const say = (cwd: string, ...argv: string[]): Promise<Said> => commandLine([config.register, odd], cwd, ...argv);

test("help names every command, and the exit codes", async () => {
  const { exit, stdout } = await say("/", "--help");
  assert.equal(exit, 0);
  assert.match(stdout, /config +check or show the configuration/);
  assert.match(stdout, /Exit codes: 0 ok, 1 found something or the answer is no, 2 error or wrong usage\./);
  assert.match((await say("/", "config", "check", "--help")).stdout, /Examples:\n/);
});

test("wrong usage is exit code 2 with what was probably meant", async () => {
  for (const argv of [["confg"], ["config", "shw"], ["config", "show", "--orign"], [], ["config", "show", "surplus"]]) {
    const { exit, stdout, stderr } = await say("/", ...argv);
    assert.equal(exit, 2, argv.join(" "));
    assert.equal(stdout, "");
    assert.ok(stderr.length > 0);
  }
  assert.match((await say("/", "confg")).stderr, /Did you mean config\?/);
});

test("an action's answer is the exit code", async () => {
  assert.equal((await say("/", "no")).exit, 1);
});

test("an error of the catalogue is one sentence, made safe", async () => {
  const { exit, stderr } = await say("/", "full");
  assert.equal(exit, 2);
  assert.equal(stderr, "sallyport: Free space is below the watermark; path: /a\\u{1b}[2J\n");
});

test("a bug says that it is one; its stack is for --debug", async () => {
  const { exit, stderr } = await say("/", "bug");
  assert.equal(exit, 2);
  assert.match(stderr, /^sallyport: internal error, please report it: x is not a function \(--debug shows where\)\n$/);
  assert.match((await say("/", "bug", "--debug")).stderr, /\n {4}at /);
});

test("config check: 0 for a good file, 1 and the places for a bad one, 2 for none", async () => {
  using good = configFolder();
  assert.deepEqual(await say(good.path, "config", "check"), {
    exit: 0,
    stdout: `${good.file}: no mistakes found\n`,
    stderr: "",
  });
  using bad = configFolder(smallest.replace("next_hop", "nexthop"));
  const refused = await say("/", "--config", bad.file, "config", "check");
  assert.equal(refused.exit, 1);
  assert.match(refused.stdout, /sallyport\.yaml:7:5: routes\[0\]\.nexthop: unknown name; did you mean next_hop\?\n$/);
  const none = await say(join(good.path, "rules"), "config", "check");
  assert.equal(none.exit, 2);
  assert.match(
    none.stderr,
    /^sallyport: The configuration cannot be read; problem: there is no .*; remedy: .*--config FILE\n$/,
  );
});

test("config check looks into the policy too", async () => {
  using folder = configFolder(`${smallest}policy: policy.yaml\n`, {
    "policy.yaml": "version: 1\nrules:\n  - then: quarantaine\n",
  });
  const { exit, stdout } = await say(folder.path, "config", "check", "--json");
  assert.equal(exit, 1);
  const { problems } = JSON.parse(stdout) as { problems: { file: string; line: number; key: string }[] };
  assert.deepEqual(
    problems.map(({ file, line, key }) => [file, line, key]),
    [[join(folder.path, "policy.yaml"), 3, "rules[0].then"]],
  );
  writeFileSync(join(folder.path, "policy.yaml"), "version: 1\nrules:\n  - then: quarantine\n");
  assert.equal((await say(folder.path, "config", "check")).exit, 0);
});

test("config show prints what is in force, with its origin if asked", async () => {
  using folder = configFolder();
  const { stdout } = await say(folder.path, "config", "show", "--origin");
  assert.match(stdout, /^SETTING +VALUE +FROM\n/);
  assert.match(stdout, /\nroutes\[0\]\.next_hop +127\.0\.0\.1:2626 +sallyport\.yaml:7\n/);
  assert.match(stdout, /\nquarantine\.keep +30d +default\n/);
  const json = JSON.parse((await say(folder.path, "--json", "config", "show")).stdout) as { settings: unknown[] };
  assert.ok(json.settings.length > 50);
});
