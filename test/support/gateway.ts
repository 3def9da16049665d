/** The real gateway as a process of its own, with a configuration written for the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** As bin/sallyport starts it. */
const { lean, leanMalloc } = createRequire(import.meta.url)("../../bin/setup") as {
  readonly lean: readonly string[];
  readonly leanMalloc: Readonly<Record<string, string>>;
};

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

export interface GatewayOptions {
  /** Where the one route leads, as host:port, or several. */
  readonly nextHop: string | readonly string[];
  readonly domains?: readonly string[];
  /** More settings of the route, in YAML flow style: `reply_after: verdict, retry: {first: 1s}`. */
  readonly route?: string;
  /** Routes after that one, each in YAML flow style. */
  readonly routes?: readonly string[];
  /** More lines of the configuration. */
  readonly more?: string;
  readonly rules?: readonly string[];
  readonly dir?: string;
  /** Default: `data` below `dir`. */
  readonly dataDir?: string;
  /** Of this machine, where it listens. */
  readonly address?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly smtpPort?: number;
  /** What to wait for: `/ready` (default), or only `/health`, as on a full disk. */
  readonly until?: "ready" | "health";
}

export interface Gateway {
  readonly dir: string;
  readonly config: string;
  readonly smtp: number;
  readonly web: number;
  readonly child: ChildProcess;
  readonly pid: number;
  log(): readonly Record<string, unknown>[];
  /** What it said on standard error last. */
  errors(): string;
  metric(name: string): Promise<number>;
  /** Resolves with the exit code, or null when a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  cleanUp(): void;
}

export function writeConfig(
  options: GatewayOptions & { readonly smtp: number; readonly web: number; readonly dir: string },
): string {
  const list = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
  const { address = "127.0.0.1" } = options;
  const hops = typeof options.nextHop === "string" ? [options.nextHop] : options.nextHop;
  const file = join(options.dir, "sallyport.yaml");
  writeFileSync(
    file,
    [
      "hostname: gateway.test",
      `data_dir: ${JSON.stringify(options.dataDir ?? "./data")}`,
      `listen: { smtp: "${address}:${options.smtp}", web: "${address}:${options.web}" }`,
      "routes:",
      `  - { domains: ${list(options.domains ?? ["bench.test"])}, next_hop: ${list(hops)}${options.route ? `, ${options.route}` : ""} }`,
      ...(options.routes ?? []).map((route) => `  - ${route}`),
      `rules: ${list(options.rules ?? [join(root, "rules")])}`,
      options.more ?? "",
      "",
    ].join("\n"),
  );
  return file;
}

async function answers(web: number, path: string, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 2_400 && child.exitCode === null && child.signalCode === null; tries++) {
    try {
      if ((await fetch(`http://127.0.0.1:${web}/${path}`)).ok) return true;
    } catch {
      // not listening yet
    }
    await sleep(50);
  }
  return false;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "gateway-"));
  mkdirSync(dir, { recursive: true });
  const smtp = options.smtpPort ?? (await freePort());
  const web = await freePort();
  const config = writeConfig({ ...options, smtp, web, dir });
  const logFile = join(dir, `log-${Date.now()}.ndjson`);
  const child = spawn(process.execPath, [...lean, join(root, "src/main.ts"), "run", "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...leanMalloc, ...options.env },
  });
  let errors = "";
  child.stdout.pipe(createWriteStream(logFile));
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-20_000);
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const lines: Record<string, unknown>[] = [];
  let unread = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const said = (unread + text).split("\n");
    unread = said.pop() ?? "";
    for (const line of said) if (line.startsWith("{")) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const log = (): readonly Record<string, unknown>[] => lines;
  if (!(await answers(web, options.until ?? "ready", child))) {
    child.kill("SIGKILL");
    throw new Error(`The gateway did not start:\n${errors}\n${JSON.stringify(log().slice(-5))}`);
  }
  return {
    dir,
    config,
    smtp,
    web,
    child,
    pid: child.pid ?? 0,
    log,
    errors: () => errors,
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${web}/metrics`)).text();
      const lines = text.split("\n").filter((line) => line.startsWith(`sallyport_${name}`) && !line.startsWith("#"));
      return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
    },
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
    cleanUp: () => rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 }),
  };
}
