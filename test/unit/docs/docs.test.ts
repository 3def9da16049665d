/** The pages against the program: what they name exists, and what exists is named. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { checkConfig } from "../../../src/config.ts";
import { moves, states } from "../../../src/core/state.ts";
import { createMetrics } from "../../../src/observe/metrics.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const find = (...patterns: string[]): readonly string[] => globSync(patterns, { cwd: root });

const pages = find("*.md", "docs/**/*.md", "fixtures/**/*.md", "rules/**/*.md", "bench/**/*.md", "test/**/*.md");

/** As GitHub makes them of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");

const withoutCode = (text: string): string => text.replace(/^```.*?^```/gms, "");

const anchorsOf = (page: string): ReadonlySet<string> =>
  new Set([...withoutCode(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading)));

function* brokenLinks(page: string): Generator<string> {
  for (const [, target = ""] of withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : relative(root, join(root, dirname(page), path));
    if (!existsSync(join(root, file))) yield `${page}: ${target}`;
    else if (anchor !== undefined && !anchorsOf(file).has(anchor)) yield `${page}: no heading for ${target}`;
  }
}

test("every relative link of every page leads somewhere", () => {
  assert.ok(pages.length > 25);
  assert.deepEqual(
    pages.flatMap((page) => [...brokenLinks(page)]),
    [],
  );
});

test("every source file that a page names is there", () => {
  const named =
    /`((?:src|workers|test|bin|fixtures|packaging|docs|demo)\/[\w./-]*\.(?:ts|js|md|json|yaml|service|conf|smtp))`/g;
  const missing = pages.flatMap((page) =>
    [...read(page).matchAll(named)].flatMap(([, file = ""]) =>
      existsSync(join(root, file)) ? [] : [`${page}: ${file}`],
    ),
  );
  assert.deepEqual(missing, []);
});

test("the table of states in docs/architecture.md is that of src/core/state.ts", () => {
  const rows = [...read("docs/architecture.md").matchAll(/^\| `(\w+)\/[^|]*\|[^|]*\|[^|]*\|([^|]*)\|$/gm)];
  const told = rows.map(([, state, targets = ""]) => [
    state,
    [...targets.matchAll(/`(\w+)`/g)].map(([, to]) => to).sort(),
  ]);
  assert.deepEqual(
    told,
    states.map((state) => [state, [...moves[state]].sort()]),
  );
});

test("docs/operations.md explains every metric and no other", async () => {
  const known = (await createMetrics().registry.getMetricsAsJSON()).map(({ name }) => name);
  const page = read("docs/operations.md");
  const explained = [...page.matchAll(/^\| `(sallyport_\w+)/gm)].map(([, name = ""]) => name);
  const named = new Set([...page.matchAll(/\bsallyport_[a-z]\w*/g)].map(([name]) => name));
  assert.deepEqual(explained.sort(), known.sort());
  assert.deepEqual(
    [...named].filter((name) => !known.includes(name) && name !== "sallyport_headers"),
    [],
  );
});

test("docs/operations.md names every event that is logged", () => {
  const sources = find("src/**/*.ts", "workers/**/*.ts").map(read);
  const logged = sources.flatMap((text) =>
    [...text.matchAll(/\b(?:log|#log)\.(?:debug|info|warn|error)\(\s*"([^"]+)"/g)].map(([, event = ""]) => event),
  );
  const page = read("docs/operations.md");
  assert.ok(logged.length > 20);
  assert.deepEqual(
    [...new Set(logged)].filter((event) => !page.includes(`\`${event}\``)),
    [],
  );
});

test("docs/standards.md has every RFC that the source cites", () => {
  const cited = new Set(
    find("src/**/*.ts", "workers/**/*.ts").flatMap((file) =>
      [...read(file).matchAll(/\bRFC (\d{3,5})\b/g)].map(([, number = ""]) => number),
    ),
  );
  const page = read("docs/standards.md");
  assert.ok(cited.size > 20);
  assert.deepEqual(
    [...cited].filter((number) => !new RegExp(`\\b${number}\\b`).test(page)),
    [],
  );
});

test("docs/adr has no gap, and each page says what, why, what follows and what would change it", () => {
  const files = find("docs/adr/*.md")
    .map((file) => file.slice("docs/adr/".length))
    .sort();
  assert.deepEqual(
    files.map((file) => Number(file.slice(0, 4))),
    files.map((_, i) => i + 1),
  );
  for (const file of files) {
    const page = read(`docs/adr/${file}`);
    assert.match(page, new RegExp(`^# ${file.slice(0, 4)}\\.? `), file);
    for (const wanted of ["Context", "Decision", "Consequence", "What would change our mind"])
      assert.match(page, new RegExp(`^(?:## |\\*\\*)${wanted}`, "m"), `${file} lacks ${wanted}`);
  }
});

test("docs/adr/0015 has a line for every dependency", () => {
  const { dependencies, optionalDependencies } = JSON.parse(read("package.json")) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const page = read("docs/adr/0015-dependencies.md");
  for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies }))
    assert.ok(page.includes(`\`${name}\``) && page.includes(version), `${name} ${version}`);
});

test("the README has at most 150 lines", () => {
  assert.ok(read("README.md").split("\n").length <= 151);
});

for (const file of ["packaging/sallyport.yaml", "packaging/container/sallyport.yaml"])
  test(`${file} is a configuration without a mistake`, () => {
    // The program lies elsewhere here.
    const text = read(file).replace("/opt/sallyport/rules", join(root, "rules"));
    const checked = checkConfig(text, join(root, file));
    assert.deepEqual(checked.ok ? [] : checked.problems, []);
  });
