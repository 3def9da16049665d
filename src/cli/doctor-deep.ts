/** Checks of `doctor` that start something: the scanner with the configured rules, both engines on EICAR, a dialogue with every next hop. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorkers } from "../../workers/compose.ts";
import { startScanner } from "../compose-scan.ts";
import { type Config, routeName } from "../config-schema.ts";
import { explain } from "../core/errors.ts";
import type { InspectJob } from "../core/job.ts";
import type { PartReport } from "../core/outcome.ts";
import { createNextHops } from "../dispose/next-hops.ts";
import { systemClock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { createMetrics } from "../observe/metrics.ts";
import { openRecords } from "../records/sqlite.ts";
import type { Check } from "./doctor-checks.ts";

/** In two pieces, so that this file is no EICAR test file itself. */
const eicar = Buffer.from(["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].join(""));
const eicarRule = `rule eicar { strings: $a = "$EICAR-STANDARD-ANTIVIRUS" fullword condition: $a in (0..128) }`;

const job = (ruleSet: string): InspectJob => ({
  kind: "inspect",
  id: "doctor",
  content: { kind: "bytes", bytes: eicar },
  view: { offset: 0, length: eicar.length, encoding: "identity" },
  part: {
    path: "1",
    role: "attachment",
    sha256: "" as InspectJob["part"]["sha256"],
    size: eicar.length,
    names: ["eicar.txt"],
    declaredTypes: [],
    types: [],
    view: null,
  },
  externals: {},
  ruleSet,
  limits: { members: 10, bytes: 1e6, memberBytes: 1e6, depth: 2, ratio: 100 },
  deadlineMs: 20_000,
});

/** What one engine says of EICAR, as text that can be compared. */
async function opinion(engine: "wasm" | "native", scratchDir: string, log: Log): Promise<string> {
  const sources = [{ pack: "doctor", file: "eicar.yar", text: eicarRule }];
  const workers = await startWorkers({
    concurrency: 1,
    memory: 512 * 2 ** 20,
    deadlineMs: 20_000,
    scratchDir,
    engine,
    rules: { sources, version: "doctor", externals: {} },
    log,
  });
  try {
    const report = (await workers.run(job("doctor"), new AbortController().signal)) as PartReport;
    const findings = report.outcomes
      .flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : []))
      .filter((finding) => finding.inspector === "yara");
    return JSON.stringify(findings.map(({ rule, matches }) => ({ rule, matches })));
  } finally {
    await workers.close();
  }
}

async function engines(dir: string, log: Log): Promise<Check> {
  const wasm = await opinion("wasm", dir, log);
  if (!wasm.includes("eicar"))
    return {
      name: "engines",
      verdict: "FAIL",
      text: "the WASM engine does not see EICAR",
      remedy: "reinstall: npm ci --ignore-scripts",
    };
  const native = await opinion("native", dir, log).catch((error: unknown) => error);
  if (typeof native !== "string")
    return {
      name: "engines",
      verdict: "WARN",
      text: `WASM sees EICAR; no native engine: ${explain(native)}`,
      remedy: "only needed above 1,000 rules",
    };
  return native === wasm
    ? { name: "engines", verdict: "ok", text: "WASM and native agree on EICAR" }
    : {
        name: "engines",
        verdict: "FAIL",
        text: "WASM and native disagree on EICAR",
        remedy: "set scan.engine: wasm and report it",
      };
}

async function rules(config: Config, dir: string, log: Log): Promise<readonly Check[]> {
  const records = openRecords({ file: join(dir, "records.sqlite"), clock: systemClock });
  try {
    const scanner = await startScanner({
      config: { ...config, queue: undefined, data_dir: dir },
      log,
      clock: systemClock,
      metrics: createMetrics(),
      records,
    });
    const status = scanner.workers.status();
    const { problems } = scanner.rules;
    await scanner.close();
    const broken = [...new Set(problems.filter((problem) => problem.level === "error").map((problem) => problem.file))];
    const { missing } = status.confinement;
    return [
      broken.length > 0
        ? {
            name: "rules",
            verdict: "FAIL",
            text: `${status.ruleCount} in force; ${broken.length} files do not compile: ${broken.slice(0, 5).join(", ")}`,
            remedy: "sallyport rules check",
          }
        : status.ruleCount === 0
          ? { name: "rules", verdict: "WARN", text: "no rule is in force", remedy: "rules: [./rules]" }
          : {
              name: "rules",
              verdict: "ok",
              text: `${status.ruleCount} in force, engine ${status.engine.engine} (${status.engine.why})`,
            },
      ...(status.engine.warning ? [{ name: "engine", verdict: "WARN" as const, text: status.engine.warning }] : []),
      missing.length === 0
        ? { name: "confinement", verdict: "ok", text: status.confinement.how.join(", ") }
        : {
            name: "confinement",
            verdict: "WARN",
            text: `missing: ${missing.join(", ")}`,
            remedy: "docs/operations.md, «Confinement»",
          },
    ];
  } finally {
    await records.close();
  }
}

export async function engineChecks(config: Config, log: Log): Promise<readonly Check[]> {
  const dir = mkdtempSync(join(tmpdir(), "sallyport-doctor-"));
  try {
    return [...(await rules(config, dir, log)), await engines(dir, log)];
  } catch (error) {
    return [{ name: "scanner", verdict: "FAIL", text: explain(error) }];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export async function hopChecks(config: Config, log: Log): Promise<readonly Check[]> {
  const hops = createNextHops({ routes: config.routes, hostname: config.hostname, log, clock: systemClock });
  try {
    const checks: Check[] = [];
    for (const route of config.routes)
      for (const { hop, ok, text, tls } of await hops.probe(routeName(route), AbortSignal.timeout(30_000)))
        checks.push({
          name: `next hop of ${routeName(route)}`,
          verdict: ok ? "ok" : "FAIL",
          text: `${hop}: ${text}${ok ? `, ${tls ?? "no TLS"}` : ""}`,
        });
    return checks;
  } finally {
    await hops.close();
  }
}
