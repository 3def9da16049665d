/** Custody as the gateway wires it, on a real spool, journal and sending side; the scanner, the next hop and the clock are stand-ins at the edge. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { createCustodyParts } from "../../src/compose-custody.ts";
import { type Config, configSchema, type RouteConfig, routeName } from "../../src/config-schema.ts";
import { GatewayError } from "../../src/core/errors.ts";
import type { Envelope, Part, QueueId } from "../../src/core/message.ts";
import type { Reply } from "../../src/core/status.ts";
import { format } from "../../src/core/status.ts";
import type { Disposition, Group } from "../../src/core/verdict.ts";
import { cutOut } from "../../src/dissect/cut-out.ts";
import { dissect } from "../../src/dissect/dissect.ts";
import type { Finding } from "../../src/core/outcome.ts";
import type { MessageEvent } from "../../src/dispose/custody.ts";
import type { Clock } from "../../src/observe/clock.ts";
import { silent } from "../../src/observe/log.ts";
import { type Account, reconcile } from "../../src/review/reconcile.ts";
import { type DiskJournal, openJournal } from "../../src/spool/disk-journal.ts";
import { type DiskSpool, openSpool } from "../../src/spool/disk-spool.ts";
import type { Syscalls } from "../../src/spool/durable.ts";
import type { JournalLine } from "../../src/spool/journal.ts";
import type { Entry } from "../../src/spool/spool.ts";
import { eventually } from "./eventually.ts";
import { type Arrived, type FakeNextHop, type FakeNextHopOptions, startFakeNextHop } from "./fake-next-hop.ts";
import { fixtureLimits } from "./message-fixtures.ts";
import { collect, octetsOf, pieces } from "./spool.ts";

type Scanner = Parameters<typeof createCustodyParts>[0]["scanner"];

/** What a test wants to be found. */
export const isEvil = ({ declaredTypes }: Part): boolean => declaredTypes.includes("application/x-evil");
const findingIn = (part: string): Finding => ({
  part,
  inspector: "test",
  rule: "test.evil",
  severity: "high",
  tags: [],
  text: "evil",
});

/** Takes messages apart for real; finds and decides what the test wants, at the price of nothing. */
export class ScannerStandIn implements Scanner {
  ruleSet = "rules-1";
  /** Thrown one after the other by dissecting and inspecting. */
  readonly failures: Error[] = [];
  isDown = false;
  /** Judging waits for it. */
  gate: Promise<unknown> = Promise.resolve();
  dispose: (forwardPath: string, envelope: Envelope, parts: readonly Part[]) => Disposition = () => ({
    kind: "forward",
    tags: [],
  });
  /** How often each message was dissected. */
  readonly dissected: QueueId[] = [];

  inForce = () => ({ ruleSet: this.ruleSet, policyVersion: "policy-1" });
  describe = () => ({});
  cutOut: Scanner["cutOut"] = async (entry, targets, signal) => {
    await this.#wait(signal);
    return cutOut(await octetsOf(entry as Entry), targets, fixtureLimits);
  };
  view: Scanner["view"] = () => Promise.reject(new GatewayError("SCANNER_UNAVAILABLE"));

  readonly stages: Scanner["stages"] = {
    dissect: async (entry, signal) => {
      this.dissected.push(entry.id);
      await this.#wait(signal);
      const octets = await octetsOf(entry);
      return dissect(octets, fixtureLimits);
    },
    inspect: async (_entry, { parts }, signal) => {
      await this.#wait(signal);
      return { parts, outcomes: [], versions: {}, ruleSet: this.ruleSet, cached: 0, elapsedMs: 1 };
    },
    decide: (envelope, { parts }) => {
      const groups = new Map<string, Group>();
      for (const { address, route } of envelope.forwardPaths) {
        const disposition = this.dispose(address, envelope, parts);
        const key = JSON.stringify([route, disposition]);
        const forwardPaths = [...(groups.get(key)?.forwardPaths ?? []), address];
        const because = parts.filter(isEvil).map(({ path }) => findingIn(path));
        groups.set(key, { forwardPaths, route, disposition, because, policyLine: "test" });
      }
      const all = [...groups.values()];
      const isClean = all.every((group) => group.disposition.kind === "forward");
      return { groups: all, summary: isClean ? "clean" : "found", ...this.inForce() };
    },
  };

  async #wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort);
    await Promise.race([this.gate, promise]).finally(() => signal.removeEventListener("abort", abort));
    const failure = this.failures.shift();
    if (failure) throw failure;
    if (this.isDown) throw new GatewayError("SCANNER_UNAVAILABLE");
  }
}

/** The time of the machine, moved on by as much as a test likes. */
export class MovableClock implements Clock {
  #ahead = 0;
  now = (): Date => new Date(Date.now() + this.#ahead);
  monotonic = (): number => performance.now() + this.#ahead;
  skip(ms: number): void {
    this.#ahead += ms;
  }
}

export interface RigOptions {
  readonly hop?: FakeNextHopOptions;
  /** Of the first route, `site.test`. */
  readonly route?: Readonly<Record<string, unknown>>;
  /** More routes, each to the same hop. */
  readonly routes?: readonly Readonly<Record<string, unknown>>[];
  readonly memory?: string;
  readonly maxActive?: number;
  readonly notifications?: Readonly<Record<string, unknown>>;
  readonly syscalls?: Syscalls;
}

export interface Heard {
  readonly id: QueueId;
  readonly entry: Entry;
  /** "250 2.0.0 Ok …" */
  readonly reply: string;
}

export interface Sending {
  readonly from?: string;
  /** "a@site.test", or "a@site.test route". */
  readonly to?: readonly string[];
  readonly octets?: Buffer;
  readonly gone?: AbortSignal;
}

const never = new AbortController().signal;
const body = Buffer.from("Subject: x\r\n\r\nbody\r\n");

/** One life of the gateway. */
export class Life {
  readonly spool: DiskSpool;
  readonly journal: DiskJournal;
  readonly parts: ReturnType<typeof createCustodyParts>;
  readonly scanner: ScannerStandIn;
  readonly clock: MovableClock;
  readonly config: Config;
  readonly events: MessageEvent[] = [];
  readonly troubles: string[] = [];
  #isDead = false;

  constructor(ground: {
    spool: DiskSpool;
    journal: DiskJournal;
    scanner: ScannerStandIn;
    clock: MovableClock;
    config: Config;
  }) {
    const { spool, journal, scanner, clock, config } = ground;
    this.spool = spool;
    this.journal = journal;
    this.scanner = scanner;
    this.config = config;
    this.clock = clock;
    const routes: ReadonlyMap<string, RouteConfig> = new Map(config.routes.map((route) => [routeName(route), route]));
    const log = {
      ...silent,
      error: (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
        void this.troubles.push(`${event} ${String(fields["error_cause"] ?? "")}`),
    };
    this.parts = createCustodyParts({
      config,
      routes,
      spool,
      journal,
      scanner,
      log,
      clock,
      onEvent: (event) => this.events.push(event),
    });
  }

  /** From the final dot to its reply. */
  async send({
    from = "a@client.test",
    to = ["b@site.test"],
    octets = body,
    gone = never,
  }: Sending = {}): Promise<Heard> {
    const queueId = this.spool.newId();
    const envelope: Envelope = {
      queueId,
      sessionId: "s1",
      client: { address: "192.0.2.7", port: 40_025, name: null, helo: "client.test", protocol: "ESMTP", tls: null },
      reversePath: from,
      forwardPaths: to.map((text) => {
        const [address = "", route = "site.test"] = text.split(" ");
        return { address, route };
      }),
      extensions: { eightBitMime: false, smtpUtf8: false },
      arrivedAt: this.clock.now().toISOString(),
      trace: "Received: from client.test\r\n",
    };
    const entry = await this.spool.arrive(envelope, pieces(octets));
    const reply: Reply = await this.parts.receive(entry, gone);
    return { id: queueId, entry, reply: format(reply) };
  }

  lines(): Promise<readonly JournalLine[]> {
    return collect(this.journal.read());
  }

  /** "accepted b@site.test", in order. */
  async told(id?: QueueId): Promise<readonly string[]> {
    const lines = await this.lines();
    return lines
      .filter((line) => id === undefined || line.queueId === id)
      .map((line) => `${line.event} ${line.forwardPaths.join(",")}`);
  }

  account(): Promise<Account> {
    return reconcile(this.spool, this.journal);
  }

  /** Nothing is on its way any more, and all is accounted for. */
  async settled(): Promise<void> {
    await eventually("an empty queue", async () => {
      if (this.#isDead) throw new Error("killed");
      const counts = await Promise.all(
        (["arriving", "incoming", "active", "deferred"] as const).map((state) => this.spool.count(state)),
      );
      return counts.every((count) => count === 0) && this.parts.manager.active === 0;
    });
    assert.deepEqual((await this.account()).unaccounted, []);
  }

  async held(): Promise<readonly QueueId[]> {
    return collect(this.spool.list("quarantine"));
  }

  async stop(graceMs = 2_000): Promise<void> {
    await this.parts.manager.stop(graceMs);
    await this.parts.nextHops.close();
    await this.journal.close();
    await this.spool.close();
  }

  /** As kill -9: the disk hears no more of it (`syscalls` see to that), nor does the network. */
  async kill(): Promise<void> {
    this.#isDead = true;
    void this.parts.manager.stop(0);
    // Waits for ever if its disk is dead; then the fuse has closed the file.
    void this.journal.close().catch(() => undefined);
    await this.parts.nextHops.close();
    await this.spool.close();
  }
}

export class Rig {
  readonly hop: FakeNextHop;
  readonly scanner = new ScannerStandIn();
  readonly clock = new MovableClock();
  /** In a temporary folder of its own. */
  readonly dir: string;
  readonly #options: RigOptions;
  readonly #lives: Life[] = [];

  constructor(dir: string, hop: FakeNextHop, options: RigOptions) {
    this.dir = dir;
    this.hop = hop;
    this.#options = options;
  }

  /** Starts a gateway where the last one left off. */
  async boot(syscalls = this.#options.syscalls): Promise<Life> {
    const { route = {}, routes = [], memory = "64KiB", maxActive = 200, notifications = {} } = this.#options;
    const usual = { next_hop: this.hop.hop, tls: "none", verify_recipients: false, retry: { first: "30ms" } };
    const config = configSchema.parse({
      hostname: "mx.test",
      data_dir: this.dir,
      routes: [{ domains: ["site.test"], ...usual, ...route }, ...routes.map((more) => ({ ...usual, ...more }))],
      rules: [],
      spool: { memory, min_free: "0B" },
      scan: { max_active: maxActive },
      notifications,
    });
    mkdirSync(this.dir, { recursive: true });
    const more = { clock: this.clock, log: silent, ...(syscalls ? { syscalls } : {}) };
    const memoryLimit = config.spool.memory;
    const spool = await openSpool({ dir: join(this.dir, "spool"), memoryLimit, minFree: 0, ...more });
    const journal = await openJournal({ dir: join(this.dir, "journal"), ...more });
    const life = new Life({ spool, journal, scanner: this.scanner, clock: this.clock, config });
    this.#lives.push(life);
    await life.parts.manager.start();
    return life;
  }

  /** Resolves when the next hop has taken so many. */
  async arrive(count: number): Promise<void> {
    await eventually(`${count} at the next hop`, () => this.taken.length >= count);
  }

  /** With a recipient: a lone dot after refusals is no message. */
  get attempts(): readonly Arrived[] {
    return this.hop.attempts.filter((message) => message.forwardPaths.length > 0);
  }

  get taken(): readonly Arrived[] {
    return this.hop.messages.filter((message) => message.forwardPaths.length > 0);
  }

  /** "b@site.test" for each recipient of each message that the next hop took, in order. */
  arrived(): readonly string[] {
    return this.taken.flatMap((message) => message.forwardPaths);
  }

  async close(): Promise<void> {
    for (const life of this.#lives) await life.kill();
    await this.hop.close();
    await rm(dirname(this.dir), { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  }
}

export async function makeRig(options: RigOptions = {}): Promise<Rig> {
  const dir = await mkdtemp(join(tmpdir(), "custody-"));
  return new Rig(join(dir, "data"), await startFakeNextHop(options.hop), options);
}

/** A rig with its first life; both end with the test. */
export async function started(t: TestContext, options: RigOptions = {}): Promise<{ rig: Rig; life: Life }> {
  const rig = await makeRig(options);
  t.after(() => rig.close());
  return { rig, life: await rig.boot() };
}

/** A promise that a test keeps. */
export function gate(): { readonly promise: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}
