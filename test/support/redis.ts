/** Real Redis on a free port and in a folder of its own; it can be killed, emptied and started again. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./gateway.ts";
import { type ServerProcess, startProcess, untilListening } from "./server-process.ts";

export interface RedisOptions {
  readonly port?: number;
  /** More options of redis.conf(5): `{ "maxmemory-policy": "allkeys-lru" }`; they replace ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines such as "user name on >secret ~* &* +@all". */
  readonly users?: readonly string[];
}

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  readonly pid: number;
  /** Runs redis-cli and returns what it prints. */
  cli(...args: readonly string[]): string;
  /** Everything that it has ever written to its append-only file and its dump. */
  octets(): Buffer;
  kill(): Promise<void>;
  /** After `kill`; `empty` takes its data away first. */
  start(empty?: boolean): Promise<void>;
  stop(): Promise<void>;
}

const program = "/usr/bin/redis-server";

function files(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

export async function startRedis({ port: wanted, settings = {}, users = [] }: RedisOptions = {}): Promise<RedisServer> {
  if (!existsSync(program)) throw new Error("Redis is missing; on Debian: apt-get install redis-server");
  const port = wanted ?? (await freePort());
  const dir = mkdtempSync(join(tmpdir(), "redis-"));
  const data = join(dir, "data");
  const all: Readonly<Record<string, string>> = {
    bind: "127.0.0.1",
    port: String(port),
    dir: data,
    appendonly: "yes",
    appendfsync: "everysec",
    save: "",
    "maxmemory-policy": "noeviction",
    ...settings,
  };
  const args = [
    ...Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
    ...users.flatMap((user) => ["--user", ...user.replace(/^user /, "").split(" ")]),
  ];
  let server: ServerProcess;
  const begin = async (): Promise<void> => {
    mkdirSync(data, { recursive: true });
    server = startProcess([program, ...args]);
    await untilListening(Number(all["tls-port"] ?? port), server);
  };
  await begin();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    dir,
    get pid() {
      return server.pid;
    },
    cli: (...words) => execFileSync("/usr/bin/redis-cli", ["-p", String(port), ...words], { encoding: "utf8" }).trim(),
    octets: () => Buffer.concat(files(data).map((file) => readFileSync(file))),
    kill: () => server.stop("SIGKILL"),
    async start(empty = false) {
      if (empty) rmSync(data, { recursive: true, force: true });
      await begin();
    },
    async stop() {
      await server.stop("SIGKILL");
      rmSync(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
    },
  };
}
