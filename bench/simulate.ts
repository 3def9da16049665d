/** `node bench/simulate.ts`: how a cluster grows, from what single steps cost; prints the tables of docs/scale.md and draws docs/scale.svg. */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Figures, type Site, simulate } from "./simulate/cluster.ts";
import { mixed } from "./simulate/costs.ts";
import { most, paced } from "./simulate/one-machine.ts";
import { plot } from "./simulate/plot.ts";
import { ceiling, demands, siteFor } from "./simulate/sizing.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    /** What `node bench/queue.ts --json` has printed, and the cores that it had. */
    measured: { type: "string" },
    cores: { type: "string", default: "2" },
    /** Where the drawing goes. */
    out: { type: "string" },
  },
});
const seed = Number(values.seed);

/** Machines of four cores before, of eight behind. */
const machines = { gatewayChildren: 3, workerChildren: 7 } as const;
const busy = 0.7;
const rates = [10, 30, 100, 300, 1_000, 3_000, 10_000];

/** About as many messages in each run. */
const secondsFor = (perSecond: number): number => Math.max(10, Math.round(80_000 / perSecond));
const run = (site: Site, perSecond: number): Figures =>
  simulate({ site, mail: mixed, perSecond, seconds: secondsFor(perSecond), seed });
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const row = (cells: readonly (string | number)[]): void => say(`| ${cells.join(" | ")} |`);
const whole = (value: number): string => Math.round(value).toLocaleString("en");
const machinesIn = (site: Site): number => site.gateways + site.workers + site.shards;

function compare(file: string, cores: number): void {
  interface Row {
    readonly queue: string;
    readonly jobsPerSecond: number;
    readonly p50: number;
    readonly p95: number;
    readonly cpuMsPerJob: Readonly<Record<string, number>>;
  }
  const rows = JSON.parse(readFileSync(file, "utf8")) as readonly Row[];
  const pace = Math.min(...rows.map(({ jobsPerSecond }) => jobsPerSecond)) / 2;
  row(["queue", "jobs/s measured", "simulated", "p50 ms measured", "simulated", "p95 ms measured", "simulated"]);
  row(Array.from({ length: 7 }, () => "---"));
  for (const { queue, jobsPerSecond, p50, p95, cpuMsPerJob } of rows) {
    const { gateway = 0, redis = 0, ...others } = cpuMsPerJob;
    const steps = { cores, work: [gateway / 2, redis / 2, ...Object.values(others), redis / 2, gateway / 2] };
    const times = paced(steps, pace, seed);
    const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
    const rate = most(steps, 16, seed);
    row([queue, jobsPerSecond.toFixed(0), rate.toFixed(0), p50.toFixed(1), at(0.5), p95.toFixed(1), at(0.95)]);
  }
}

function grow(): void {
  say("Milliseconds of one core for a message:");
  for (const [server, ms] of Object.entries(demands(mixed))) say(`  ${server.padEnd(22)} ${ms.toFixed(2)}`);
  say("");
  row(["messages/s", "gateways", "workers", "Redis", "PostgreSQL cores", "full first", "at", "p50 ms", "p95 ms"]);
  row(Array.from({ length: 9 }, () => "---"));
  const [enough, one, p50, p95]: [number, number][][] = [[], [], [], []];
  for (const perSecond of rates) {
    const site = siteFor(perSecond, mixed, machines, busy);
    const { first, perSecond: full } = ceiling(site, mixed);
    const figures = run(site, perSecond);
    row([
      whole(perSecond),
      site.gateways,
      site.workers,
      site.shards,
      site.postgresCores,
      first,
      whole(full),
      figures.p50.toFixed(0),
      figures.p95.toFixed(0),
    ]);
    const count = machinesIn(site);
    enough?.push([count, run(site, 1.3 * full).throughput]);
    const alone = { ...site, shards: 1 };
    one?.push([machinesIn(alone), run(alone, 1.3 * full).throughput]);
    p50?.push([count, figures.p50]);
    p95?.push([count, figures.p95]);
  }
  const throughput = [
    { name: "Redis as many as needed", points: enough ?? [] },
    { name: "one Redis", points: one ?? [] },
  ];
  const latency = [
    { name: "p50", points: p50 ?? [] },
    { name: "p95", points: p95 ?? [] },
  ];
  const x = "machines: gateways, workers, Redis";
  const svg = plot([
    { title: "Offered more than it can take", x, y: "messages a second", lines: throughput },
    { title: "No server busier than 70 %", x, y: "milliseconds to the verdict", lines: latency },
  ]);
  writeFileSync(values.out ?? new URL("../docs/scale.svg", import.meta.url), svg);
}

if (values.measured === undefined) grow();
else compare(values.measured, Number(values.cores));
