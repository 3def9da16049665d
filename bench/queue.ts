/** `node bench/queue.ts`: the same inspect jobs through the embedded queue and through Redis to a worker process, side by side in one run. */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openInspectQueue } from "../src/compose-cluster.ts";
import { checkConfig } from "../src/config.ts";
import type { InspectJob, Job, JobResult } from "../src/core/job.ts";
import type { Sha256 } from "../src/core/message.ts";
import { silent } from "../src/observe/log.ts";
import { EmbeddedQueue } from "../src/queue/embedded.ts";
import type { Queue } from "../src/queue/queue.ts";
import { externalDefaults } from "../src/rulepacks/externals.ts";
import { RuleStore } from "../src/rulepacks/store.ts";
import { eventually } from "../test/support/eventually.ts";
import { root } from "../test/support/gateway.ts";
import { startRedis } from "../test/support/redis.ts";
import { startS3 } from "../test/support/s3.ts";
import { cpuMs, startWorker } from "../test/support/worker.ts";
import { startWorkers } from "../workers/compose.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "8" },
    size: { type: "string", default: "20000" },
    workers: { type: "string", default: "1" },
    s3: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const size = Number(values.size);
const machines = Number(values.workers);
const never = new AbortController().signal;

const dir = mkdtempSync(join(tmpdir(), "bench-queue-"));
const redis = await startRedis();
const s3 = values.s3 ? await startS3() : null;
writeFileSync(join(dir, "key"), randomBytes(32));
if (s3) writeFileSync(join(dir, "secret"), s3.secretKey);
const blobs = s3
  ? `{ url: "s3://${s3.bucket}", endpoint: "${s3.endpoint}", access_key: "${s3.accessKey}", secret_key_file: ${join(dir, "secret")} }`
  : join(dir, "blobs");
const more = `queue: ${redis.url}\nblobs: ${blobs}\ncluster: { key_file: ${join(dir, "key")} }\nscan: { workers: 1 }`;
const checked = checkConfig(
  `data_dir: ${join(dir, "data")}\nroutes: [{ domains: [a.test], next_hop: "127.0.0.1:9" }]\nrules: [${join(root, "rules")}]\n${more}\n`,
  join(dir, "sallyport.yaml"),
);
if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
const config = checked.value;
mkdirSync(config.data_dir, { recursive: true });
const store = await RuleStore.open({ folders: config.rules, dataDir: config.data_dir, log: silent });
const rules = store.ruleSet(externalDefaults);
const workers = await startWorkers({
  concurrency: 1,
  memory: config.scan.memory,
  deadlineMs: config.scan.deadline,
  engine: config.scan.engine,
  scratchDir: join(dir, "scratch"),
  rules,
  log: silent,
});
const others = await Promise.all(Array.from({ length: machines }, () => startWorker({ more })));

let made = 0;
/** No two are equal. */
function newJob(): InspectJob {
  const bytes = Buffer.from(
    randomBytes(Math.ceil((size * 3) / 4))
      .toString("base64")
      .slice(0, size),
  );
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Sha256;
  const view = { offset: 0, length: bytes.length, encoding: "identity" } as const;
  return {
    kind: "inspect",
    id: `bench ${made++}`,
    content: { kind: "bytes", bytes },
    view,
    part: {
      path: "2",
      role: "attachment",
      sha256,
      size,
      names: ["letter.txt"],
      declaredTypes: ["text/plain"],
      types: [],
      view,
    },
    externals: externalDefaults,
    ruleSet: rules.version,
    limits: { members: 100, bytes: 1e8, memberBytes: 1e8, depth: 8, ratio: 200 },
    deadlineMs: 30_000,
  };
}

type Tested = Pick<Queue<Job, JobResult>, "submit">;

async function one(queue: Tested): Promise<number> {
  const job = newJob();
  const began = performance.now();
  await queue.submit(job, never);
  return performance.now() - began;
}

/** Closed loop: jobs a second with so many in flight. */
async function most(queue: Tested, lanes: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < end) {
      await one(queue);
      done++;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return done / seconds;
}

/** Open loop: each job comes when it comes, whether or not the others are done. */
async function paced(queue: Tested, perSecond: number): Promise<readonly number[]> {
  const jobs: Promise<number>[] = [];
  const began = performance.now();
  for (let due = 0; due < seconds * 1000; due += (-Math.log(1 - Math.random()) * 1000) / perSecond) {
    const wait = began + due - performance.now();
    if (wait > 0) await sleep(wait);
    jobs.push(one(queue));
  }
  return (await Promise.all(jobs)).sort((a, b) => a - b);
}

const share = (sorted: readonly number[], part: number): number => sorted[Math.floor(sorted.length * part)] ?? 0;

const embedded = new EmbeddedQueue<Job, JobResult>({ waiting: 10_000 });
embedded.serve((job, signal) => workers.run(job, signal), 2);
const away = await openInspectQueue({
  config,
  log: silent,
  versions: () => workers.status().versions,
  needWorkers: true,
  waiting: 10_000,
});
await eventually("all workers are seen", () => away.bull.workers.length === machines);

const pidsOf = {
  gateway: () => [process.pid],
  "own children": () => workers.status().children.flatMap(({ pids }) => pids),
  workers: () => others.map(({ pid }) => pid),
  "their children": () => others.flatMap((worker) => worker.children()),
  redis: () => [redis.pid],
} as const;
type Who = keyof typeof pidsOf;
const cpuNow = (): Readonly<Record<Who, number>> =>
  Object.fromEntries(Object.entries(pidsOf).map(([who, pids]) => [who, cpuMs(pids())])) as Record<Who, number>;

interface Row {
  readonly queue: string;
  readonly jobsPerSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly cpuMsPerJob: Readonly<Record<string, number>>;
}

async function measure(name: string, queue: Tested, jobsPerSecond: number, pace: number): Promise<Row> {
  const [before, madeBefore] = [cpuNow(), made];
  const times = await paced(queue, pace);
  const after = cpuNow();
  const cpuMsPerJob = Object.fromEntries(
    (Object.keys(pidsOf) as Who[]).map((who) => [who, (after[who] - before[who]) / (made - madeBefore)]),
  );
  return { queue: name, jobsPerSecond, p50: share(times, 0.5), p95: share(times, 0.95), cpuMsPerJob };
}

try {
  const subjects = [
    ["embedded", embedded],
    [`redis + ${s3 ? "S3" : "folder"}, ${machines} worker(s)`, away.bull],
  ] as const;
  for (const [, queue] of subjects) await most(queue, 4);
  const rates: number[] = [];
  for (const [, queue] of subjects) rates.push(await most(queue, 16));
  const pace = Math.min(...rates) / 2;
  const rows: Row[] = [];
  for (const [i, [name, queue]] of subjects.entries()) rows.push(await measure(name, queue, rates[i] ?? 0, pace));
  const [first, second] = rows as [Row, Row];
  if (values.json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else {
    process.stdout.write(
      `${size} octets a job, no two equal; latency at ${pace.toFixed(0)} jobs/s, half of what the slower one can\n\n`,
    );
    for (const { queue, jobsPerSecond, p50, p95, cpuMsPerJob } of rows) {
      const cpu = Object.entries(cpuMsPerJob).map(([who, ms]) => `${who} ${ms.toFixed(2)}`);
      process.stdout.write(
        `${queue.padEnd(30)} ${jobsPerSecond.toFixed(0).padStart(6)} jobs/s  p50 ${p50.toFixed(1)} ms  p95 ${p95.toFixed(1)} ms  CPU ms/job: ${cpu.join(", ")}\n`,
      );
    }
    process.stdout.write(
      `\nadded: p50 ${(second.p50 - first.p50).toFixed(1)} ms, p95 ${(second.p95 - first.p95).toFixed(1)} ms\n`,
    );
  }
} finally {
  await away.close();
  await embedded.close();
  await Promise.all(others.map((worker) => worker.stop()));
  await workers.close();
  await store.close();
  await Promise.all([redis.stop(), s3?.stop()]);
  rmSync(dir, { recursive: true, force: true });
}
