/**
 * The real gateway in foul weather: kill -9 of itself and of its scan children, restarts, a next hop that comes and goes, a disk
 * that fills up. What got a 250 arrives or is held, nothing hostile arrives, all is accounted for.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account } from "../../src/review/reconcile.ts";
import { eventually } from "../support/eventually.ts";
import { drop, type FakeNextHopOptions, silence, startFakeNextHop } from "../support/fake-next-hop.ts";
import { freePort, type Gateway, type GatewayOptions, startGateway } from "../support/gateway.ts";
import { descendants } from "../support/processes.ts";
import { sallyport } from "../support/sallyport.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { deliver, heldIn, marker, requireEnds, trackedMail, waitingIn } from "../support/tracked-mail.ts";

/** Sixty in `npm test`, two thousand in `npm run test:crash`. */
const count = Number(process.env["CRASH_MESSAGES"]) || 60;
/** Two to a trouble at first, ten in a long run. */
const rounds = Math.max(13, Math.ceil(count / 10));
const seed = Number(process.env["CRASH_SEED"]) || Date.now() % 1_000_000;
const minFree = 8 * 2 ** 20;
const modes = ["delivery", "verdict", "spool"] as const;

/** Mulberry32: the same troubles for the same seed. */
function chance(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const kinds = [
  ...["gateway killed", "gateway killed again", "gateway restarted", "opener killed", "matcher killed"],
  ...["next hop cuts connections", "next hop says 4yz", "next hop hangs", "next hop dies in the octets"],
  ...["next hop is well", "disk below its watermark", "disk full", "disk free"],
] as const;
type Kind = (typeof kinds)[number];

const well = { MAIL: "250 2.1.0 ok", RCPT: "250 2.1.5 ok", END: "250 2.0.0 taken" } as const;

async function weather(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "kill-"));
  const disk = mountSmallDisk(join(folder, "disk"), 96 * 2 ** 20 + count * 150_000);
  mkdirSync(join(folder, "rules/own"), { recursive: true });
  writeFileSync(join(folder, "rules/own/marker.yar"), marker);
  const duringData = { afterBytes: Number.POSITIVE_INFINITY, then: drop } as const;
  const hopOptions: { duringData: NonNullable<FakeNextHopOptions["duringData"]> } = { duringData };
  const hop = await startFakeNextHop(hopOptions);
  const route = (mode: string): string =>
    `{ domains: [${mode}.test], next_hop: "${hop.hop}", reply_after: ${mode}, reply_deadline: 2s, verify_recipients: false, retry: { first: 500ms, longest: 1s, expire: 1d }, timeouts: { connect: 1s, command: 1s, data: 2s } }`;
  const options: GatewayOptions & { readonly smtpPort: number; readonly dir: string; readonly dataDir: string } = {
    dir: folder,
    dataDir: join(disk.folder, "data"),
    smtpPort: await freePort(),
    until: "health",
    nextHop: hop.hop,
    rules: [join(folder, "rules")],
    routes: modes.map(route),
    more: `scan: { workers: 2 }\nspool: { memory: 64KiB, min_free: ${minFree}B }\nsmtp: { drain: 3s, max_connections_per_client: 500 }\nlog: { level: warn }`,
  };
  let gateway: Gateway = await startGateway(options);
  t.after(async () => {
    await gateway.stop("SIGKILL");
    await hop.close();
    disk[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  });
  const happened = new Map<string, number>();
  const note = (what: string): void => void happened.set(what, (happened.get(what) ?? 0) + 1);

  async function start(): Promise<void> {
    gateway = await startGateway(options);
  }

  function killChild(program: string, random: () => number): boolean {
    const children = descendants(gateway.pid).filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`workers/${program}.ts`);
      } catch {
        return false;
      }
    });
    const pid = children[Math.floor(random() * children.length)];
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    return pid !== undefined;
  }

  async function strike(kind: Kind, random: () => number): Promise<void> {
    note(kind);
    switch (kind) {
      case "gateway killed":
      case "gateway killed again":
        await gateway.stop("SIGKILL");
        return start();
      case "gateway restarted":
        assert.equal(await gateway.stop("SIGTERM"), 0, "SIGTERM");
        return start();
      case "opener killed":
        return void (killChild("opener", random) || note("no opener to kill"));
      case "matcher killed":
        return void (killChild("matcher", random) || note("no matcher to kill"));
      case "next hop cuts connections":
        return hop.say({ ...well, MAIL: drop });
      case "next hop says 4yz":
        return hop.say({ ...well, RCPT: "451 4.3.0 not now" });
      case "next hop hangs":
        return hop.say({ ...well, END: silence });
      case "next hop dies in the octets":
        hopOptions.duringData = { afterBytes: 400, then: drop };
        return hop.say(well);
      case "next hop is well":
        hopOptions.duringData = duringData;
        return hop.say(well);
      case "disk below its watermark":
        disk.free();
        return disk.fill(minFree / 2);
      case "disk full":
        return disk.fill(0);
      case "disk free":
        return disk.free();
    }
  }

  return { hop, options, happened, strike, gateway: () => gateway, data: options.dataDir };
}

test(`nothing is lost, leaks or is unaccounted for in foul weather: ${count} messages`, {
  timeout: 300_000 + count * 2_000,
}, async (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = chance(seed);
  const { hop, happened, strike, gateway, options, data } = await weather(t);
  const all = Array.from({ length: count }, (_, index) => trackedMail(index, `b@${modes[index % modes.length]}.test`));
  const delivered: Promise<void>[] = [];
  let deck: Kind[] = [];
  for (let round = 0; round < rounds; round++) {
    const batch = all.slice(Math.floor((round * count) / rounds), Math.floor(((round + 1) * count) / rounds));
    for (const one of batch) delivered.push(deliver(() => options.smtpPort, one, t.signal));
    if (deck.length === 0) deck = [...kinds];
    const [kind] = deck.splice(Math.floor(random() * deck.length), 1);
    if (kind) await strike(kind, random);
    await sleep(100 + random() * 700);
  }
  await strike("disk free", random);
  await strike("next hop is well", random);
  await Promise.all(delivered);
  await eventually("nothing waits any more", () => waitingIn(data) === 0, 300_000);
  assert.equal(await gateway().stop("SIGTERM"), 0);

  const { unheard, unwritten, crashed } = requireEnds(all, hop, heldIn(data));
  const deaths = ["gateway killed", "gateway killed again", "gateway restarted"]
    .map((kind) => happened.get(kind) ?? 0)
    .reduce((sum, each) => sum + each, 0);
  t.diagnostic([...happened].map(([what, times]) => `${what}: ${times}`).join(", "));
  t.diagnostic(
    `sendings: ${all.reduce((sum, { replies }) => sum + replies.length, 0)}, at the next hop: ${hop.messages.filter((each) => each.forwardPaths.length > 0).length}`,
  );
  t.diagnostic(`duplicates: ${unheard} for want of our reply, ${unwritten} for want of a record of the hop's`);
  t.diagnostic(`held since processes died over it: ${crashed}`);
  // As many as may be on their way at the same time, for each death.
  assert.ok(unwritten <= deaths * 40, `${unwritten} written twice`);
  const { json } = await sallyport(join(options.dir, "sallyport.yaml"))(
    "doctor",
    "--reconcile",
    "--days",
    "all",
    "--json",
  );
  assert.deepEqual(json<Account>().unaccounted, []);
});
