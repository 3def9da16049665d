/** Runs the groups and closes with the counts: one line, `N passed, N failed`. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Check, type Group, groups, type Tests } from "./groups.ts";
import { provide } from "./servers.ts";
import { type Counts, countsOf } from "./tap.ts";

const root = resolve(import.meta.dirname, "../..");
const tools = join(root, "node_modules", ".bin");
// Tools must find the Node that runs this, not an older one of the system.
const env = { ...process.env, PATH: `${tools}:${process.env["PATH"] ?? ""}` };

interface Ended {
  readonly ok: boolean;
  readonly words: string;
}

function start({ command: [program, ...args] }: Check): Promise<Ended> {
  const child = spawn(join(tools, program), args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((done) => {
    let words = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (piece: string) => {
        words += piece;
      });
    child.on("error", (error) => done({ ok: false, words: error.message }));
    child.on("close", (code) => done({ ok: code === 0, words }));
  });
}

async function runCheck(running: Promise<Ended> | undefined): Promise<Counts> {
  const { ok, words } = (await running) ?? { ok: false, words: "was not started\n" };
  if (!ok) process.stdout.write(words);
  return ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Failures are shown at once; the exact counts come from a second report. */
function runTests({ name, files, atOnce, timeoutMs }: Tests): Counts {
  const report = join(work, `${name}.tap`);
  const { status } = spawnSync(
    process.execPath,
    [
      "--test",
      `--test-concurrency=${atOnce}`,
      `--test-timeout=${timeoutMs}`,
      "--test-reporter=dot",
      "--test-reporter-destination=stdout",
      "--test-reporter=tap",
      `--test-reporter-destination=${report}`,
      files,
    ],
    { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] },
  );
  return countsOf(status === null ? "" : readFileSync(report, "utf8"), status ?? 1);
}

async function runGroup(group: Group, absent: readonly string[]): Promise<Counts> {
  if (group.kind === "check") return runCheck(checks.get(group.name));
  const lacking = group.needs.filter((name) => absent.includes(name));
  if (lacking.length === 0) return runTests(group);
  process.stdout.write(`not run: ${lacking.join(", ")} missing\n`);
  return { passed: 0, failed: 1 };
}

function chosen(names: readonly string[]): readonly Group[] {
  const unknown = names.filter((name) => !groups.some((group) => group.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `no such group: ${unknown.join(", ")}; there are ${groups.map((group) => group.name).join(", ")}\n`,
    );
    process.exit(2);
  }
  return names.length === 0 ? groups : groups.filter((group) => names.includes(group.name));
}

const mine = chosen(process.argv.slice(2));
const work = mkdtempSync(join(tmpdir(), "sallyport-test-"));
const absent = await provide(mine.flatMap((group) => (group.kind === "tests" ? group.needs : [])));
// Checks share the machine; the tests, which come after them, have it to themselves.
const checks = new Map(mine.flatMap((group) => (group.kind === "check" ? [[group.name, start(group)] as const] : [])));
let total: Counts = { passed: 0, failed: 0 };
for (const group of mine) {
  const started = performance.now();
  process.stdout.write(`── ${group.name}\n`);
  const { passed, failed } = await runGroup(group, absent);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`   ${group.name}: ${passed} passed, ${failed} failed (${seconds} s)\n`);
  total = { passed: total.passed + passed, failed: total.failed + failed };
}
rmSync(work, { recursive: true, force: true });
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
