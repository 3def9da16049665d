/** Gauges that are looked up now and then, and the answers of /health and /ready. */
import type { Scanner } from "./compose-scan.ts";
import { explain } from "./core/errors.ts";
import { states } from "./core/state.ts";
import { arrivalOf } from "./core/queue-id.ts";
import type { Clock } from "./observe/clock.ts";
import type { StatusSource } from "./observe/http-status.ts";
import { Ledger } from "./observe/ledger.ts";
import type { Metrics } from "./observe/metrics.ts";
import { type Move, SpoolCounts } from "./observe/spool-counts.ts";
import type { QueueManager } from "./queue-manager.ts";
import { heldClasses } from "./review/held-class.ts";
import { reconcile } from "./review/reconcile.ts";
import type { HeldTotals } from "./review/retention.ts";
import type { Journal, JournalLine } from "./spool/journal.ts";
import type { Spool } from "./spool/spool.ts";

export interface GaugesOptions {
  readonly metrics: Metrics;
  readonly spool: Spool;
  readonly journal: Journal;
  readonly scanner: Scanner;
  readonly manager: QueueManager;
  readonly clock: Clock;
}

/** How often room on the disk is looked at; the watermark leaves space for what comes in between. */
const lookEveryMs = 1_000;
/** The journal of so many days is compared with the spool every so often; in between, the ledger misses what was accepted since the start. */
const accountDays = 2;
const accountEveryMs = 3_600_000;

/** To be called before anything moves in the spool. */
export async function createGauges({ metrics, spool, journal, scanner, manager, clock }: GaugesOptions) {
  const counts = await SpoolCounts.of(spool);
  const ledger = new Ledger(clock);
  let room = Number.POSITIVE_INFINITY;
  let problem: string | null = "starting";
  let unhealthy: string | null = null;

  const look = (): void =>
    void spool.room().then(
      (free) => {
        room = free;
        unhealthy = null;
      },
      (error: unknown) => {
        room = -1;
        unhealthy = explain(error);
      },
    );
  const account = async (): Promise<void> => {
    const now = clock.now().getTime();
    ledger.compared((await reconcile(spool, journal, new Date(now - accountDays * 86_400_000))).unaccounted);
    metrics.reconciled.set(now / 1000);
    await counts.recount();
  };
  const accountQuietly = (): void => void account().catch(() => undefined);
  const timers = [setInterval(look, lookEveryMs), setInterval(accountQuietly, accountEveryMs)];
  look();
  accountQuietly();

  async function collect(): Promise<void> {
    for (const state of states) {
      if (state === "arriving") continue;
      metrics.spool.set({ state }, await counts.count(state));
      const oldest = await counts.oldest(state);
      const age = oldest === null ? 0 : (clock.now().getTime() - arrivalOf(oldest)) / 1000;
      metrics.oldest.set({ state }, Math.max(0, age));
    }
    metrics.unaccounted.set(ledger.missing().size);
    metrics.routeActive.reset();
    for (const [route, count] of manager.activeByRoute) metrics.routeActive.set({ route }, count);
    const depth = await scanner.queue.depth();
    metrics.queueDepth.set({ state: "waiting" }, depth.waiting);
    metrics.queueDepth.set({ state: "running" }, depth.running);
    metrics.queueOldest.set(depth.oldestMs / 1000);
    metrics.diskFree.set(await spool.room());
    metrics.ruleSet.reset();
    metrics.ruleSet.set({ version: scanner.inForce().ruleSet.slice(0, 16) }, 1);
    scanner.gauge();
  }

  const source: StatusSource = {
    async metrics() {
      await collect();
      return metrics.registry.metrics();
    },
    unhealthy: () => unhealthy,
    async unready() {
      if (problem) return problem;
      if (room < 0) return "the disk is low";
      if (!manager.hasRoom()) return "too many active messages";
      return scanner.unready();
    },
  };
  return {
    source,
    isDiskLow: () => room < 0,
    room: () => room,
    unaccounted: ledger.missing,
    held(totals: HeldTotals): void {
      for (const name of heldClasses) {
        const { count, size, allowed } = totals[name];
        metrics.held.set({ class: name }, count);
        metrics.heldBytes.set({ class: name }, size);
        metrics.heldRoom.set({ class: name }, allowed);
      }
    },
    onMove(move: Move): void {
      counts.hear(move);
      ledger.moved(move);
    },
    onLine: (line: JournalLine): void => ledger.hear(line),
    setReady: () => {
      problem = null;
    },
    setDraining: () => {
      problem = "draining";
    },
    close: () => timers.forEach(clearInterval),
  };
}
