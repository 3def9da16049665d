/** `sallyport work` as a process of its own, with the configuration of a gateway. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort, root, writeConfig } from "./gateway.ts";
import { descendants } from "./processes.ts";

/** As bin/sallyport starts it. */
const { lean, leanMalloc } = createRequire(import.meta.url)("../../bin/setup") as {
  readonly lean: readonly string[];
  readonly leanMalloc: Readonly<Record<string, string>>;
};

export interface WorkerOptions {
  /** Lines of the configuration that name queue, blobs and key. */
  readonly more: string;
  readonly rules?: readonly string[];
  /** Put before its command. */
  readonly prefix?: readonly string[];
  /** Where its figures are shown. */
  readonly address?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface WorkerProcess {
  readonly pid: number;
  readonly web: number;
  log(): readonly Record<string, unknown>[];
  /** The whole page. */
  metrics(): Promise<string>;
  children(): readonly number[];
  /** Resolves with the exit code, or null when a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export async function startWorker({
  more,
  rules,
  prefix = [],
  address = "127.0.0.1",
  env = {},
}: WorkerOptions): Promise<WorkerProcess> {
  const dir = mkdtempSync(join(tmpdir(), "worker-"));
  const web = await freePort();
  const config = writeConfig({ nextHop: "127.0.0.1:9", more, smtp: 0, web, dir, address, ...(rules ? { rules } : {}) });
  const own = [process.execPath, ...lean, join(root, "src/main.ts"), "work", "--config", config];
  const [program = "", ...args] = [...prefix, ...own];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...leanMalloc, ...env },
  });
  running.add(child);
  let said = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const isReady = (): Promise<boolean> =>
    fetch(`http://${address}:${web}/ready`).then(
      ({ ok }) => ok,
      () => child.exitCode !== null,
    );
  await eventually("the worker is ready", isReady, 300_000);
  if (child.exitCode !== null) throw new Error(`the worker did not start:\n${errors}\n${said}`);
  return {
    pid: child.pid ?? 0,
    web,
    log: () =>
      said
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    metrics: async () => (await fetch(`http://${address}:${web}/metrics`)).text(),
    children: () => descendants(child.pid ?? 0),
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const code = await ended;
      running.delete(child);
      rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
      return code;
    },
  };
}

/** User and system time of a process and those it has started, in milliseconds; proc(5). */
export function cpuMs(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, "latin1");
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11]) + Number(fields[12]);
    } catch {
      return 0;
    }
  });
  return ticks.reduce((sum, each) => sum + each, 0) * 10;
}
