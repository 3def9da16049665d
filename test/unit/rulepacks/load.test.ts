import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { isGatewayError } from "../../../src/core/errors.ts";
import { loadRulePacks } from "../../../src/rulepacks/load.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rulepacks-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(files: Readonly<Record<string, string | Buffer>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}
const rule = "rule a { condition: true }";
async function load() {
  const loaded = await loadRulePacks([folder]);
  return { ...loaded, names: loaded.sources.map(({ pack, file }) => `${pack}/${file}`) };
}

test("each folder below is a pack, with the identity that its pack.yaml states", async () => {
  await put({
    "first/pack.yaml": "id: own\nversion: 1.2.0\nlicence: Apache-2.0\nauthors: [A]\ndefaults:\n  severity: high\n",
    "first/b.yar": rule,
    "first/a.yara": rule,
    "first/deep/er/c.YAR": rule,
    "first/notes.txt": "no rule",
    "plain pack/x.yar": rule,
    "empty/readme": "",
    ".git/y.yar": rule,
  });
  const { names, packs, sources, problems } = await load();
  assert.deepEqual(names, ["own/a.yara", "own/b.yar", "own/deep/er/c.YAR", "plain-pack/x.yar"]);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    packs.map(({ id, version, files }) => [id, version, files]),
    [
      ["own", "1.2.0", 3],
      ["plain-pack", "", 1],
    ],
  );
  assert.deepEqual(
    sources.map(({ severity }) => severity),
    ["high", "high", "high", undefined],
  );
});

test("a folder that holds rules itself is one pack, but for packs within it", async () => {
  await put({ "x.yar": rule, "sub/y.yar": rule, "inner/pack.yaml": "id: inner", "inner/z.yar": rule });
  const { names } = await load();
  const [, , own] = names;
  assert.equal(own, "inner/z.yar");
  assert.deepEqual(
    names.slice(0, 2).map((name) => name.slice(name.indexOf("/"))),
    ["/x.yar", "/sub/y.yar"],
  );
});

test("a missing folder is an error that names it", async () => {
  const missing = join(folder, "nowhere");
  await assert.rejects(
    loadRulePacks([missing]),
    (error) => isGatewayError(error, "RULES_UNREADABLE") && error.detail.folder === missing,
  );
});

test("what is no text is left out, with its place", async () => {
  await put({
    "p/bom.yar": `\ufeff${rule}`,
    "p/latin.yar": Buffer.from(`// one\n// caf\xe9\n${rule}`, "latin1"),
    "p/nul.yar": `\n\n  ${rule}\0`,
    "p/utf16.yar": Buffer.from(rule, "utf16le"),
  });
  const { names, sources, problems, unreadable } = await load();
  assert.deepEqual(names, ["p/bom.yar"]);
  assert.equal(sources[0]?.text, rule);
  assert.deepEqual(
    problems.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`),
    [
      "latin.yar:2:7 not UTF-8",
      "nul.yar:3:29 not a text: it has the octet 0x00",
      "utf16.yar:1:2 not a text: it has the octet 0x00",
    ],
  );
  assert.deepEqual(
    unreadable.map(({ file }) => file),
    ["latin.yar", "nul.yar", "utf16.yar"],
  );
});

test("a file beyond the limit is not read", async () => {
  await put({ "p/a.yar": rule, "p/huge.yar": "" });
  const { truncate } = await import("node:fs/promises");
  await truncate(join(folder, "p/huge.yar"), 40 * 2 ** 20);
  const { names, problems } = await load();
  assert.deepEqual(names, ["p/a.yar"]);
  assert.match(problems[0]?.message ?? "", /larger than 32 MiB/);
});

test("a wrong pack.yaml is named by line, and the rules keep the id that it states", async () => {
  await put({ "folder/pack.yaml": "licence: MIT\nid: own\nautors: [A]\n", "folder/a.yar": rule });
  const { names, problems } = await load();
  assert.deepEqual(names, ["own/a.yar"]);
  assert.deepEqual(
    problems.map(({ pack, file, line, message }) => `${pack}/${file}:${line} ${message}`),
    ["own/pack.yaml:3 autors: unknown name; did you mean authors?"],
  );
});

test("of two packs with one id the second is left out and named", async () => {
  await put({ "a/pack.yaml": "id: same", "a/x.yar": rule, "b/pack.yaml": "id: same", "b/y.yar": rule });
  const { names, problems } = await load();
  assert.deepEqual(names, ["same/x.yar"]);
  assert.match(problems[0]?.message ?? "", /left out/);
});

test("drafts and retired packs are known but not used", async () => {
  await put({
    "a/pack.yaml": "id: a\nstage: draft",
    "a/x.yar": rule,
    "b/pack.yaml": "id: b\nstage: retired",
    "b/y.yar": rule,
  });
  const { names, packs } = await load();
  assert.deepEqual([names, packs.map(({ id }) => id)], [[], ["a", "b"]]);
});

test("the version changes with every text and name, and with nothing else", async () => {
  await put({ "p/a.yar": rule });
  const { version } = await load();
  assert.match(version, /^[0-9a-f]{64}$/);
  await put({ "p/a.yar": rule, "p/other.txt": "x" });
  assert.equal((await load()).version, version);
  await put({ "p/a.yar": `${rule} ` });
  assert.notEqual((await load()).version, version);
  await put({ "p/a.yar": rule, "p/pack.yaml": "id: p\ndefaults: {severity: low}" });
  assert.notEqual((await load()).version, version);
});

test("links are followed, as containers mount files, and a circle of links ends", async () => {
  await put({ "p/..data/a.yar": rule });
  await symlink("..data/a.yar", join(folder, "p/a.yar"));
  await symlink(join(folder, "p"), join(folder, "p/circle"));
  const { names } = await load();
  assert.equal(names[0], "p/a.yar");
  assert.ok(names.length <= 10);
});
