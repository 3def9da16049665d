/** The journal in a folder: one file a day, lines written and synced in groups. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../core/errors.ts";
import type { Bytes, Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { Durable, type Syscalls, type WritableFile } from "./durable.ts";
import { toBytes } from "./entry-files.ts";
import { asSpoolError } from "./faults.ts";
import type { Journal, JournalLine } from "./journal.ts";
import { anchorFile, encode, fileOf, filesOf, hashOf, lastHash, readDays, tailOf } from "./journal-chain.ts";
import { makeRoot } from "./recover.ts";

export interface JournalOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For reading while another process writes. */
  readonly readOnly?: boolean;
  readonly syscalls?: Syscalls;
}

interface Waiting {
  readonly line: JournalLine;
  /** Null for a lazy line, which nobody waits for. */
  readonly done: PromiseWithResolvers<void> | null;
}

/** At most this much is on its way to the disk at once, hence in doubt after a power cut. */
const groupBytes: Bytes = 1024 * 1024;
const groupLines = 512;
const lineEnd = Buffer.from("\n");
const lazyFor: Millis = 1_000;
/** Lazy lines that a faulty disk may keep waiting, before we say that it is faulty. */
const mostWaiting = 20_000;

export class DiskJournal implements Journal {
  readonly #options: JournalOptions;
  readonly #durable: Durable;
  #waiting: Waiting[] = [];
  #draining: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #file: WritableFile | null = null;
  #name: string;
  #prev: string;
  #goodBytes: number;
  /** A group has failed: what lies behind `goodBytes` must go before anything is added. */
  #dirty = false;
  /** The folder that names the file has been synced. */
  #kept = false;

  constructor(options: JournalOptions, durable: Durable, at: { name: string; prev: string; goodBytes: number }) {
    this.#options = options;
    this.#durable = durable;
    this.#name = at.name;
    this.#prev = at.prev;
    this.#goodBytes = at.goodBytes;
  }

  append(line: JournalLine, durability: "synced" | "lazy" = "synced"): Promise<void> {
    if (this.#closed || this.#options.readOnly || this.#waiting.length >= mostWaiting)
      return Promise.reject(new GatewayError("SPOOL_UNWRITABLE", { file: "journal", waiting: this.#waiting.length }));
    const done = durability === "synced" ? Promise.withResolvers<void>() : null;
    this.#waiting.push({ line, done });
    if (done || this.#waiting.length >= groupLines) this.#drain();
    else this.#drainLater();
    return done ? done.promise : Promise.resolve();
  }

  async *read(from?: Date): AsyncIterable<JournalLine> {
    const { dir } = this.#options;
    await this.#settled();
    const { files, anchor } = await filesOf(dir);
    const firstFile = from ? fileOf(from) : "";
    const earlier = files.filter((file) => file < firstFile);
    const prev = await lastHash(dir, earlier, anchor);
    const first = from?.toISOString() ?? "";
    for await (const line of readDays(dir, files.slice(earlier.length), prev)) if (line.at >= first) yield line;
  }

  /** Removes the files of days before this one, and notes where the chain begins now. Says how many went. */
  async prune(before: Date): Promise<number> {
    const { dir, readOnly } = this.#options;
    if (readOnly) return 0;
    const { files, anchor } = await filesOf(dir);
    const old = files.filter((file) => file < fileOf(before) && file < this.#name);
    const oldest = files[old.length];
    if (old.length === 0 || oldest === undefined) return 0;
    const start = { file: oldest, prev: await lastHash(dir, old, anchor) };
    try {
      await this.#durable.replace(dir, anchorFile, toBytes(start));
      await this.#durable.removeFiles(dir, old);
    } catch (error) {
      throw asSpoolError(error, { file: anchorFile });
    }
    return old.length;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#settled();
    await this.#file?.close();
    this.#file = null;
  }

  /** Everything that was appended so far is on disk, or has been refused. */
  async #settled(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#waiting.length > 0) this.#drain();
    await this.#draining;
  }

  #drainLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#drain();
    }, lazyFor).unref();
  }

  #drain(): void {
    if (this.#waiting.length > 0) this.#draining ??= this.#writeAll();
  }

  /** Those who come while a group is being synced make up the next one: under load a sync serves hundreds of lines. */
  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const { bytes, count, prev } = this.#group();
        await this.#write(bytes);
        this.#prev = prev;
        this.#goodBytes += bytes.length;
        for (const { done } of this.#waiting.splice(0, count)) done?.resolve();
      }
    } catch (error) {
      this.#refuse(asSpoolError(error, { file: this.#name }));
    } finally {
      // In the same turn as the last look at `#waiting`, so that no line is left without a drain.
      this.#draining = null;
    }
  }

  #group(): { readonly bytes: Buffer; readonly count: number; readonly prev: string } {
    let prev = this.#prev;
    let size = 0;
    const pieces: Buffer[] = [];
    for (const { line } of this.#waiting.slice(0, groupLines)) {
      const bytes = encode(line, prev);
      size += bytes.length + 1;
      if (pieces.length > 0 && size > groupBytes) break;
      prev = hashOf(bytes);
      pieces.push(bytes);
    }
    return { bytes: Buffer.concat(pieces.flatMap((bytes) => [bytes, lineEnd])), count: pieces.length, prev };
  }

  /** Whoever waits is told; lines that nobody waits for are tried again, for what they tell has happened. */
  #refuse(error: GatewayError): void {
    const refused = this.#waiting;
    this.#waiting = refused.filter(({ done }) => done === null);
    for (const { done } of refused) done?.reject(error);
    this.#options.log.error("journal_unwritable", { error_code: error.code, ...error.detail });
    if (this.#waiting.length > 0 && !this.#closed) this.#drainLater();
  }

  async #write(bytes: Buffer): Promise<void> {
    try {
      const file = await this.#ready();
      await file.write(bytes);
      await file.sync();
    } catch (error) {
      this.#dirty = true;
      await this.#file?.close().catch(() => undefined);
      this.#file = null;
      throw error;
    }
  }

  /** The file of today, or of the last day written to if the clock was set back; without what a failed group has left. */
  async #ready(): Promise<WritableFile> {
    const { dir, clock } = this.#options;
    const today = fileOf(clock.now());
    if (today > this.#name && !this.#dirty) {
      await this.#file?.close();
      this.#file = null;
      this.#name = today;
      this.#goodBytes = 0;
      this.#kept = false;
    }
    this.#file ??= await this.#durable.open(join(dir, this.#name), "append");
    if (this.#dirty) {
      await this.#file.truncate(this.#goodBytes);
      await this.#file.sync();
      this.#dirty = false;
    }
    if (!this.#kept) {
      await this.#durable.syncFolder(dir);
      this.#kept = true;
    }
    return this.#file;
  }
}

/** Cuts what a power cut has left behind the last whole line; the octets are kept beside the file. */
async function cut(
  durable: Durable,
  dir: string,
  name: string,
  goodBytes: Bytes,
  torn: Bytes,
  log: Log,
): Promise<void> {
  const path = join(dir, name);
  const source = await open(path);
  const octets = Buffer.alloc(torn);
  try {
    await source.read(octets, 0, torn, goodBytes);
  } finally {
    await source.close();
  }
  await durable.replace(dir, `${name}.torn`, octets);
  const file = await durable.open(path, "existing");
  try {
    await file.truncate(goodBytes);
    await file.sync();
  } finally {
    await file.close();
  }
  log.warn("journal_cut", { file: name, cut_bytes: torn, kept_in: `${name}.torn` });
}

/** The caller holds the lock of the spool, which covers the journal. Throws SPOOL_UNWRITABLE, SPOOL_FULL, JOURNAL_DAMAGED. */
export async function openJournal(options: JournalOptions): Promise<DiskJournal> {
  const { dir, log, clock, readOnly } = options;
  const durable = new Durable(options.syscalls);
  const first = fileOf(clock.now());
  if (readOnly) return new DiskJournal(options, durable, { name: first, prev: "", goodBytes: 0 });
  try {
    await makeRoot(durable, dir);
    const { files, stale, anchor } = await filesOf(dir);
    if (stale.length > 0) await durable.removeFiles(dir, stale);
    const name = files.at(-1);
    if (name === undefined) return new DiskJournal(options, durable, { name: first, prev: anchor.prev, goodBytes: 0 });
    const tail = await tailOf(join(dir, name), groupBytes);
    if (tail.torn > 0) await cut(durable, dir, name, tail.goodBytes, tail.torn, log);
    const prev = tail.prev ?? (await lastHash(dir, files.slice(0, -1), anchor));
    return new DiskJournal(options, durable, { name, prev, goodBytes: tail.goodBytes });
  } catch (error) {
    throw asSpoolError(error, { journal: dir });
  }
}
