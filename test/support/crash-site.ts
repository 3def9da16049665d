/** A spool whose gateway dies and comes back: starts it, sets its fuse, sends to it, and says where each message lies and what the next hop has of it. */
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { register as doctor } from "../../src/cli/doctor.ts";
import { ask } from "../../src/control/client.ts";
import { isQueueId } from "../../src/core/queue-id.ts";
import type { Claimed } from "../../src/core/state.ts";
import type { Account } from "../../src/review/reconcile.ts";
import { commandLine } from "./command-line.ts";
import { eventually } from "./eventually.ts";
import { type FakeNextHop, startFakeNextHop } from "./fake-next-hop.ts";
import type { Arrow } from "./fuse.ts";
import type { Order, Told } from "./fused-gateway.ts";
import { send } from "./send.ts";

const { lean, leanMalloc } = createRequire(import.meta.url)("../../bin/setup") as {
  readonly lean: readonly string[];
  readonly leanMalloc: Readonly<Record<string, string>>;
};
const program = fileURLToPath(new URL("fused-gateway.ts", import.meta.url));

/** One route for each way to answer. */
const routes: Readonly<Record<string, object>> = {
  "delivery.test": {},
  "verdict.test": { reply_after: "verdict" },
  "spool.test": { reply_after: "spool" },
  "deadline.test": { reply_deadline: "250ms" },
  "expiring.test": { reply_after: "spool", retry: { first: "150ms", longest: "300ms", expire: "1s" } },
};

const configuration = (hop: string, more: object): object => ({
  hostname: "gateway.test",
  data_dir: "./data",
  listen: { smtp: "127.0.0.1:0", web: null },
  routes: Object.entries(routes).map(([domain, route]) => ({
    domains: [domain],
    next_hop: hop,
    tls: "none",
    verify_recipients: false,
    retry: { first: "150ms", longest: "300ms" },
    ...route,
  })),
  rules: [],
  policy: "./policy.yaml",
  scan: { workers: 1 },
  spool: { memory: "64KiB", min_free: "1MiB" },
  log: { level: "warn" },
  ...more,
});

/** `later@` is held back for a moment, `kept@` for a person; `less@` gets what is left. */
const policy = `version: 1
rules:
  - { if: { recipient: "later@*" }, then: hold, for: 1s, reason: A moment }
  - { if: { recipient: "less@*", severity: high }, then: strip }
  - { if: { any: [{ severity: high }, { outcome: incomplete }, { recipient: "kept@*" }] }, then: quarantine }
  - { then: forward }
`;

export interface Lying {
  readonly id: string;
  readonly folder: string;
}

const names = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

export class CrashSite {
  readonly dir = mkdtempSync(join(tmpdir(), "crash-"));
  readonly hop: FakeNextHop;
  #child: ChildProcess | null = null;
  #ended: Promise<string> = Promise.resolve("");
  #smtp = 0;
  #words = "";

  constructor(hop: FakeNextHop) {
    this.hop = hop;
    writeFileSync(join(this.dir, "policy.yaml"), policy);
  }

  get isUp(): boolean {
    return this.#child !== null;
  }

  /** With an arrow it is to die while it starts; false if it did. */
  async start(arrow?: Arrow, more: object = {}): Promise<boolean> {
    writeFileSync(join(this.dir, "sallyport.yaml"), JSON.stringify(configuration(this.hop.hop, more)));
    const args = [join(this.dir, "sallyport.yaml"), ...(arrow ? [JSON.stringify(arrow)] : [])];
    const child = fork(program, args, {
      execArgv: [...lean],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      env: {
        PATH: process.env["PATH"] ?? "",
        NODE_COMPILE_CACHE: join(this.dir, "cache"),
        ...leanMalloc,
      },
    });
    this.#child = child;
    this.#words = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (piece: Buffer) => {
        this.#words = (this.#words + piece.toString()).slice(-8_000);
      });
    this.#ended = new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        this.#child = null;
        resolve(signal ?? `exit ${code}`);
      }),
    );
    const ready = new Promise<number>((resolve) => {
      child.on("message", ({ ready: is }: Told) => is && resolve(is.smtp));
    });
    const smtp = await Promise.race([ready, this.#ended.then(() => 0)]);
    this.#smtp = smtp;
    return smtp !== 0;
  }

  /** `heard`: it dies only when its client has heard 250. */
  async arm(arm: Arrow, heard = false): Promise<void> {
    const child = this.#child;
    assert.ok(child, "no gateway to set a fuse in");
    const armed = new Promise<void>((resolve) => {
      child.on("message", (told: Told) => told.armed && resolve());
    });
    child.send({ arm, heard } satisfies Order);
    await armed;
  }

  /** By the fuse, or by `kill`; never by itself. */
  async died(): Promise<void> {
    const how = await Promise.race([this.#ended, sleep(30_000, "not at all", { ref: false })]);
    assert.equal(how, "SIGKILL", `died ${how}: ${this.#words}`);
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  /** The reply after the final dot, or null. */
  async send(octets: Buffer, to: readonly string[]): Promise<string | null> {
    return (await send(this.#smtp, octets, { to, from: "sender@client.test" })).reply;
  }

  ask(command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    return ask(join(this.dir, "data/control.sock"), { command, args });
  }

  /** The messages in a state. */
  lying(state: Claimed | "arriving"): readonly Lying[] {
    const top = join(this.dir, "data/spool", state);
    const folders = state === "quarantine" ? names(top).map((day) => join(top, day)) : [top];
    return folders.flatMap((folder) =>
      names(folder)
        .filter(isQueueId)
        .map((id) => ({ id, folder: join(folder, id) })),
    );
  }

  /** Those of them whose octets hold this text. */
  with(text: string, state: Claimed): readonly Lying[] {
    return this.lying(state).filter(({ folder }) => readFileSync(join(folder, "message.eml"), "latin1").includes(text));
  }

  /** Nothing waits any more. */
  async rest(): Promise<void> {
    await eventually("an empty queue", () => {
      assert.ok(this.isUp, `the gateway has gone: ${this.#words}`);
      return (["incoming", "active", "deferred"] as const).every((state) => this.lying(state).length === 0);
    });
  }

  async account(): Promise<Account> {
    const { stdout } = await commandLine(
      [doctor],
      this.dir,
      ...["doctor", "--reconcile", "--days", "all", "--json", "--config", join(this.dir, "sallyport.yaml")],
    );
    return JSON.parse(stdout) as Account;
  }

  async close(): Promise<void> {
    await this.kill();
    await this.hop.close();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  }
}

export const makeSite = async (): Promise<CrashSite> => new CrashSite(await startFakeNextHop());
