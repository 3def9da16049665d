/** The gates see everything, and every one of them shuts: a gate that reports success on nothing is worse than none. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { type Cruise, cruise, cruised, root } from "./cruise.ts";

const ours = cruise(root);

test("no file of ours is skipped", () => {
  const files = cruised.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((file) => `${folder}/${file}`),
  );
  const sources = files.filter((file) => file.endsWith(".ts")).sort();
  const seen = ours.modules
    .map((module) => module.source)
    .filter((source) => /^(src|workers|test)\/.*\.ts$/.test(source));
  assert.deepEqual(seen.sort(), sources);
  assert.ok(sources.length > 100);
});

test("packages are seen, not only our own files", () => {
  const kinds = new Set(ours.modules.flatMap((module) => module.dependencies.flatMap((one) => one.dependencyTypes)));
  for (const kind of ["npm", "npm-dev", "core", "type-only"]) assert.ok(kinds.has(kind), kind);
});

/** By rule: the file that breaks it, its text, and what else must be there for that. An existing file gets the text added. */
const plants: Readonly<
  Record<string, readonly [file: string, text: string, others?: Readonly<Record<string, string>>]>
> = {
  "no-cycles": [
    "src/core/planted-a.ts",
    'import type { B } from "./planted-b.ts";\nexport type A = B | 1;\n',
    { "src/core/planted-b.ts": 'import type { A } from "./planted-a.ts";\nexport type B = A | 2;\n' },
  ],
  "core-imports-nothing": ["src/core/planted-clock.ts", 'export { systemClock } from "../observe/clock.ts";\n'],
  "stages-are-strangers": [
    "src/accept/planted.ts",
    'export { planted } from "../decide/planted.ts";\n',
    { "src/decide/planted.ts": "export const planted = 1;\n" },
  ],
  "only-compose-knows-implementations": [
    "src/planted-pipeline.ts",
    'export { planted } from "./spool/planted-disk.ts";\n',
    { "src/spool/planted-disk.ts": "export const planted = 1;\n" },
  ],
  "workers-see-only-nouns-and-contracts": [
    "workers/planted.ts",
    'export { planted } from "../src/decide/planted.ts";\n',
  ],
  "gateway-never-imports-workers": ["src/inspect/planted.ts", 'export { planted } from "../../workers/planted.ts";\n'],
  "decide-is-pure": ["src/decide/decide.ts", 'import "node:os";\n'],
  "disk-only-where-disk-belongs": ["src/decide/planted-disk.ts", 'import "node:fs/promises";\n'],
  "sockets-only-at-the-edges": ["src/spool/planted-socket.ts", 'import "node:net";\n'],
  "nothing-imports-test": [
    "src/planted-test.ts",
    'export { planted } from "../test/planted.ts";\n',
    { "test/planted.ts": "export const planted = 1;\n" },
  ],
  "no-orphans": ["src/planted-orphan.ts", "export const planted = 1;\n"],
  "not-to-dev-dep": ["src/planted-tool.ts", 'import "fast-check";\n'],
  "not-to-unresolvable": ["src/planted-ghost.ts", 'import "./nowhere.ts";\n'],
};

const copy = mkdtempSync(join(tmpdir(), "sallyport-gates-"));
after(() => rmSync(copy, { recursive: true, force: true }));

function plant(): Cruise {
  for (const name of [...cruised, ".dependency-cruiser.js", "package.json", "tsconfig.json"])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const [file, text, others] of Object.values(plants))
    for (const [name, content] of [[file, text] as const, ...Object.entries(others ?? {})]) {
      mkdirSync(dirname(join(copy, name)), { recursive: true });
      if (name === "src/decide/decide.ts") appendFileSync(join(copy, name), content);
      else writeFileSync(join(copy, name), content);
    }
  // Modules stay where the link is, so that they are packages there as they are here.
  writeFileSync(
    join(copy, "cruise.js"),
    'import ours from "./.dependency-cruiser.js";\nexport default { ...ours, options: { ...ours.options, preserveSymlinks: true } };\n',
  );
  return cruise(copy, "cruise.js");
}

const planted = plant();

test("every rule has a violation planted", () => {
  assert.deepEqual(ours.summary.ruleSetUsed.forbidden.map((rule) => rule.name).sort(), Object.keys(plants).sort());
});

for (const [name, [file]] of Object.entries(plants))
  test(`${name} is reported when ${file} breaks it`, () => {
    const found = planted.summary.violations.filter((violation) => violation.rule.name === name);
    assert.ok(
      found.some((violation) => violation.from === file),
      `only in ${found.map((violation) => violation.from).join(", ") || "no file"}`,
    );
    const before = ours.summary.violations.some((violation) => violation.from === file && violation.rule.name === name);
    assert.ok(!before, "it was there before");
  });

/** What is loaded with a file, without what is loaded only when it is needed. */
function loadedWith(source: string): ReadonlySet<string> {
  const modules = new Map(ours.modules.map((module) => [module.source, module.dependencies]));
  const reached = new Set([source]);
  for (const each of reached)
    for (const { resolved, dependencyTypes } of modules.get(each) ?? [])
      if (!dependencyTypes.includes("type-only") && !dependencyTypes.includes("dynamic-import")) reached.add(resolved);
  return reached;
}

test("a gateway that stands alone loads no driver of a server elsewhere", () => {
  const loaded = [...loadedWith("src/compose.ts")];
  assert.deepEqual(
    loaded.filter((file) => /node_modules\/(?:bullmq|ioredis|pg|@aws-sdk)\//.test(file)),
    [],
  );
  assert.ok(loaded.some((file) => /node_modules\/smtp-server\//.test(file)));
});

test("whatever decide runs is pure as well, not only its own file", () => {
  const reached = loadedWith("src/decide/decide.ts");
  assert.deepEqual(
    [...reached].filter((source) => !/^src\/(core|decide)\//.test(source)),
    [],
  );
  assert.ok(reached.size > 5);
});
