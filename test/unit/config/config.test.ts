/** The configuration: what a good file becomes, and what is said of a bad one. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configurationPage } from "../../../src/cli/configuration-page.ts";
import { checkConfig, findConfig, loadConfig } from "../../../src/config.ts";
import { configFields } from "../../../src/config-fields.ts";
import { settings } from "../../../src/config-origins.ts";
import { explain, isGatewayError } from "../../../src/core/errors.ts";
import { configFolder, smallest } from "../../support/config-folder.ts";

test("the smallest useful file is enough, and its paths start at its folder", () => {
  using folder = configFolder();
  const { config, file } = loadConfig(folder.file);
  assert.equal(file, folder.file);
  assert.equal(config.data_dir, join(folder.path, "data"));
  assert.deepEqual(config.rules, [join(folder.path, "rules")]);
  assert.deepEqual(config.listen.smtp, ["127.0.0.1:2525"]);
  assert.deepEqual(config.routes[0]?.next_hop, ["127.0.0.1:2626"]);
  assert.equal(config.routes[0]?.reply_deadline, 60_000);
  assert.equal(config.spool.memory, 262_144);
});

test("nothing in it can be changed afterwards", () => {
  using folder = configFolder();
  const { config } = loadConfig(folder.file);
  assert.throws(() => (config.routes as unknown[]).push({}), TypeError);
  assert.throws(() => Object.assign(config.scan.limits, { depth: 99 }), TypeError);
});

test("each setting knows the line that sets it, or that it is a default", () => {
  using folder = configFolder(`${smallest}scan: &s\n  deadline: 90s\n`);
  const all = new Map(settings(loadConfig(folder.file)).map((setting) => [setting.key, setting]));
  assert.deepEqual(all.get("listen.smtp"), {
    key: "listen.smtp",
    value: ["127.0.0.1:2525"],
    origin: "sallyport.yaml:3",
  });
  assert.equal(all.get("routes[0].next_hop")?.origin, "sallyport.yaml:7");
  assert.deepEqual(all.get("scan.deadline"), { key: "scan.deadline", value: "90s", origin: "sallyport.yaml:10" });
  assert.deepEqual(all.get("scan.memory"), { key: "scan.memory", value: "512MiB", origin: "default" });
});

/** What is wrong, the text, and what is said. */
const mistakes: readonly (readonly [string, string, string])[] = [
  [
    "an unknown name",
    smallest.replace("next_hop", "nexthop"),
    "7:5: routes[0].nexthop: unknown name; did you mean next_hop?",
  ],
  [
    "a missing name",
    smallest.replace("next_hop", "nexthop"),
    "6:5: routes[0].next_hop: is missing; it must be host:port, such as mail.example.com:25 or [2001:db8::1]:25",
  ],
  [
    "an unknown word",
    `${smallest}scan: { engine: wsam }`,
    "9:17: scan.engine: must be one of auto, wasm, native; did you mean wasm?",
  ],
  [
    "a number without unit",
    `${smallest}scan: { deadline: 30 }`,
    "9:19: scan.deadline: must be a duration such as 500ms, 30s, 5m, 2h or 7d",
  ],
  [
    "a size without sense",
    `${smallest}smtp: { message_size: 5 apples }`,
    "9:23: smtp.message_size: must be a size such as 64KiB, 25MiB or 2GiB",
  ],
  ["zero workers", `${smallest}scan: { workers: 0 }`, "9:18: scan.workers: must be at least 1"],
  ["words for a number", `${smallest}scan: { workers: many }`, "9:18: scan.workers: must be a number"],
  ["an empty mapping", `${smallest}scan:\n`, "9:6: scan: is empty; it must be a mapping"],
  ["a port beyond all", smallest.replace("2626", "99999"), "7:15: routes[0].next_hop: must have a port below 65536"],
  [
    "a network that is none",
    `${smallest}smtp: { xclient_from: [10.0.0.0/40] }`,
    "9:24: smtp.xclient_from[0]: must be an address or a network such as 192.0.2.1 or 2001:db8::/32",
  ],
  ["no routes", "rules: []\n", "1:1: routes: is missing; it must be a list"],
  ["two of one name", `${smallest}rules: []\n`, "9:1: not YAML: Map keys must be unique"],
  ["a tab", smallest.replace("  smtp", "\tsmtp"), "3:1: not YAML: Tabs are not allowed as indentation"],
  [
    "one domain on two routes",
    `${smallest.replace("rules: [./rules]\n", "")}  - { domains: [a.test, EXAMPLE.test], next_hop: "mx:25" }\nrules: []\n`,
    "8:25: routes[1].domains[1]: example.test belongs to route example.test already",
  ],
  [
    "two routes of one name",
    `${smallest.replace("rules: [./rules]\n", "")}  - { name: a, domains: [a.test], next_hop: "mx:25" }\n  - { name: a, domains: [b.test], next_hop: "mx:25" }\nrules: []\n`,
    "9:13: routes[2].name: a is the name of routes[1] too; give one of them a `name`",
  ],
  [
    "a certificate without key",
    `${smallest}smtp: { tls: { cert: sallyport.yaml } }`,
    "9:22: smtp.tls.cert: has no `key` beside it",
  ],
  [
    "a key without certificate",
    `${smallest}smtp: { tls: { key: sallyport.yaml } }`,
    "9:21: smtp.tls.key: has no `cert` beside it",
  ],
  [
    "a verified address",
    smallest.replace("127.0.0.1:2626", "127.0.0.1:2626\n    tls: verified"),
    "8:10: routes[0].tls: a certificate names a host, and 127.0.0.1:2626 is an address; name the host or use `required`",
  ],
  [
    "a port used twice",
    smallest.replace("web: 127.0.0.1:8025", "web: 0.0.0.0:2525"),
    "4:8: listen.web: 0.0.0.0:2525 is taken by `smtp`; choose another port",
  ],
  [
    "a listener named twice",
    smallest.replace("smtp: 127.0.0.1:2525", 'smtp: ["127.0.0.1:2525", "0.0.0.0:2525"]'),
    "3:9: listen.smtp: 0.0.0.0:2525 is listened on twice",
  ],
  [
    "a loop",
    smallest.replace("127.0.0.1:2626", "localhost:2525"),
    "7:15: routes[0].next_hop: localhost:2525 is our own listener: messages would go round in a loop",
  ],
  [
    "waits out of order",
    smallest.replace("127.0.0.1:2626", "mx:25\n    retry: { first: 5h }"),
    "8:21: routes[0].retry.first: must not be longer than `longest`",
  ],
  [
    "limits out of order",
    `${smallest}scan: { limits: { member_size: 1GiB } }`,
    "9:32: scan.limits.member_size: must not be more than `bytes`, which holds for all members together",
  ],
];

for (const [what, text, said] of mistakes)
  test(`refuses ${what}`, () => {
    using folder = configFolder(text);
    const checked = checkConfig(text, folder.file);
    assert.ok(!checked.ok);
    const all = checked.problems.map(
      ({ line, column, key, message }) => `${line}:${column}: ${key}${key && ": "}${message}`,
    );
    assert.ok(all.includes(said), `${said}\nis not in\n${all.join("\n")}`);
    for (const problem of checked.problems) assert.equal(problem.file, folder.file);
  });

test("a missing policy and a missing folder of rules are named with their remedy", () => {
  const text = `${smallest.replace("./rules", "./no-rules")}policy: p.yaml\n`;
  using folder = configFolder(text);
  const checked = checkConfig(text, folder.file);
  assert.ok(!checked.ok);
  assert.deepEqual(
    checked.problems.map((problem) => problem.message),
    [
      `folder ${join(folder.path, "no-rules")} does not exist; write \`rules: []\` to run without`,
      `file ${join(folder.path, "p.yaml")} does not exist; leave \`policy\` out for the built-in one`,
    ],
  );
});

test("loading a wrong file throws one sentence with the first place and the number of the others", () => {
  using folder = configFolder(smallest.replace("next_hop", "nexthop"));
  assert.throws(
    () => loadConfig(folder.file),
    (error) => {
      assert.ok(isGatewayError(error, "CONFIG_INVALID"));
      assert.match(
        explain(error),
        /^The configuration is wrong; problem: .*sallyport\.yaml:6:5: .*; further problems: 1$/,
      );
      return true;
    },
  );
});

test("a file that is not there, not text or a folder is unreadable", () => {
  using folder = configFolder();
  writeFileSync(join(folder.path, "latin.yaml"), Buffer.from([0x66, 0x3a, 0xe9, 0x0a]));
  for (const file of ["none.yaml", "latin.yaml", "rules"])
    assert.throws(
      () => loadConfig(join(folder.path, file)),
      (error) => isGatewayError(error, "CONFIG_UNREADABLE"),
    );
});

test("without a name the file beside us is found", () => {
  using folder = configFolder();
  assert.equal(findConfig(folder.path), folder.file);
});

test("docs/configuration.md is what the schema says", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../docs/configuration.md"), "utf8");
  assert.equal(page, configurationPage(), "write it again: bin/sallyport config docs > docs/configuration.md");
});

test("every setting has prose", () => {
  for (const field of configFields()) assert.ok(field.text.length > 3, field.key);
});
