/** Mail flows through a site of many machines while one fault after the other strikes; then every message is accounted for. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../../src/core/message.ts";
import type { Account } from "../../src/review/reconcile.ts";
import { faultsOf, type Fault, untilWell } from "./cluster-faults.ts";
import { type ClusterSite, modes } from "./cluster-site.ts";
import { eventually } from "./eventually.ts";
import { sallyport } from "./sallyport.ts";
import { type Attempt, deliver, heldIn, requireEnds, type Tracked, trackedMail, waitingIn } from "./tracked-mail.ts";

export interface ClusterRunOptions {
  readonly messages: number;
  readonly perSecond: number;
  /** How long what goes away stays away. */
  readonly outageMs: Millis;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

const recoveryMs: Millis = 300_000;

/** What clients heard while a fault lasted: "250 ×12, 451 ×3; slowest 1.2 s". */
function heardBy(attempts: readonly Attempt[]): string {
  const counts = new Map<string, number>();
  for (const { reply } of attempts) {
    const word = reply === null ? "connection lost or refused" : reply.slice(0, 3);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const replies = [...counts].sort().map(([word, times]) => `${word} ×${times}`);
  const slowest = Math.max(0, ...attempts.map(({ tookMs }) => tookMs)) / 1000;
  return `${replies.join(", ")}; slowest ${slowest.toFixed(1)} s`;
}

/** Messages come when they come, at the gateways in turn; a sender that fails tries the other one. */
function startFlow({ gateways }: ClusterSite, { messages, perSecond, signal }: ClusterRunOptions) {
  const all: Tracked[] = [];
  const delivered: Promise<void>[] = [];
  let heard: Attempt[] = [];
  let turns = 0;
  const port = (): number => gateways[turns++ % gateways.length]?.port ?? 0;
  const next = (): void => {
    const one = trackedMail(all.length, `b@${modes[all.length % modes.length]}.test`);
    all.push(one);
    delivered.push(deliver(port, one, signal, (attempt) => heard.push(attempt)));
  };
  const timer = setInterval(next, 1000 / perSecond);
  return {
    /** Since the last time. */
    heard(): readonly Attempt[] {
      const attempts = heard;
      heard = [];
      return attempts;
    },
    /** Resolves when there were enough and all are delivered. */
    async end(): Promise<readonly Tracked[]> {
      while (all.length < messages && !signal.aborted) await sleep(100);
      clearInterval(timer);
      await Promise.all(delivered);
      return all;
    },
    stop: () => clearInterval(timer),
  };
}

/** Returns how long it took until all was well again. */
async function befall(fault: Fault, site: ClusterSite, outageMs: Millis): Promise<Millis> {
  const struckAt = performance.now();
  await fault.strike();
  if (fault.mend) {
    await sleep(outageMs);
    if (fault.isHarmless) await untilWell(site, recoveryMs);
    await fault.mend();
  }
  const from = fault.mend ? performance.now() : struckAt;
  await untilWell(site, recoveryMs);
  return performance.now() - from;
}

/** Catalog and copies say what the spools say. */
async function requireBooks({ gateways, postgres, database }: ClusterSite, held: number): Promise<void> {
  const listed = (): number =>
    Number(postgres.psql("select count(*) from messages where state = 'quarantine'", database));
  await eventually("all that is held is listed", () => listed() === held);
  const pending = async (): Promise<number> => {
    const each = await Promise.all(gateways.map(({ gateway }) => gateway().metric("held_copies_pending")));
    return each.reduce((sum, one) => sum + one, 0);
  };
  await eventually("all that is held has its copy", async () => (await pending()) === 0);
}

/** Throws if anything is lost, has leaked or is unaccounted for, or a fault is not recovered from. */
export async function runCluster(site: ClusterSite, options: ClusterRunOptions): Promise<void> {
  const { gateways, hop } = site;
  const { outageMs, say } = options;
  const flow = startFlow(site, options);
  try {
    await untilWell(site, recoveryMs);
    flow.heard();
    for (const fault of faultsOf(site)) {
      const ms = await befall(fault, site, outageMs).catch((error: unknown) => {
        throw new Error(`${fault.name}: ${String(error)}`, { cause: error });
      });
      say(`${fault.name}: well again after ${(ms / 1000).toFixed(1)} s; clients: ${heardBy(flow.heard())}`);
    }
    const all = await flow.end();
    const dataDirs = gateways.map(({ dataDir }) => dataDir);
    await eventually("nothing waits any more", () => dataDirs.every((data) => waitingIn(data) === 0), recoveryMs);
    const held = heldIn(...dataDirs);
    await requireBooks(site, held.size);
    for (const { gateway } of gateways) assert.equal(await gateway().stop("SIGTERM"), 0, "SIGTERM");

    const { unheard, unwritten, crashed } = requireEnds(all, hop, held);
    for (const { config, name } of gateways) {
      const { json } = await sallyport(config)("doctor", "--reconcile", "--days", "all", "--json");
      assert.deepEqual(json<Account>().unaccounted, [], name);
    }
    const hostile = all.filter(({ isBad }) => isBad).length;
    say(`${all.length} messages, ${hostile} of them hostile: 0 lost, 0 leaked, 0 unaccounted`);
    say(`duplicates: ${unheard} since our reply was not heard, ${unwritten} since the next hop's was not written down`);
    say(`held as incomplete since processes died over it: ${crashed}`);
  } finally {
    flow.stop();
  }
}
