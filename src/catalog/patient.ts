/** A catalog for a gateway: mail never waits for a database that is away. What is to be written is kept, and beyond a bound left out and filled in later. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { explain, isGatewayError } from "../core/errors.ts";
import type { Millis, QueueId } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Catalog, Filling, Listed, Page, Query, RecordOptions, Summary } from "./catalog.ts";

export interface PatientOptions {
  readonly catalog: Catalog & Filling;
  readonly log: Log;
  readonly clock: Clock;
  /** Remembers over a restart that rows may be missing, and since when. */
  readonly marker: string;
  /** Changes that wait, at most: some 2 KiB each. */
  readonly most?: number;
  readonly retryMs?: Millis;
}

interface Kept {
  /** Null: forget it. */
  readonly summary: Summary | null;
  readonly takeOver: boolean;
  /** Of two changes to a message, the one with the higher number came later. */
  readonly order: number;
}

/** Makes rows again: of everything since a time, on top of what is there; null is an empty catalog. */
export type Fill = (since: Date | null, signal: AbortSignal) => Promise<void>;

const mostKept = 20_000;
const atOnce = 500;
/** What was under way when the database went is older than the first error. */
const marginMs: Millis = 60_000;

export class PatientCatalog implements Catalog {
  readonly #options: Required<PatientOptions>;
  readonly #kept = new Map<QueueId, Kept>();
  readonly #stop = new AbortController();
  #orders = 0;
  #awaySince: Date | null = null;
  #dropped = 0;
  #isFilled = false;
  #fill: Fill | null = null;
  readonly #running: Promise<void>;

  constructor(options: PatientOptions) {
    this.#options = { most: mostKept, retryMs: 1_000, ...options };
    this.#running = this.#run();
  }

  /** Hears when rows are missing; once it has done its work they are not. */
  keepFilled(fill: Fill): void {
    this.#fill = fill;
  }

  get state(): { readonly awaySince: Date | null; readonly waiting: number; readonly dropped: number } {
    return { awaySince: this.#awaySince, waiting: this.#kept.size, dropped: this.#dropped };
  }

  record(summary: Summary, { takeOver = false }: RecordOptions = {}): Promise<void> {
    const write = (): Promise<void> => this.#options.catalog.record(summary, { takeOver });
    return this.#change(summary.queueId, { summary, takeOver }, write);
  }

  forget(id: QueueId): Promise<void> {
    return this.#change(id, { summary: null, takeOver: false }, () => this.#options.catalog.forget(id));
  }

  async get(id: QueueId): Promise<Listed | null> {
    const kept = this.#kept.get(id);
    if (kept) return kept.summary && { ...kept.summary, node: "" };
    return this.#options.catalog.get(id);
  }

  find(where: Query, page: Page): Promise<readonly Listed[]> {
    return this.#options.catalog.find(where, page);
  }

  counts(): ReturnType<Catalog["counts"]> {
    return this.#options.catalog.counts();
  }

  clear(): Promise<void> {
    return this.#options.catalog.clear();
  }

  /** No more work in the background. */
  async rest(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async close(): Promise<void> {
    await this.rest();
    await this.#options.catalog.close();
  }

  async #change(id: QueueId, change: Omit<Kept, "order">, write: () => Promise<void>): Promise<void> {
    const order = ++this.#orders;
    if (this.#awaySince === null)
      try {
        return await write();
      } catch (error) {
        if (!isGatewayError(error, "DATABASE_UNAVAILABLE")) throw error;
        this.#leave(error);
      }
    this.#keep(id, { ...change, order });
  }

  #keep(id: QueueId, kept: Kept): void {
    const before = this.#kept.get(id);
    if (before && before.order > kept.order) return;
    this.#kept.delete(id);
    this.#kept.set(id, { ...kept, takeOver: kept.takeOver || (before?.takeOver ?? false) });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#options.most) break;
      this.#kept.delete(oldest);
      this.#dropped++;
    }
  }

  #leave(error: unknown): void {
    if (this.#awaySince !== null) return;
    const { log, clock } = this.#options;
    this.#awaySince = clock.now();
    this.#mark(new Date(this.#awaySince.getTime() - marginMs));
    log.warn("catalog_away", {
      error_cause: explain(error),
      remedy: "mail flows on; sallyport doctor says what is wrong",
    });
  }

  /** The earlier of two times stands: rows may be missing since then. */
  #mark(since: Date): void {
    const { marker, log } = this.#options;
    if (existsSync(marker)) return;
    try {
      writeFileSync(marker, since.toISOString(), { mode: 0o600 });
    } catch (error) {
      log.warn("catalog_lags", { error_cause: explain(error), remedy: "sallyport rebuild" });
    }
  }

  #marked(): Date | null {
    const { marker } = this.#options;
    if (!existsSync(marker)) return null;
    const since = new Date(readFileSync(marker, "utf8"));
    return Number.isNaN(since.getTime()) ? new Date(0) : since;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    // What an earlier process did not get written is written nowhere but in spool and journal.
    let isInherited = this.#marked() !== null;
    let said = "";
    while (!signal.aborted) {
      try {
        if (await this.#catchUp(isInherited)) isInherited = false;
        said = "";
      } catch (error) {
        const cause = explain(error);
        if (isGatewayError(error, "DATABASE_UNAVAILABLE")) this.#leave(error);
        else if (cause !== said)
          this.#options.log.warn("catalog_lags", { error_cause: cause, remedy: "sallyport rebuild" });
        said = cause;
      }
      await sleep(this.#options.retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** True once nothing is missing. There is nothing to do in most rounds, and then nothing is asked of the database. */
  async #catchUp(isInherited: boolean): Promise<boolean> {
    const { catalog, marker } = this.#options;
    if (this.#awaySince === null && !isInherited && this.#isFilled) return true;
    const isFilled = await catalog.isFilled();
    while (this.#kept.size > 0) await this.#flush();
    this.#return();
    const since = isFilled ? this.#missing(isInherited) : new Date(0);
    if (since !== null && !(await this.#filled(since))) return false;
    if (!isFilled) await catalog.setFilled();
    this.#isFilled = true;
    rmSync(marker, { force: true });
    return true;
  }

  /** Since when rows are missing, although the database has been there before. */
  #missing(isInherited: boolean): Date | null {
    const since = isInherited || this.#dropped > 0 ? this.#marked() : null;
    if (since !== null)
      this.#options.log.warn("catalog_incomplete", { count: this.#dropped, since: since.toISOString() });
    return since;
  }

  /** False if it was cut short, or if the database has gone meanwhile. */
  async #filled(since: Date): Promise<boolean> {
    const { signal } = this.#stop;
    if (this.#fill === null) return false;
    this.#dropped = 0;
    await this.#fill(since, signal);
    return !signal.aborted && this.#awaySince === null && this.#dropped === 0;
  }

  #return(): void {
    if (this.#awaySince === null) return;
    this.#options.log.info("catalog_back", { since: this.#awaySince.toISOString() });
    this.#awaySince = null;
  }

  async #flush(): Promise<void> {
    const { catalog } = this.#options;
    const some = [...this.#kept].slice(0, atOnce);
    const write = ([id, { summary, takeOver }]: (typeof some)[number]): Promise<void> =>
      summary ? catalog.record(summary, { takeOver }) : catalog.forget(id);
    await Promise.all(some.map(write));
    for (const [id, kept] of some) if (this.#kept.get(id) === kept) this.#kept.delete(id);
  }
}
