import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, before, beforeEach, test } from "node:test";
import { isGatewayError } from "../../../src/core/errors.ts";
import { createLog } from "../../../src/observe/log.ts";
import { externalDefaults } from "../../../src/rulepacks/externals.ts";
import { RuleStore } from "../../../src/rulepacks/store.ts";
import type { RuleEngine } from "../../../workers/engines/engine.ts";
import { createNativeEngine } from "../../../workers/engines/native.ts";

let engine: RuleEngine;
let folder = "";
let lines: Record<string, unknown>[] = [];
const log = createLog("info", { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });

before(async () => {
  engine = await createNativeEngine();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rulestore-"));
  lines = [];
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await rm(folder, { recursive: true });
});

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, "rules", name)), { recursive: true });
    await writeFile(join(folder, "rules", name), content);
  }
}
const rule = (name: string, condition = "true"): string => `rule ${name} { condition: ${condition} }`;
const opened: RuleStore[] = [];
async function open(): Promise<RuleStore> {
  const store = await RuleStore.open({ folders: [join(folder, "rules")], dataDir: folder, log });
  opened.push(store);
  return store;
}

/** Compiles and learns until the store is content; the rules that then match everything. */
function settle(store: RuleStore): { readonly matching: readonly string[]; readonly rounds: number } {
  for (let rounds = 1; ; rounds++) {
    const { sources, externals } = store.ruleSet(externalDefaults);
    const { rules, problems } = engine.compile(sources, externals);
    if (store.learn(problems)) continue;
    const matching = rules.scan(Buffer.from("x"), {}).map(({ pack, rule: id }) => `${pack}.${id}`);
    rules.close();
    return { matching: matching.sort(), rounds };
  }
}
const shown = (store: RuleStore): readonly string[] =>
  store.problems
    .filter(({ level }) => level === "error")
    .map(({ pack, file, line, column }) => `${pack}/${file}:${line}:${column}`);

test("rules that compile are used at once", async () => {
  await put({ "p/a.yar": rule("a"), "p/b.yar": rule("b") });
  assert.deepEqual(settle(await open()), { matching: ["p.a", "p.b"], rounds: 1 });
});

test("a file that breaks keeps its last good version on, over a restart too", async () => {
  await put({ "p/a.yar": rule("a"), "p/b.yar": rule("b") });
  const store = await open();
  settle(store);
  await put({ "p/a.yar": rule("a_new", "nothing") });
  await store.load();
  assert.deepEqual(settle(store), { matching: ["p.a", "p.b"], rounds: 2 });
  assert.deepEqual(shown(store), ["p/a.yar:1:25"]);
  assert.equal(store.textOf({ pack: "p", file: "a.yar" }), rule("a_new", "nothing"));

  await store.close();
  const again = await open();
  assert.deepEqual(settle(again).matching, ["p.a", "p.b"]);
  assert.deepEqual(shown(again), ["p/a.yar:1:25"]);

  await put({ "p/a.yar": rule("a_newer") });
  await again.load();
  assert.deepEqual(settle(again), { matching: ["p.a_newer", "p.b"], rounds: 1 });
  assert.deepEqual(shown(again), []);
});

test("a file that never compiled is left out alone, and named in the log", async () => {
  await put({ "p/a.yar": "rule a {\n  condition: nothing\n}", "p/b.yar": rule("b") });
  const store = await open();
  assert.deepEqual(settle(store).matching, ["p.b"]);
  assert.deepEqual(shown(store), ["p/a.yar:2:14"]);
  const told = lines.filter(({ event }) => event === "rule_refused");
  assert.equal(told.length, 1);
  assert.deepEqual([told[0]?.file, told[0]?.line, told[0]?.instead], ["p/a.yar", 2, "nothing"]);
});

test("what builds on a broken file goes on with that file's last good version", async () => {
  await put({ "p/1.yar": rule("base"), "p/2.yar": rule("built", "base") });
  const store = await open();
  settle(store);
  await put({ "p/1.yar": "rule base {" });
  await store.load();
  assert.deepEqual(settle(store).matching, ["p.base", "p.built"]);
  assert.deepEqual(shown(store)[0]?.split(":")[0], "p/1.yar");
});

test("what builds on a file that was taken away is left out", async () => {
  await put({ "p/1.yar": rule("base"), "p/2.yar": rule("built", "base"), "p/3.yar": rule("other") });
  const store = await open();
  settle(store);
  await rm(join(folder, "rules/p/1.yar"));
  await store.load();
  assert.deepEqual(settle(store).matching, ["p.other"]);
  await put({ "p/1.yar": rule("base") });
  await store.load();
  assert.deepEqual(settle(store).matching, ["p.base", "p.built", "p.other"]);
});

test("a file that turns into garbage keeps its last good version on, one that is deleted does not", async () => {
  await put({ "p/a.yar": rule("a"), "p/b.yar": rule("b") });
  const store = await open();
  settle(store);
  await put({ "p/a.yar": "\0\0\0" });
  await rm(join(folder, "rules/p/b.yar"));
  await store.load();
  assert.deepEqual(settle(store).matching, ["p.a"]);
  assert.deepEqual(shown(store), ["p/a.yar:1:1"]);
});

test("a folder that goes missing changes nothing", async () => {
  await put({ "p/a.yar": rule("a") });
  const store = await open();
  settle(store);
  const { version } = store.ruleSet(externalDefaults);
  await rename(join(folder, "rules"), join(folder, "away"));
  await assert.rejects(store.load(), (error) => isGatewayError(error, "RULES_UNREADABLE"));
  assert.equal(store.ruleSet(externalDefaults).version, version);
});

test("the variables that the rules in use read are known", async () => {
  await put({ "p/a.yar": rule("a", 'filename == "x"'), "q/b.yar": rule("b", "depth > 1") });
  const store = await open();
  assert.deepEqual([...store.usedExternals].sort(), ["depth", "filename"]);
});

test("what was kept and is damaged, or not needed any more, is forgotten", async () => {
  await put({ "p/a.yar": rule("a") });
  const store = await open();
  settle(store);
  await put({ "p/a.yar": rule("a2") });
  await store.load();
  settle(store);
  const kept = join(folder, "rules-last-good");
  await store.close();
  const [text = "", ...others] = (await readdir(kept)).filter((name) => name.endsWith(".yar"));
  assert.deepEqual(others, []);
  await appendFile(join(kept, text), "x");
  await put({ "p/a.yar": "rule" });
  assert.deepEqual(settle(await open()).matching, []);
});

test("a change of the folder is told once, after it has come to rest", async () => {
  await put({ "p/a.yar": rule("a") });
  const store = await open();
  let told = 0;
  const changed = Promise.withResolvers<void>();
  const watching = store.watch(() => {
    told++;
    changed.resolve();
  });
  try {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await put({ "p/b.yar": rule("b") });
    await put({ "p/c.yar": rule("c") });
    await changed.promise;
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.equal(told, 1);
  } finally {
    watching.close();
  }
});
