/**
 * The gateway's custody dies at every single system call of a scenario, one run each, and starts again: nothing is lost, nothing leaks,
 * nothing is unaccounted, and what arrives twice is what the crash table allows. Dying is a disk that answers no more; test/crash does it by kill -9.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { explain } from "../../src/core/errors.ts";
import type { QueueId } from "../../src/core/message.ts";
import type { Disposition } from "../../src/core/verdict.ts";
import { silent } from "../../src/observe/log.ts";
import { openSpool } from "../../src/spool/disk-spool.ts";
import type { Delivery } from "../../src/spool/spool.ts";
import { type Life, makeRig, type Rig, type RigOptions } from "../support/custody-rig.ts";
import { eventually } from "../support/eventually.ts";
import { createFuse } from "../support/fuse.ts";

const quarantine: Disposition = { kind: "quarantine", reason: "bad" };
const hold: Disposition = { kind: "hold", reason: "wait", forMs: 30 };
const act = { by: "operator", why: "harmless" };

interface Scenario {
  readonly name: string;
  readonly options: RigOptions;
  readonly to: readonly string[];
  /** Recipients that must get it; the others must not. */
  readonly good: readonly string[];
  readonly held?: readonly string[];
  /** The sender hears that these failed. */
  readonly bounced?: boolean;
  readonly prepare?: (rig: Rig) => void;
  /** How long the next hop takes for a message. */
  readonly lagMs?: number;
  /** What a person does once all is quiet; repeated after a crash, as a person would. */
  readonly then?: (life: Life) => Promise<void>;
}

const refuses = (line: string) =>
  line.includes("<gone@") ? "550 5.1.1 nobody" : line.includes("<busy@") ? "450 4.2.1 later" : "250 2.1.5 ok";
const busyOnce = (rig: Rig): void => {
  let asked = 0;
  rig.hop.say({ RCPT: (line) => (line.includes("<busy@") && asked++ > 0 ? "250 2.1.5 ok" : refuses(line)) });
};
const badOnly = (rig: Rig): void => {
  rig.scanner.dispose = (path) => (path.startsWith("bad") ? quarantine : { kind: "forward", tags: [] });
};

async function releaseAll(life: Life): Promise<void> {
  for (const id of await life.held()) {
    const { review } = await life.parts.review.show(id);
    const released = review.find((line) => line.what === "released")?.released;
    if (!(await isKnown(life, released))) await life.parts.review.release(id, act);
    await life.settled();
    await life.parts.review.discard(id, act);
  }
}
const isKnown = async (life: Life, id: QueueId | undefined): Promise<boolean> =>
  (await life.lines()).some((line) => line.queueId === id);

const scenarios: readonly Scenario[] = [
  {
    name: "spool: taken, judged, sent",
    options: { route: { reply_after: "spool" } },
    to: ["a@site.test"],
    good: ["a@site.test"],
  },
  {
    name: "spool: sent, put off and refused, with a DSN",
    options: { route: { reply_after: "spool" } },
    to: ["a@site.test", "gone@site.test", "busy@site.test"],
    good: ["a@site.test", "busy@site.test"],
    bounced: true,
    prepare: busyOnce,
  },
  {
    name: "spool: split into two, one of them held",
    options: { route: { reply_after: "spool" } },
    to: ["a@site.test", "bad@site.test"],
    good: ["a@site.test"],
    held: ["bad@site.test"],
    prepare: badOnly,
  },
  {
    name: "delivery: split while the client waits",
    options: { memory: "1B" },
    to: ["a@site.test", "bad@site.test"],
    good: ["a@site.test"],
    held: ["bad@site.test"],
    prepare: badOnly,
  },
  {
    name: "delivery: some recipients refused at the next hop",
    options: {},
    to: ["a@site.test", "gone@site.test", "busy@site.test"],
    good: ["a@site.test", "busy@site.test"],
    bounced: true,
    prepare: busyOnce,
  },
  {
    name: "delivery: claimed at the deadline",
    lagMs: 100,
    options: {
      memory: "1B",
      route: { reply_deadline: "20ms" },
      hop: { replies: { END: { afterMs: 60, say: "250 2.0.0 taken" } } },
    },
    to: ["a@site.test"],
    good: ["a@site.test"],
  },
  {
    name: "verdict: held back, then sent",
    options: { route: { reply_after: "verdict" } },
    to: ["a@site.test"],
    good: ["a@site.test"],
    prepare: (rig) => {
      let held = false;
      rig.scanner.dispose = () => {
        const first = !held;
        held = true;
        return first ? hold : { kind: "forward", tags: [] };
      };
    },
  },
  {
    name: "delivery: sent unscanned, judged afterwards",
    options: { route: { on_scanner_failure: "forward_tagged" } },
    to: ["a@site.test"],
    good: ["a@site.test"],
    prepare: (rig) => {
      rig.scanner.isDown = true;
    },
    then: async (life) => {
      life.scanner.isDown = false;
      await life.parts.manager.flush();
      await life.settled();
    },
  },
  {
    name: "quarantine: held, released, discarded",
    options: {},
    to: ["bad@site.test", "bad2@site.test"],
    good: ["bad@site.test", "bad2@site.test"],
    prepare: badOnly,
    then: releaseAll,
  },
];

const octets = Buffer.from("Message-ID: <one@client.test>\r\nSubject: x\r\n\r\nbody\r\n");
const never = Promise.withResolvers<never>().promise;

/** Everything at rest, deferred mail of the future excepted. */
const quiet = (life: Life, isDead: () => boolean): Promise<unknown> =>
  eventually("quiet", async () => {
    if (isDead()) return never;
    const counts = await Promise.all(
      (["arriving", "incoming", "active"] as const).map((state) => life.spool.count(state)),
    );
    const isWaiting = life.scanner.isDown || (await life.spool.count("deferred")) === 0;
    return isWaiting && counts.every((count) => count === 0) && life.parts.manager.active === 0;
  });

/** Recipients of messages that a start would send, as far as the dead gateway has written. */
async function pendingOnDisk(rig: Rig): Promise<readonly string[]> {
  const dir = join(rig.dir, "spool");
  const spool = await openSpool({ dir, memoryLimit: 0, minFree: 0, clock: rig.clock, log: silent, readOnly: true });
  const pending: string[] = [];
  for (const state of ["incoming", "active", "deferred"] as const)
    for await (const id of spool.list(state)) {
      const entry = await spool.open(id, state);
      const { paths = {} } = (await entry.read<Delivery>("delivery.json")) ?? {};
      for (const { address } of entry.envelope.forwardPaths)
        if ((paths[address]?.state ?? "pending") === "pending") pending.push(address);
    }
  return pending;
}

interface Ran {
  readonly blownAt: string | null;
  /** What the next hop had taken by then, and the spool did not know of. */
  readonly unwritten: readonly string[];
  readonly sendings: number;
}

async function client(life: Life, to: readonly string[]): Promise<string> {
  return (await life.send({ to, octets })).reply;
}

/** Sends, dies at the n-th call, starts again, sends again if there was no reply, and lets everything come to its end. */
async function run(rig: Rig, scenario: Scenario, nth: number): Promise<Ran> {
  const died = Promise.withResolvers<null>();
  const fuse = createFuse(() => {
    died.resolve(null);
    return never;
  });
  scenario.prepare?.(rig);
  const first = await rig.boot(fuse.syscalls);
  let life = first;
  fuse.arm({ call: "", nth, when: "before" });
  let sendings = 1;
  let reply: string | null = await Promise.race([client(life, scenario.to), died.promise]);
  const rest = async (alive: Life): Promise<null> => {
    const isDead = (): boolean => alive === first && fuse.blownAt !== null;
    if (alive !== first) await alive.parts.manager.flush();
    await quiet(alive, isDead);
    await scenario.then?.(alive);
    await quiet(alive, isDead);
    return null;
  };
  if (reply !== null) await Promise.race([rest(life), died.promise]);
  let unwritten: readonly string[] = [];
  if (fuse.blownAt !== null) {
    await life.kill();
    // The next hop takes what it has got, whether anybody still waits for its reply or not.
    await sleep(scenario.lagMs ?? 0);
    const arrived = rig.arrived();
    unwritten = (await pendingOnDisk(rig)).filter((path) => arrived.includes(path));
    life = await rig.boot();
    while (reply === null || reply.startsWith("4")) {
      sendings++;
      reply = await client(life, scenario.to);
    }
    await rest(life);
  }
  await life.settled();
  await check(rig, life, scenario);
  await life.stop();
  return { blownAt: fuse.blownAt, unwritten, sendings };
}

async function check(rig: Rig, life: Life, { good, held = [], bounced = false }: Scenario): Promise<void> {
  const arrived = rig.taken.filter(
    ({ octets: sent }) => sent.includes("one@client.test") && !sent.includes("multipart/report"),
  );
  const got = arrived.flatMap(({ forwardPaths }) => forwardPaths);
  assert.deepEqual([...new Set(got)].toSorted(), [...good].toSorted(), "lost or leaked");
  const dsns = rig.taken.filter(({ reversePath }) => reversePath === "");
  assert.equal(dsns.length > 0, bounced, "DSN");
  const inQuarantine = await Promise.all((await life.held()).map((id) => life.parts.review.show(id)));
  assert.deepEqual(
    [...new Set(inQuarantine.flatMap(({ envelope }) => envelope.forwardPaths.map(({ address }) => address)))],
    held,
  );
}

/** The crash table: the client sends again for want of a reply, or the next hop's 250 was not written down yet. */
function checkDuplicates(rig: Rig, { good }: Scenario, { unwritten, sendings }: Ran): void {
  for (const path of [...good, "a@client.test"]) {
    const times = rig.arrived().filter((each) => each === path).length;
    const allowed = sendings + unwritten.filter((each) => each === path).length;
    assert.ok(times <= allowed, `${path} got it ${times} times, ${allowed} allowed`);
  }
}

/** One run; it did not blow if the n-th call is beyond its end. */
async function dieAt(scenario: Scenario, nth: number): Promise<Ran> {
  const rig = await makeRig(scenario.options);
  const where = { call: `call ${nth}` };
  try {
    const ran = await run(rig, scenario, nth);
    where.call += `, ${ran.blownAt}`;
    checkDuplicates(rig, scenario, ran);
    return ran;
  } catch (error) {
    const lines = rig.arrived().join(" ");
    throw new Error(`dying at ${where.call}: ${explain(error)}; arrived: ${lines}`, { cause: error });
  } finally {
    await rig.close();
  }
}

/** Every third call, or every one if CRASH_MESSAGES is set. */
const stride = process.env["CRASH_MESSAGES"] === undefined ? 3 : 1;

for (const [index, scenario] of scenarios.entries())
  test(scenario.name, { timeout: 300_000 }, async (t) => {
    let deaths = 0;
    let repeated = 0;
    for (let nth = 1 + (index % stride); ; nth += stride) {
      const { blownAt, sendings } = await dieAt(scenario, nth);
      if (blownAt === null) break;
      deaths++;
      if (sendings > 1) repeated++;
    }
    t.diagnostic(`${deaths} deaths, ${repeated} times sent again`);
    assert.ok(deaths > 10, `${deaths} deaths`);
  });
