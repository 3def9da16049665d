/** The spool in a folder of the local disk: one folder per message, one folder per state. */
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { Bytes, Envelope, QueueId } from "../core/message.ts";
import { isQueueId } from "../core/queue-id.ts";
import type { Claimed, State } from "../core/state.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import { receive } from "./arrival.ts";
import { DiskEntry, type Home } from "./disk-entry.ts";
import { Durable, type Syscalls } from "./durable.ts";
import { readEntry } from "./entry-files.ts";
import { asSpoolError, notThere } from "./faults.ts";
import { createIds } from "./ids.ts";
import { Layout } from "./layout.ts";
import { LiveEntries } from "./live.ts";
import { lockSpool } from "./lock.ts";
import { KeyedMutex } from "./mutex.ts";
import { checkFormat, daysIn, idsIn, makeRoot, type Recovery, recover, setAside } from "./recover.ts";
import { Room } from "./room.ts";
import type { Entry, NewEntry, Spool } from "./spool.ts";

/** A move that has happened. `entry` is null when it could not be read, and went to `corrupt`. */
export interface SpoolEvent {
  readonly id: QueueId;
  readonly from: State;
  readonly to: State | "gone";
  readonly entry: Entry | null;
}

export interface SpoolOptions {
  readonly dir: string;
  /** Messages up to this size stay in memory until they are claimed. */
  readonly memoryLimit: Bytes;
  /** Free space that must stay: below it SPOOL_FULL. */
  readonly minFree: Bytes;
  readonly clock: Clock;
  readonly log: Log;
  /** Without the lock and without putting anything in order: for lists, while another process serves. */
  readonly readOnly?: boolean;
  /** Feeds the catalog. Called after the move, outside every mutex. */
  readonly events?: (event: SpoolEvent) => void;
  readonly syscalls?: Syscalls;
}

/** Where a message is most likely to be, first. */
const searched = ["active", "incoming", "deferred", "quarantine", "corrupt"] as const satisfies readonly Claimed[];
const untouched: Recovery = { swept: 0, returned: 0, corrupt: [] };

export class DiskSpool implements Spool {
  readonly recovered: Recovery;
  readonly #options: SpoolOptions;
  readonly #layout: Layout;
  readonly #durable: Durable;
  readonly #room: Room;
  readonly #home: Home;
  readonly #live = new LiveEntries();
  readonly #ids = new KeyedMutex();
  readonly #days = new Map<string, Promise<void>>();
  readonly #lock: Disposable | null;
  readonly newId: () => QueueId;

  constructor(
    options: SpoolOptions,
    ground: { layout: Layout; durable: Durable; recovered: Recovery; lock: Disposable | null },
  ) {
    this.#options = options;
    this.recovered = ground.recovered;
    this.#layout = ground.layout;
    this.#durable = ground.durable;
    this.#lock = ground.lock;
    this.#room = new Room(options.dir, options.minFree, options.clock);
    this.newId = createIds(options.clock);
    this.#home = {
      layout: this.#layout,
      durable: this.#durable,
      room: this.#room,
      log: options.log,
      readOnly: options.readOnly ?? false,
      prepare: (state, id) => this.#prepare(state, id),
      changed: (entry, from, to) => {
        this.#live.moved(entry);
        this.#tell({ id: entry.id, from, to, entry });
      },
    };
  }

  async arrive(envelope: Envelope, content: AsyncIterable<Uint8Array>): Promise<Entry> {
    const id = envelope.queueId;
    if (!isQueueId(id) || this.#live.get(id)) throw new RangeError("a message arrives under a new id of ours");
    const { size, bytes } = await receive(content, {
      folder: this.#layout.entry("arriving", id),
      memoryLimit: this.#options.memoryLimit,
      durable: this.#durable,
      room: this.#room,
    });
    return this.#live.add(new DiskEntry(this.#home, { envelope, size, state: "arriving", bytes }));
  }

  derive(from: Entry, made: NewEntry, to: "incoming" | "quarantine" | "deferred"): Promise<Entry> {
    if (!(from instanceof DiskEntry)) throw new TypeError("an entry of another spool");
    const id = made.envelope.queueId;
    return this.#ids.run(id, async () => {
      const there = await this.#search(id);
      if (there) return there;
      const entry = this.#live.add(await from.twin(made));
      await entry.claim(to);
      return entry;
    });
  }

  open(id: QueueId, state: Claimed): Promise<Entry> {
    return this.#ids.run(id, async () => {
      const entry = await this.#open(id, state);
      if (!entry) throw notThere({ queue_id: String(id).slice(0, 40), state });
      return entry;
    });
  }

  find(id: QueueId): Promise<Entry> {
    return this.#ids.run(id, async () => {
      const entry = await this.#search(id);
      if (!entry) throw notThere({ queue_id: String(id).slice(0, 40) });
      return entry;
    });
  }

  async *list(state: State): AsyncIterable<QueueId> {
    if (state === "arriving" && !this.#home.readOnly) yield* this.#live.arriving();
    else for (const folder of await this.#foldersOf(state)) yield* await idsIn(folder);
  }

  async count(state: State): Promise<number> {
    if (state === "arriving" && !this.#home.readOnly) return this.#live.arriving().length;
    let count = 0;
    for (const folder of await this.#foldersOf(state)) count += (await idsIn(folder)).length;
    return count;
  }

  room(): Promise<Bytes> {
    return this.#room.left();
  }

  reserve(bytes: Bytes): Promise<Disposable> {
    return this.#room.reserve(bytes);
  }

  async close(): Promise<void> {
    this.#lock?.[Symbol.dispose]();
  }

  async #foldersOf(state: State): Promise<readonly string[]> {
    const folder = this.#layout.state(state);
    return state === "quarantine" ? (await daysIn(folder)).map((day) => `${folder}/${day}`) : [folder];
  }

  /** A second look, since without the lock the entry may move from a state not yet searched to one that was. */
  async #search(id: QueueId): Promise<DiskEntry | null> {
    for (let look = 0; look < 2; look += 1)
      for (const state of searched) {
        const entry = await this.#open(id, state);
        if (entry) return entry;
      }
    return null;
  }

  async #open(id: QueueId, state: Claimed): Promise<DiskEntry | null> {
    if (!isQueueId(id)) return null;
    const live = this.#live.get(id);
    if (live) return live.state === state ? live : null;
    try {
      const found = await readEntry(this.#layout.entry(state, id), id);
      return found && this.#live.add(new DiskEntry(this.#home, { ...found, state, bytes: null }));
    } catch (error) {
      if (isGatewayError(error, "SPOOL_CORRUPT")) await this.#setAside(id, state, error);
      throw asSpoolError(error, { queue_id: id, state });
    }
  }

  async #setAside(id: QueueId, state: Claimed, cause: GatewayError): Promise<void> {
    if (this.#home.readOnly || state === "corrupt") return;
    await setAside(this.#layout, this.#durable, id, state);
    this.#options.log.error("corrupt", { queue_id: id, state_from: state, ...cause.detail });
    this.#tell({ id, from: state, to: "corrupt", entry: null });
  }

  /** A day's folder of the quarantine is made to stay before anything goes into it; once per day and process. */
  #prepare(state: State, id: QueueId): Promise<void> {
    if (state !== "quarantine") return Promise.resolve();
    const folder = this.#layout.parent(state, id);
    const known = this.#days.get(folder);
    if (known) return known;
    const made = this.#durable.keepFolder(folder);
    this.#days.set(folder, made);
    made.catch(() => this.#days.delete(folder));
    return made;
  }

  #tell(event: SpoolEvent): void {
    const { log, events } = this.#options;
    log.debug("moved", { queue_id: event.id, state_from: event.from, state_to: event.to });
    // A listener that throws is a bug; it must not look like a move that failed.
    if (events) queueMicrotask(() => events(event));
  }
}

/** Throws SPOOL_LOCKED, SPOOL_FORMAT, SPOOL_UNWRITABLE. */
export async function openSpool(options: SpoolOptions): Promise<DiskSpool> {
  const layout = new Layout(options.dir);
  const durable = new Durable(options.syscalls);
  if (options.readOnly) {
    await checkFormat(layout);
    return new DiskSpool(options, { layout, durable, recovered: untouched, lock: null });
  }
  let lock: Disposable | null = null;
  try {
    await makeRoot(durable, options.dir);
    lock = lockSpool(options.dir);
    const recovered = await recover(layout, durable, options.log);
    return new DiskSpool(options, { layout, durable, recovered, lock });
  } catch (error) {
    lock?.[Symbol.dispose]();
    throw asSpoolError(error, { spool: options.dir });
  }
}
