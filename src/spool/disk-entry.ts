/** One message in the spool: its octets, the files of its steps, and its moves. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../core/errors.ts";
import type { Content } from "../core/job.ts";
import type { Bytes, Envelope, QueueId } from "../core/message.ts";
import { type Claimed, mayMove, type State } from "../core/state.ts";
import type { Log } from "../observe/log.ts";
import { type Durable, errnoOf } from "./durable.ts";
import { parseReview, readOptional, readValue, toBytes } from "./entry-files.ts";
import { asSpoolError, notThere } from "./faults.ts";
import { deliveryFile, envelopeFile, formatFile, type Layout, messageFile, reviewFile, spoolFormat } from "./layout.ts";
import { Mutex } from "./mutex.ts";
import type { Room } from "./room.ts";
import { shareOctets } from "./share-octets.ts";
import type { Delivery, Entry, NewEntry, ReviewLine, Target } from "./spool.ts";

/** What an entry needs of the spool it lies in. */
export interface Home {
  readonly layout: Layout;
  readonly durable: Durable;
  readonly room: Room;
  readonly log: Log;
  readonly readOnly: boolean;
  /** Makes sure that the folder above the entry exists and stays. */
  prepare(state: State, id: QueueId): Promise<void>;
  changed(entry: DiskEntry, from: State, to: State | "gone"): void;
}

export interface Found {
  readonly envelope: Envelope;
  readonly size: Bytes;
  readonly state: State;
  /** The octets, while they are not on disk; kept after the claim for those who read them. */
  readonly bytes: Buffer | null;
  /** Values that are to be written with the claim. */
  readonly files?: Partial<Record<Target, unknown>>;
}

/** In the order of the steps: to forget one is to forget all that were made from it. */
const steps: readonly Target[] = ["parts.json", "inspection.json", "verdict.json"];
const pieceBytes = 64 * 1024;

export class DiskEntry implements Entry {
  readonly envelope: Envelope;
  readonly size: Bytes;
  readonly #home: Home;
  readonly #mutex = new Mutex();
  readonly #bytes: Buffer | null;
  readonly #values = new Map<Target | "delivery.json", unknown>();
  readonly #making = new Map<Target, Promise<unknown>>();
  #reviewed: ReviewLine[] = [];
  /** Counts up, so that a step that was under way when it was forgotten leaves no file. */
  #forgotten = 0;
  #state: State | "gone";

  constructor(home: Home, found: Found) {
    this.#home = home;
    this.envelope = found.envelope;
    this.size = found.size;
    this.#bytes = found.bytes;
    this.#state = found.state;
    for (const [file, value] of Object.entries(found.files ?? {})) this.#values.set(file as Target, value);
  }

  get id(): QueueId {
    return this.envelope.queueId;
  }

  get state(): State | "gone" {
    return this.#state;
  }

  content(): Content {
    const folder = this.#folder();
    if (this.#bytes) return { kind: "bytes", bytes: this.#bytes };
    return { kind: "file", file: join(folder, messageFile), size: this.size };
  }

  async *octets(): AsyncIterable<Uint8Array> {
    if (this.#bytes) {
      for (let at = 0; at < this.#bytes.length; at += pieceBytes) yield this.#bytes.subarray(at, at + pieceBytes);
      return;
    }
    // Once open, the descriptor is good wherever the folder moves, and even when it is removed.
    const file = await this.#mutex.run(() => this.#openMessage());
    try {
      yield* file.createReadStream({ autoClose: false, highWaterMark: 4 * pieceBytes });
    } catch (error) {
      throw asSpoolError(error, { queue_id: this.id, file: messageFile });
    } finally {
      await file.close();
    }
  }

  async #openMessage(): Promise<FileHandle> {
    try {
      return await open(join(this.#folder(), messageFile), constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (error) {
      if (errnoOf(error) === "ENOENT") throw notThere({ queue_id: this.id, state: this.#state });
      throw asSpoolError(error, { queue_id: this.id, file: messageFile });
    }
  }

  claim(to: Exclude<Claimed, "corrupt">): Promise<void> {
    return this.#change(async (folder) => {
      if (this.#state === "arriving") await this.#claim(folder, to);
    });
  }

  /** Files, their folder, the rename, both parents: in this order, so that no power cut shows half an entry (4.4). */
  async #claim(from: string, to: Claimed): Promise<void> {
    const { layout, durable, room } = this.#home;
    const target = layout.entry(to, this.id);
    const unwritten = this.#bytes?.length ?? 0;
    let at = from;
    try {
      // What is on disk already has had its room: releasing and splitting go on below the watermark.
      if (unwritten > 0) await room.forClaim(unwritten);
      if (this.#bytes) await durable.makeFolder(from);
      await durable.fill(from, this.#files());
      await this.#home.prepare(to, this.id);
      await durable.rename(from, target);
      at = target;
      await durable.syncParents(from, target);
    } catch (error) {
      await this.#abandon(at);
      throw asSpoolError(error, { queue_id: this.id, state_to: to });
    }
    room.wrote(unwritten);
    this.#reviewed = [];
    this.#settle(to);
  }

  /** All files as they are to be at the claim; the message is on disk already unless it is in memory. */
  #files(): ReadonlyMap<string, Uint8Array | null> {
    const files = new Map<string, Uint8Array | null>([
      [formatFile, Buffer.from(`${spoolFormat}\n`)],
      [envelopeFile, toBytes(this.envelope)],
      [messageFile, this.#bytes],
    ]);
    for (const [file, value] of this.#values) files.set(file, toBytes(value));
    if (this.#reviewed.length > 0) files.set(reviewFile, Buffer.concat(this.#reviewed.map(toBytes)));
    return files;
  }

  /** After a failed sync nothing of the entry can be trusted (R11): it goes, from where a restart would find it first of all. */
  async #abandon(at: string): Promise<void> {
    const { layout, durable, log } = this.#home;
    const trash = layout.trash(this.id);
    try {
      await durable.rename(at, trash);
      await durable.discard(trash);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") log.error("not_discarded", { queue_id: this.id, error_cause: String(error) });
    }
    this.#settle("gone");
  }

  move(to: Claimed): Promise<void> {
    return this.#change(async (from) => {
      const state = this.#state as State;
      if (!mayMove(state, to)) throw notThere({ queue_id: this.id, state, state_to: to });
      if (state === "arriving") return this.#claim(from, to);
      const target = this.#home.layout.entry(to, this.id);
      await this.#home.prepare(to, this.id);
      await this.#rename(from, target, to);
    });
  }

  /** If only the sync fails, the entry has moved all the same; after a power cut it may lie where it was, which is ours too. */
  async #rename(from: string, target: string, to: State | "gone"): Promise<void> {
    const { durable } = this.#home;
    try {
      await durable.rename(from, target);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      const state = this.#state;
      this.#state = "gone";
      throw notThere({ queue_id: this.id, state });
    }
    try {
      await durable.syncParents(from, target);
    } finally {
      this.#settle(to);
    }
  }

  remove(): Promise<void> {
    if (this.#state === "gone") return Promise.resolve();
    return this.#change(async (folder) => {
      const { layout, durable, log } = this.#home;
      if (this.#state === "corrupt") throw notThere({ queue_id: this.id, state: this.#state });
      const wasArriving = this.#state === "arriving";
      const trash = wasArriving ? folder : layout.trash(this.id);
      // Renamed away in one step, so that a crash leaves the whole entry or none.
      if (wasArriving) this.#settle("gone");
      else await this.#rename(folder, trash, "gone");
      if (wasArriving && this.#bytes) return;
      await durable.discard(trash).catch((error: unknown) => {
        log.warn("not_discarded", { queue_id: this.id, error_cause: String(error) });
      });
    });
  }

  once<T>(file: Target, make: () => T | Promise<T>): Promise<T> {
    const running = this.#making.get(file);
    if (running) return running as Promise<T>;
    const making = this.#once(file, make).finally(() => this.#making.delete(file));
    this.#making.set(file, making);
    return making;
  }

  /** `make` runs outside the mutex: it may take a minute, and the claim at the reply deadline must not wait for it. */
  async #once<T>(file: Target, make: () => T | Promise<T>): Promise<T> {
    const there = await this.read<T>(file);
    if (there !== null) return there;
    const forgotten = this.#forgotten;
    const value = await make();
    await this.#change(async () => {
      if (forgotten === this.#forgotten) await this.#store(file, value);
    });
    return value;
  }

  async #store(file: Target | "delivery.json", value: unknown): Promise<void> {
    if (this.#state !== "arriving") await this.#home.durable.replace(this.#folder(), file, toBytes(value));
    this.#values.set(file, value);
  }

  /** What this process has made or read before is known even after the entry is gone. */
  async read<T>(file: Target | "delivery.json"): Promise<T | null> {
    if (!this.#values.has(file) && this.#state !== "arriving")
      await this.#mutex.run(async () => {
        const value = await readValue(this.#folder(), this.id, file);
        if (value !== null) this.#values.set(file, value);
      });
    return (this.#values.get(file) ?? null) as T | null;
  }

  forget(file: Target): Promise<void> {
    return this.#change(async (folder) => {
      const undone = steps.includes(file) ? steps.slice(steps.indexOf(file)).reverse() : [file];
      this.#forgotten += 1;
      for (const each of undone) this.#values.delete(each);
      if (this.#state !== "arriving") await this.#home.durable.removeFiles(folder, undone);
    });
  }

  record(delivery: Delivery): Promise<void> {
    return this.#change(() => this.#store(deliveryFile, delivery));
  }

  append(line: ReviewLine): Promise<void> {
    return this.#change(async (folder) => {
      if (this.#state === "arriving") {
        this.#reviewed.push(line);
        return;
      }
      const before = await readOptional(join(folder, reviewFile));
      const torn = before !== null && before.length > 0 && before.at(-1) !== 0x0a;
      const bytes = Buffer.concat([Buffer.from(torn ? "\n" : ""), toBytes(line)]);
      await this.#home.durable.append(folder, reviewFile, bytes, before === null);
    });
  }

  review(): Promise<readonly ReviewLine[]> {
    return this.#mutex.run(async () => {
      if (this.#state === "arriving") return [...this.#reviewed];
      return parseReview((await readOptional(join(this.#folder(), reviewFile))) ?? Buffer.alloc(0));
    });
  }

  async shareOctets(other: Entry): Promise<boolean> {
    const { layout, durable } = this.#home;
    if (this.size !== other.size || other.id === this.id) return false;
    return this.#change(async (folder) => {
      if (this.#state === "arriving" || other.state === "arriving" || other.state === "gone") return false;
      return shareOctets(durable, folder, layout.entry(other.state, other.id));
    });
  }

  /** A new entry in `arriving` with the same octets. For derive(), which claims it at once. */
  twin({ envelope, files = {} }: NewEntry): Promise<DiskEntry> {
    return this.#change(async (folder) => {
      const found = { envelope, size: this.size, state: "arriving", files } as const;
      if (this.#state === "arriving" && this.#bytes) return new DiskEntry(this.#home, { ...found, bytes: this.#bytes });
      const { layout, durable } = this.#home;
      const made = layout.entry("arriving", envelope.queueId);
      await durable.makeFolder(made);
      try {
        await durable.link(join(folder, messageFile), join(made, messageFile));
      } catch (error) {
        await durable.discard(made);
        throw error;
      }
      return new DiskEntry(this.#home, { ...found, bytes: null });
    });
  }

  #folder(): string {
    if (this.#state === "gone") throw notThere({ queue_id: this.id, state: this.#state });
    return this.#home.layout.entry(this.#state, this.id);
  }

  /** Whatever changes the entry comes through here: one at a time, with the path as it is then. */
  #change<T>(job: (folder: string) => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      const folder = this.#folder();
      if (this.#home.readOnly) throw new GatewayError("SPOOL_UNWRITABLE", { why: "opened for reading only" });
      try {
        return await job(folder);
      } catch (error) {
        throw asSpoolError(error, { queue_id: this.id, state: this.#state });
      }
    });
  }

  #settle(to: State | "gone"): void {
    const from = this.#state;
    this.#state = to;
    if (from !== "gone") this.#home.changed(this, from, to);
  }
}
