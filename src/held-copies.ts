/** Keeps a sealed copy of every held message in the blob store, beside the work: put there, brought up to date, taken away when it is held no more. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BlobStore } from "./blobs/blob-store.ts";
import { explain, isGatewayError } from "./core/errors.ts";
import type { Bytes, Millis, QueueId } from "./core/message.ts";
import { isQueueId } from "./core/queue-id.ts";
import { headOf, packed } from "./held-bundle.ts";
import type { Log } from "./observe/log.ts";
import { type Seal, sealBytes } from "./seal.ts";
import type { Entry, Spool } from "./spool/spool.ts";

export interface HeldCopiesOptions {
  readonly node: string;
  readonly blobs: BlobStore;
  readonly seal: Seal;
  readonly spool: Pick<Spool, "list" | "open" | "find">;
  readonly log: Log;
  readonly againMs?: Millis;
}

export const heldPrefix = (node: string): string => `held/${node}/`;
export const heldKey = (node: string, id: QueueId): string => heldPrefix(node) + id;
/** Of the message, not of its owner: who adopts it need not seal it anew to read it. */
export const heldContext = (id: QueueId): string => `held ${id}`;

const atOnce = 2;
const slowestMs: Millis = 60_000;

export class HeldCopies {
  readonly #options: HeldCopiesOptions;
  /** Held when we started, not compared with the store yet. */
  readonly #unknown = new Set<QueueId>();
  /** To be put, or taken away: whichever it is by then. */
  readonly #changed = new Set<QueueId>();
  readonly #running = new Map<QueueId, Promise<void>>();
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  #pauseMs: Millis = 0;
  #serving: Promise<void> | null = null;

  constructor(options: HeldCopiesOptions) {
    this.#options = options;
  }

  /** Copies that are not known to be up to date. */
  get pending(): number {
    return this.#unknown.size + this.#changed.size + this.#running.size;
  }

  readonly changed = (id: QueueId): void => {
    this.#changed.add(id);
    this.#wake.resolve();
  };

  start(): void {
    this.#serving ??= this.#serve();
  }

  /** What is not done by then is found again by the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#wake.resolve();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const id of this.#options.spool.list("quarantine")) this.#unknown.add(id);
    let isCompared = false;
    while (!this.#stop.signal.aborted) {
      try {
        if (!isCompared) await this.#compare();
        isCompared = true;
      } catch (error) {
        this.#failed(error);
      }
      if (isCompared) await this.#next();
      if (this.#pauseMs > 0)
        await sleep(this.#pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    await Promise.all(this.#running.values());
  }

  /** What is in the store against what is held: some may lack, some may be left over, some have been decided about since. */
  async #compare(): Promise<void> {
    const { blobs, node } = this.#options;
    const prefix = heldPrefix(node);
    const there = new Map<string, Bytes>();
    for await (const { key, size } of blobs.list(prefix)) there.set(key.slice(prefix.length), size);
    for (const id of this.#unknown) {
      const size = there.get(id);
      if (size === undefined || !(await this.#isUpToDate(id, size))) this.changed(id);
      this.#unknown.delete(id);
      there.delete(id);
    }
    for (const id of there.keys()) if (isQueueId(id)) this.changed(id);
    this.#worked();
  }

  /** Only decisions change a held message, and each makes its copy longer. */
  async #isUpToDate(id: QueueId, size: Bytes): Promise<boolean> {
    const entry = await this.#held(id);
    if (entry === null) return false;
    if (entry === "unreadable" || (await entry.review()).length === 0) return true;
    return (await headOf(entry)).length + entry.size + sealBytes === size;
  }

  async #next(): Promise<void> {
    const id = [
      ...this.#changed
        .keys()
        .filter((one) => !this.#running.has(one))
        .take(1),
    ][0];
    if (id === undefined || this.#running.size >= atOnce) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers();
      return;
    }
    this.#changed.delete(id);
    const one = this.#bring(id)
      .then(() => this.#worked())
      .catch((error: unknown) => {
        this.#changed.add(id);
        this.#failed(error);
      })
      .finally(() => {
        this.#running.delete(id);
        this.#wake.resolve();
      });
    this.#running.set(id, one);
  }

  #worked(): void {
    if (this.#pauseMs > 0) this.#options.log.info("copies_back");
    this.#pauseMs = 0;
  }

  #failed(error: unknown): void {
    if (this.#pauseMs === 0) this.#options.log.warn("copies_away", { error_cause: explain(error) });
    this.#pauseMs = Math.min(slowestMs, Math.max(this.#options.againMs ?? 1_000, this.#pauseMs * 2));
  }

  async #bring(id: QueueId): Promise<void> {
    const { blobs, seal, node } = this.#options;
    const entry = await this.#held(id);
    // Of what we cannot read any more, the copy is all there is.
    if (entry === "unreadable") return;
    if (entry === null) return blobs.remove(heldKey(node, id));
    try {
      const head = await headOf(entry);
      const octets = seal.sealAll(packed(head, entry), heldContext(id));
      await blobs.put(heldKey(node, id), head.length + entry.size + sealBytes, octets);
    } catch (error) {
      // It has left meanwhile, and was marked as changed by that.
      if (entry.state === "quarantine") throw error;
    }
  }

  async #held(id: QueueId): Promise<Entry | "unreadable" | null> {
    const { spool } = this.#options;
    try {
      return await spool.open(id, "quarantine");
    } catch (error) {
      if (isGatewayError(error, "SPOOL_CORRUPT")) return "unreadable";
      if (!isGatewayError(error, "SPOOL_NOT_THERE")) throw error;
    }
    try {
      return (await spool.find(id)).state === "corrupt" ? "unreadable" : null;
    } catch (error) {
      if (isGatewayError(error, "SPOOL_CORRUPT")) return "unreadable";
      if (isGatewayError(error, "SPOOL_NOT_THERE")) return null;
      throw error;
    }
  }
}
