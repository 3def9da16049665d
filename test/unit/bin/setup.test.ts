/** The first command in a fresh clone: what is installed, when, with which Node, and what becomes of signals. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../../..");

/** Stands in for the registry: installs the lockfile's list, and notes that it was called. */
const npm = `
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
appendFileSync("called", process.argv.slice(2).join(" ") + "\\n");
if (process.env.FAIL) { console.error("npm error nothing to eat"); process.exit(1); }
mkdirSync("node_modules", { recursive: true });
writeFileSync("node_modules/.package-lock.json", readFileSync("package-lock.json"));
`;

const lock = (packages: object): string => JSON.stringify({ packages: { "": { version: "1" }, ...packages } });
const plain = lock({
  "node_modules/a": { version: "1.0.0", integrity: "x" },
  "node_modules/tool": { version: "1.0.0", dev: true },
  "node_modules/other-platform": { version: "1.0.0", optional: true },
});

class Clone implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "sallyport-clone-"));

  constructor() {
    cpSync(join(root, "bin"), join(this.path, "bin"), { recursive: true });
    this.write("package-lock.json", plain);
    this.write("npm.js", npm);
    this.write("package.json", '{ "type": "module" }');
  }

  write(name: string, text: string): void {
    mkdirSync(resolve(this.path, name, ".."), { recursive: true });
    writeFileSync(join(this.path, name), text);
  }

  env(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    return { ...process.env, npm_execpath: join(this.path, "npm.js"), ...more };
  }

  run(script: string, more: Readonly<Record<string, string>> = {}) {
    const options = { cwd: this.path, env: this.env(more), encoding: "utf8" } as const;
    return spawnSync(process.execPath, [join(this.path, "bin", script)], options);
  }

  get calls(): number {
    const file = join(this.path, "called");
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").length : 0;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

test("a fresh clone installs what is locked, without scripts, once", () => {
  using clone = new Clone();
  const first = clone.run("setup");
  assert.equal(first.status, 0, first.stderr);
  assert.equal(first.stdout, `${process.execPath}\n`);
  assert.match(first.stderr, /installing what package-lock\.json names/);
  assert.match(readFileSync(join(clone.path, "called"), "utf8"), /^ci --ignore-scripts/);
  assert.equal(clone.run("setup").stderr, "");
  assert.equal(clone.calls, 1);
});

test("a changed lockfile installs again", () => {
  using clone = new Clone();
  clone.run("setup");
  clone.write("package-lock.json", plain.replace('"x"', '"y"'));
  assert.equal(clone.run("setup").status, 0);
  assert.equal(clone.calls, 2);
});

test("packages of other platforms may be missing, and those for tests only where no test runs", () => {
  using clone = new Clone();
  clone.write("node_modules/.package-lock.json", lock({ "node_modules/a": { version: "1.0.0", integrity: "x" } }));
  clone.write("src/main.ts", "console.log('here');");
  assert.equal(clone.run("sallyport").stdout, "here\n");
  assert.equal(clone.calls, 0);
  clone.run("setup");
  assert.equal(clone.calls, 1);
});

test("when npm fails its words are shown and nothing is started", () => {
  using clone = new Clone();
  clone.write("src/main.ts", "console.log('here');");
  const { status, stdout, stderr } = clone.run("sallyport", { FAIL: "1" });
  assert.equal(status, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /npm ci failed with exit code 1\nnpm error nothing to eat/);
});

test("npm start runs the site's configuration if there is one, else the demonstration", () => {
  using clone = new Clone();
  clone.write("src/main.ts", "console.log(process.argv.slice(2).join(' '));");
  clone.write("demo/demo.ts", "console.log('demo');");
  assert.equal(clone.run("start").stdout, "demo\n");
  clone.write("sallyport.yaml", "");
  assert.equal(clone.run("start").stdout, `run --config ${join(clone.path, "sallyport.yaml")}\n`);
});

test("signals reach the program, and its exit code reaches us", async () => {
  using clone = new Clone();
  clone.run("setup");
  clone.write("sallyport.yaml", "");
  clone.write(
    "src/main.ts",
    "process.on('SIGTERM', () => process.exit(7)); setInterval(() => 0, 1000); console.log('up');",
  );
  const child = spawn(process.execPath, [join(clone.path, "bin/start")], {
    env: clone.env(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [7, null]);
});

test("a Node that does not start is told with what is missing, and what to install", () => {
  using clone = new Clone();
  const { trouble } = createRequire(import.meta.url)(join(root, "bin/setup")) as {
    readonly trouble: (node: string) => Error | null;
  };
  const node = join(clone.path, "node");
  const lacks = (library: string): string =>
    `#!/bin/sh\necho "node: error while loading shared libraries: ${library}: cannot open shared object file" >&2; exit 127\n`;
  writeFileSync(node, lacks("libatomic.so.1"), { mode: 0o755 });
  assert.match(
    trouble(node)?.message ?? "",
    /does not start here: .*libatomic\.so\.1.*; install it: apt-get install libatomic1$/,
  );
  writeFileSync(node, lacks("libc.so.6"), { mode: 0o755 });
  assert.match(trouble(node)?.message ?? "", /libc\.so\.6.*glibc/);
  assert.match(trouble(join(clone.path, "missing"))?.message ?? "", /ENOENT/);
  assert.equal(trouble(process.execPath), null);
});

test("the unit and the image start Node with the flags and the variable of bin/setup", () => {
  const setup: unknown = createRequire(import.meta.url)(join(root, "bin/setup"));
  const { lean } = setup as { readonly lean: readonly string[] };
  for (const file of ["packaging/sallyport.service", "Dockerfile"]) {
    const text = readFileSync(join(root, file), "utf8");
    for (const flag of lean) assert.ok(text.includes(flag), `${flag} in ${file}`);
    assert.match(text, /^(?:Environment=|ENV )MALLOC_ARENA_MAX=2$/m, file);
  }
});
