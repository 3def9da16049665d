/** Runs the groups and closes with the counts: one line, `N passed, N failed`. */
import { spawnSync } from "node:child_process";
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

function runCheck({ command: [program, ...args] }: Check): Counts {
  const { status, stdout, stderr } = spawnSync(join(tools, program), args, {
    cwd: root,
    env,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) process.stdout.write(`${stdout}${stderr}`);
  return status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
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

function runGroup(group: Group, absent: readonly string[]): Counts {
  if (group.kind === "check") return runCheck(group);
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
let total: Counts = { passed: 0, failed: 0 };
for (const group of mine) {
  const started = performance.now();
  process.stdout.write(`── ${group.name}\n`);
  const { passed, failed } = runGroup(group, absent);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`   ${group.name}: ${passed} passed, ${failed} failed (${seconds} s)\n`);
  total = { passed: total.passed + passed, failed: total.failed + failed };
}
rmSync(work, { recursive: true, force: true });
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
