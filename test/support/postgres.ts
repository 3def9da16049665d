/** A real PostgreSQL in a folder of its own, on a free port, under a user without rights; it can be stopped and started again. */
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { freePort } from "./gateway.ts";

const home = "/usr/lib/postgresql";
const nobody = 65_534;
/** Speed over safety: what a test writes need not survive a power cut. */
const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "60" };

/** The newest that is installed. */
function programs(): string {
  const versions = existsSync(home) ? readdirSync(home).toSorted((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => join(home, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
  if (found) return found;
  throw new Error("PostgreSQL is missing; on Debian: apt-get install --no-install-recommends postgresql-15");
}

export interface PostgresServer {
  readonly port: number;
  /** Of the owner of all databases. */
  readonly password: string;
  /** Makes a database and returns its URL. */
  database(options?: { readonly encoding?: string; readonly extensions?: readonly string[] }): string;
  /** As the owner of all; returns what psql prints. */
  psql(sql: string, database?: string): string;
  /** `immediate` is what a crash looks like to others. */
  stop(mode?: "fast" | "immediate"): void;
  start(): void;
  cleanUp(): void;
}

export async function startPostgres(): Promise<PostgresServer> {
  const bin = programs();
  const dir = mkdtempSync(join(tmpdir(), "sallyport-postgres-"));
  const data = join(dir, "data");
  const port = await freePort();
  const password = "s3cr3t-of-the-tests";
  mkdirSync(data, { mode: 0o700 });
  // PostgreSQL refuses to run as root.
  const asUser = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  if (asUser.uid) for (const folder of [dir, data]) chownSync(folder, nobody, nobody);
  const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): string => {
    const { status, stdout, stderr } = spawnSync(join(bin, program), args, {
      ...asUser,
      cwd: dir,
      env: { PATH: process.env["PATH"], LC_ALL: "C.UTF-8", PGPASSWORD: password, ...env },
      encoding: "utf8",
      stdio: program === "pg_ctl" ? "ignore" : "pipe",
    });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  const secret = join(dir, "password");
  execFileSync("/bin/sh", ["-c", `printf %s "$PASSWORD" > "${secret}"`], { ...asUser, env: { PASSWORD: password } });
  const auth = ["--auth=scram-sha-256", "--username=sallyport", `--pwfile=${secret}`];
  run("initdb", ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", ...auth, "--pgdata", data]);
  const flags = Object.entries(settings).map(([key, value]) => `-c ${key}=${value}`);
  const options = [`-p ${port}`, `-k ${dir}`, "-c listen_addresses=127.0.0.1", ...flags].join(" ");
  const start = (): void => void run("pg_ctl", ["-w", "-D", data, "-l", join(dir, "log"), "-o", options, "start"]);
  const psql = (sql: string, database = "postgres"): string =>
    run("psql", ["-qAtX", "-h", "127.0.0.1", "-p", String(port), "-U", "sallyport", "-d", database, "-c", sql]);
  let isUp = false;
  let databases = 0;
  const server: PostgresServer = {
    port,
    password,
    psql,
    database({ encoding = "UTF8", extensions = ["pg_trgm"] } = {}) {
      const name = `test_${databases++}`;
      const locale = encoding === "UTF8" ? "C.UTF-8" : "C";
      psql(`create database ${name} encoding '${encoding}' lc_ctype '${locale}' lc_collate 'C' template template0`);
      for (const extension of extensions) psql(`create extension ${extension}`, name);
      return `postgres://sallyport:${password}@127.0.0.1:${port}/${name}`;
    },
    stop(mode = "fast") {
      if (isUp) run("pg_ctl", ["-w", "-D", data, "-m", mode, "stop"]);
      isUp = false;
    },
    start() {
      start();
      isUp = true;
    },
    cleanUp() {
      process.off("exit", server.cleanUp);
      server.stop("immediate");
      rmSync(dir, { recursive: true, force: true });
    },
  };
  // A test that is ended early must leave nobody behind.
  process.once("exit", server.cleanUp);
  server.start();
  return server;
}

/** Stopped and removed when the test ends. */
export async function temporaryPostgres(t: TestContext): Promise<PostgresServer> {
  const server = await startPostgres();
  t.after(() => server.cleanUp());
  return server;
}
