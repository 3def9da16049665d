/** Owner of `incoming`, `active` and `deferred`: a bounded window of active messages, timers for the deferred ones, and a scan now and then. */
import { ActiveWindow } from "./active-window.ts";
import { explain, isGatewayError } from "./core/errors.ts";
import type { Millis, QueueId } from "./core/message.ts";
import { Turn } from "./core/turn.ts";
import type { Verdict } from "./core/verdict.ts";
import type { Clock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import type { Replies } from "./pipeline.ts";
import type { Delivery, Entry, Spool } from "./spool/spool.ts";

export interface QueueManagerOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  readonly judge: (entry: Entry, signal: AbortSignal) => Promise<unknown>;
  readonly carry: (entry: Entry, turn: Turn, signal: AbortSignal) => Promise<Replies>;
  readonly unscanned: (entry: Entry, turn: Turn, signal: AbortSignal) => Promise<Replies>;
  readonly deliveryOf: (entry: Entry) => Promise<Delivery>;
  readonly record: (entry: Entry, delivery: Delivery) => Promise<void>;
  /** Lines and DSNs that a crash has kept from following a result. */
  readonly catchUp: (entry: Entry) => Promise<void>;
  readonly later: (entry: Entry, why: string) => Promise<void>;
  /** Rule set and policy in force: a verdict of others is made anew before the next transaction (R16). */
  readonly inForce: () => { readonly ruleSet: string; readonly policyVersion: string };
  /** The verdict on a message that has crashed the gateway too often (R12). */
  readonly poisoned: (entry: Entry) => Verdict;
  /** Ends the transactions that wait for a next hop when the grace period is over. */
  readonly cut: () => void;
  readonly maxActive: number;
  /** Of the window, for one route; null: never more than are left free. */
  readonly mostOf: (route: string) => number | null;
  readonly scanEveryMs: Millis;
}

/** Crashes of the gateway on one message before it is held for a person. */
const maxCrashes = 3;
const soonMs: Millis = 100;
/** When not even the result of a failure can be written down: the disk is full, most likely. */
const troubledMs: Millis = 15_000;
const taken = (): Turn => {
  const turn = new Turn();
  turn.take();
  return turn;
};
/** A message of several routes counts for the first of them until it is split. */
const routeOf = (entry: Entry): string => entry.envelope.forwardPaths[0]?.route ?? "";
const scannerIsDown = (error: unknown): boolean =>
  isGatewayError(error, "SCANNER_UNAVAILABLE") || isGatewayError(error, "QUEUE_UNAVAILABLE");

export class QueueManager {
  readonly #options: QueueManagerOptions;
  readonly #running = new Map<QueueId, Promise<void>>();
  readonly #window: ActiveWindow<Entry>;
  readonly #timers = new Map<QueueId, NodeJS.Timeout>();
  readonly #stop = new AbortController();
  #isStopping = false;
  #scan: NodeJS.Timeout | undefined;
  /** What the last scan saw in `incoming` that nobody had enqueued. */
  #seen: ReadonlySet<QueueId> = new Set();
  /** The messages under suspicion are judged one after the other. */
  #suspects: Promise<unknown> = Promise.resolve();

  constructor(options: QueueManagerOptions) {
    this.#options = options;
    this.#window = new ActiveWindow({ size: options.maxActive, most: options.mostOf });
  }

  /** Takes up what a former run left, then scans now and then: a poke may get lost. */
  async start(): Promise<void> {
    await this.#scanIncoming(true);
    await this.#scanDeferred();
    this.#scan = setInterval(
      () => void this.scan().catch((error: unknown) => this.#bug("scan", error)),
      this.#options.scanEveryMs,
    );
  }

  get active(): number {
    return this.#running.size;
  }

  /** By route, for whoever looks. */
  get activeByRoute(): ReadonlyMap<string, number> {
    return this.#window.held;
  }

  /** Is there room in the window, or in the share of this route? */
  hasRoom(route?: string): boolean {
    return this.#window.hasRoom(route);
  }

  /** Keeps room for a message that is about to be claimed into `active`; false if its route has its share. */
  takeRoom(entry: Entry): boolean {
    const route = routeOf(entry);
    if (!this.#window.hasRoom(route)) return false;
    this.#window.enter(entry.id, route);
    return true;
  }

  /** It was not claimed after all. */
  giveRoom(entry: Entry): void {
    if (this.#running.has(entry.id)) return;
    this.#window.leave(entry.id);
    this.#fill();
  }

  /** A claimed message in `incoming`. */
  enqueue(entry: Entry): void {
    if (this.#window.isWaiting(entry.id) || this.#running.has(entry.id)) return;
    this.#window.wait({ id: entry.id, route: routeOf(entry), item: entry });
    this.#fill();
  }

  /** A message in `active` whose work goes on after the reply deadline. */
  adopt(entry: Entry, work: Promise<unknown>, abort: AbortController): void {
    if (this.#running.has(entry.id)) return;
    const onStop = (): void => abort.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener("abort", onStop, { once: true });
    const ended = work
      .then(() => this.#putBack(entry))
      .finally(() => this.#stop.signal.removeEventListener("abort", onStop));
    this.#watch(entry, ended);
  }

  /** Wakes a deferred message when its time has come. */
  wakeAt(id: QueueId, at: Date): void {
    clearTimeout(this.#timers.get(id));
    if (this.#isStopping) return;
    const wait = Math.min(Math.max(0, at.getTime() - this.#options.clock.now().getTime()), 2 ** 31 - 1);
    this.#timers.set(
      id,
      setTimeout(() => void this.#wake(id).catch((error: unknown) => this.#bug(id, error)), wait),
    );
  }

  /** Tries all deferred messages now, or one. Returns how many. */
  async flush(id?: QueueId): Promise<number> {
    let count = 0;
    for await (const each of this.#options.spool.list("deferred")) {
      if (id !== undefined && each !== id) continue;
      this.wakeAt(each, this.#options.clock.now());
      count++;
    }
    return count;
  }

  /** Looks for messages that no timer and no window knows of. */
  async scan(): Promise<void> {
    await this.#scanIncoming(false);
    await this.#scanDeferred();
  }

  /** Lets running transactions end within the grace period, then aborts them; their messages stay where they are. */
  async stop(graceMs: Millis): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#scan);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#window.clearLines();
    const limit = setTimeout(() => {
      this.#stop.abort();
      this.#options.cut();
    }, graceMs);
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
    clearTimeout(limit);
    this.#stop.abort();
  }

  /** Later looks take up only what lay there at the look before: a message that was claimed just now is being handed over, its line may not be in the journal yet. */
  async #scanIncoming(all: boolean): Promise<void> {
    const seen = new Set<QueueId>();
    for await (const id of this.#options.spool.list("incoming")) {
      if (this.#window.isWaiting(id) || this.#running.has(id)) continue;
      seen.add(id);
      if (all || this.#seen.has(id)) await this.#open(id, "incoming", (entry) => this.enqueue(entry));
    }
    this.#seen = seen;
  }

  async #scanDeferred(): Promise<void> {
    const { spool, deliveryOf, clock } = this.#options;
    for await (const id of spool.list("deferred")) {
      if (this.#timers.has(id) || this.#running.has(id) || this.#window.isWaiting(id)) continue;
      await this.#open(id, "deferred", async (entry) => {
        const { nextAttempt } = await deliveryOf(entry);
        this.wakeAt(id, nextAttempt ? new Date(nextAttempt) : clock.now());
      });
    }
  }

  async #open(
    id: QueueId,
    state: "incoming" | "deferred",
    then: (entry: Entry) => void | Promise<void>,
  ): Promise<void> {
    try {
      await then(await this.#options.spool.open(id, state));
    } catch (error) {
      if (!isGatewayError(error, "SPOOL_NOT_THERE")) this.#bug(id, error);
    }
  }

  async #wake(id: QueueId): Promise<void> {
    this.#timers.delete(id);
    if (this.#window.isWaiting(id)) return;
    // Put off and due again before the work that put it off has ended.
    if (this.#running.has(id)) return this.wakeAt(id, new Date(this.#options.clock.now().getTime() + soonMs));
    await this.#open(id, "deferred", (entry) => this.enqueue(entry));
  }

  #fill(): void {
    while (!this.#isStopping) {
      const entry = this.#window.next();
      if (!entry) return;
      this.#watch(entry, this.#run(entry));
    }
  }

  #watch(entry: Entry, work: Promise<void>): void {
    this.#window.enter(entry.id, routeOf(entry));
    const ended = work
      .catch((error: unknown) => this.#failed(entry, error))
      .finally(() => {
        this.#running.delete(entry.id);
        this.#window.leave(entry.id);
        this.#fill();
      });
    this.#running.set(entry.id, ended);
  }

  async #run(entry: Entry): Promise<void> {
    if (entry.state !== "active") await entry.move("active");
    await this.#options.catchUp(entry);
    try {
      await this.#begin(entry);
      await this.#options.carry(entry, taken(), this.#stop.signal);
    } catch (error) {
      if (!scannerIsDown(error)) throw error;
      await this.#options.unscanned(entry, taken(), this.#stop.signal);
    }
    await this.#putBack(entry);
  }

  /** Notes the attempt, and that a crash from now on may be the message's fault; only judging can be (R12). */
  async #begin(entry: Entry): Promise<void> {
    const { deliveryOf, record, poisoned, judge } = this.#options;
    const isJudged = async (): Promise<boolean> =>
      (await entry.read("release.json")) !== null || (await entry.read("verdict.json")) !== null;
    const before = await deliveryOf(entry);
    const crashes = (await isJudged()) ? 0 : before.crashes + (before.judging ? 1 : 0);
    await this.#forgetStale(entry);
    if (crashes >= maxCrashes) await entry.once("verdict.json", () => poisoned(entry));
    const judging = !(await isJudged());
    const note = (): Promise<void> => record(entry, { ...before, attempts: before.attempts + 1, judging, crashes });
    if (crashes === 0 || !judging) return note();
    const alone = this.#suspects.then(async () => {
      await note();
      await judge(entry, this.#stop.signal);
    });
    this.#suspects = alone.catch(() => undefined);
    await alone;
  }

  async #forgetStale(entry: Entry): Promise<void> {
    const verdict = await entry.read<Verdict>("verdict.json");
    if (!verdict || (await entry.read("release.json"))) return;
    const now = this.#options.inForce();
    if (verdict.ruleSet !== now.ruleSet || verdict.policyVersion !== now.policyVersion)
      await entry.forget("inspection.json");
  }

  /** Whatever still lies in `active` when its work has ended will be tried again. */
  async #putBack(entry: Entry): Promise<void> {
    await this.#unmark(entry);
    if (entry.state === "active" && !this.#stop.signal.aborted) await this.#options.later(entry, "put back");
  }

  async #unmark(entry: Entry): Promise<void> {
    const delivery = await (entry.state === "gone" ? null : this.#options.deliveryOf(entry));
    if (delivery?.judging) await this.#options.record(entry, { ...delivery, judging: false, crashes: 0 });
  }

  async #failed(entry: Entry, error: unknown): Promise<void> {
    try {
      if (this.#stop.signal.aborted) return await this.#unmark(entry);
      if (isGatewayError(error, "SPOOL_NOT_THERE") && entry.state !== "active") return;
      this.#bug(entry.id, error);
      if (entry.state === "active") await this.#putBack(entry);
    } catch (again) {
      this.#bug(entry.id, again);
      // Nobody looks into `active`: whoever knows of the entry has to come back to it.
      if (entry.state === "active") setTimeout(() => !this.#isStopping && this.enqueue(entry), troubledMs).unref();
    }
  }

  #bug(id: string, error: unknown): void {
    this.#options.log.error("failed", { queue_id: id, error_cause: explain(error) });
  }
}
