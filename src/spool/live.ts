/** The entries that somebody in this process holds: two who ask for the same id get the same one, hence the same mutex. */
import type { QueueId } from "../core/message.ts";
import type { DiskEntry } from "./disk-entry.ts";

export class LiveEntries {
  /** Whoever receives a message may hold it in memory only; these are kept until they are claimed or removed. */
  readonly #arriving = new Map<QueueId, DiskEntry>();
  readonly #others = new Map<QueueId, WeakRef<DiskEntry>>();
  readonly #dropped = new FinalizationRegistry<QueueId>((id) => {
    if (this.#others.get(id)?.deref() === undefined) this.#others.delete(id);
  });

  add(entry: DiskEntry): DiskEntry {
    if (entry.state === "arriving") this.#arriving.set(entry.id, entry);
    else {
      this.#others.set(entry.id, new WeakRef(entry));
      this.#dropped.register(entry, entry.id);
    }
    return entry;
  }

  get(id: QueueId): DiskEntry | null {
    return this.#arriving.get(id) ?? this.#others.get(id)?.deref() ?? null;
  }

  /** Follows an entry that has moved. */
  moved(entry: DiskEntry): void {
    if (this.#arriving.get(entry.id) === entry) this.#arriving.delete(entry.id);
    if (entry.state === "gone") this.#others.delete(entry.id);
    else if (this.#others.get(entry.id)?.deref() !== entry) this.add(entry);
  }

  arriving(): readonly QueueId[] {
    return [...this.#arriving.keys()].sort();
  }
}
