/** One run of the load generator against a server whose next hop is the sink, and what became of every message. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuSeconds, ownCpuSeconds, watchPss } from "./measure.ts";

const here = dirname(fileURLToPath(import.meta.url));
export const out = join(here, "out");

/** Compiles the generator and the sink, once. */
export function build(): void {
  mkdirSync(out, { recursive: true });
  for (const tool of ["smtpload", "smtpsink"])
    if (!existsSync(join(out, tool)))
      execFileSync("cc", ["-O2", "-w", "-o", join(out, tool), join(here, "tools", `${tool}.c`)]);
}

/** A folder of messages; the same profile, count and seed give the same octets. */
export function workload(profile: string, count: number, seed: number): string {
  const dir = join(out, "w", `${profile}-${count}-${seed}`);
  if (!existsSync(join(dir, "manifest.tsv")))
    execFileSync("python3", [
      join(here, "tools/workload.py"),
      "--profile",
      profile,
      "--count",
      String(count),
      "--seed",
      String(seed),
      "--out",
      dir,
    ]);
  return dir;
}

export interface Run {
  readonly delivered: number;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  readonly cpuMs: number;
  /** Of the process itself, without its children. */
  readonly ownCpuMs: number;
  /** Of inspectors and extractors, a message. */
  readonly scanMs: number;
  readonly pss: number;
  /** Milliseconds from the final dot to the reply, and from MAIL to the arrival at the sink. */
  readonly reply: readonly [number, number, number];
  readonly arrival: readonly [number, number, number];
  readonly lost: number;
  readonly leaked: number;
  readonly refused: number;
  readonly duplicates: number;
  readonly bad: number;
}

const percentiles = (values: readonly number[]): readonly [number, number, number] => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return [at(0.5), at(0.95), at(0.99)];
};

const table = (file: string): readonly (readonly string[])[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split("\t"));

export interface Target {
  readonly name: string;
  readonly port: number;
  readonly sinkPort: number;
  /** Root of the process tree that is measured. */
  readonly pid: number;
  /** A sum of its /metrics, if it has any. */
  readonly metric?: (name: string) => Promise<number>;
}

/** Milliseconds that all inspectors and extractors took so far, in the children: what a result from the cache saves. */
const scanMs = async ({ metric }: Target): Promise<number> => 1000 * ((await metric?.("scan_seconds_sum")) ?? 0);

/** Sends every message of the workload over `connections` connections and waits until all that was accepted has arrived or is known to be held. */
export async function run(target: Target, dir: string, connections: number, id: string): Promise<Run> {
  const sinkLog = join(out, `sink-${id}.tsv`);
  const loadLog = join(out, `load-${id}.tsv`);
  const sink = spawn(join(out, "smtpsink"), ["-p", String(target.sinkPort), "-o", sinkLog], { stdio: "ignore" });
  await sleep(200);
  const scanBefore = await scanMs(target);
  const cpuBefore = cpuSeconds(target.pid);
  const ownBefore = ownCpuSeconds(target.pid);
  const memory = watchPss(target.pid);
  await new Promise<void>((resolve, reject) => {
    const load = spawn(
      join(out, "smtpload"),
      ["-p", String(target.port), "-w", dir, "-c", String(connections), "-i", id, "-o", loadLog, "-t", "280"],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    load.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`smtpload ended with ${code}`))));
  });
  const sent = table(loadLog);
  const wanted = sent.filter((row) => row[2] === "250" && row[7] === "clean").length;
  for (let quiet = 0, last = -1; quiet < 10; ) {
    await sleep(300);
    const now = existsSync(sinkLog) ? table(sinkLog).length : 0;
    quiet = now === last || now >= wanted ? quiet + (now >= wanted ? 4 : 1) : 0;
    last = now;
  }
  const cpu = cpuSeconds(target.pid) - cpuBefore;
  const own = ownCpuSeconds(target.pid) - ownBefore;
  sink.kill("SIGTERM");
  await new Promise((resolve) => sink.once("exit", resolve));
  const run = account(sent, table(sinkLog), cpu, memory.stop(), id);
  return { ...run, ownCpuMs: (own * 1_000) / sent.length, scanMs: ((await scanMs(target)) - scanBefore) / sent.length };
}

function account(
  sent: readonly (readonly string[])[],
  arrived: readonly (readonly string[])[],
  cpu: number,
  peak: number,
  id: string,
): Omit<Run, "ownCpuMs" | "scanMs"> {
  const arrivals = new Map<string, number>();
  let duplicates = 0;
  for (const [key = "", at = "0"] of arrived) {
    if (arrivals.has(key)) duplicates++;
    else arrivals.set(key, Number(at));
  }
  const rows = sent.map(([seq, , code, mail, dot, reply, bytes, verdict]) => ({
    at: arrivals.get(`${id}.${seq}`),
    accepted: code === "250",
    mail: Number(mail),
    dot: Number(dot),
    reply: Number(reply),
    bytes: Number(bytes),
    clean: verdict === "clean",
  }));
  const first = Math.min(...rows.map((row) => row.mail));
  const delivered = rows.filter((row) => row.at !== undefined && row.clean);
  const last = Math.max(...delivered.map((row) => row.at ?? 0));
  const seconds = (last - first) / 1e9;
  return {
    delivered: delivered.length,
    perSecond: delivered.length / seconds,
    megabytesPerSecond: delivered.reduce((sum, row) => sum + row.bytes, 0) / 1e6 / seconds,
    cpuMs: (cpu * 1000) / rows.length,
    pss: peak,
    reply: percentiles(rows.map((row) => (row.reply - row.dot) / 1e6)),
    arrival: percentiles(delivered.map((row) => ((row.at ?? 0) - row.mail) / 1e6)),
    lost: rows.filter((row) => row.accepted && row.clean && row.at === undefined).length,
    leaked: rows.filter((row) => !row.clean && row.at !== undefined).length,
    refused: rows.filter((row) => row.clean && !row.accepted).length,
    duplicates,
    bad: rows.filter((row) => !row.clean).length,
  };
}
