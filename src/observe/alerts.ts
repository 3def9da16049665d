/** What an admin wants to be told of without asking: occurrences and standing conditions, gathered into at most one digest of a kind in a time. Flood-safe. */
import type { Millis } from "../core/message.ts";
import type { Clock } from "./clock.ts";

export const alertKinds = {
  corrupt: ["A message that is ours cannot be read", "docs/operations.md, A message is corrupt"],
  unaccounted: [
    "A message that got a 250 is not accounted for",
    "docs/operations.md, sallyport_messages_unaccounted > 0",
  ],
  expiry: ["Held messages expire within a day", "sallyport quarantine list; release what is wanted"],
  quota: [
    "Held messages take more than their share of the quota; the oldest of that class go once they are a day old",
    "discard what nobody needs, or raise quarantine.quota",
  ],
  disk: ["The disk is low", "docs/operations.md, Clients get 452 4.3.1"],
  rules: ["Rule files that do not compile are left out", "sallyport rules check"],
  scanner: ["Nothing can be scanned", "docs/operations.md, Clients get 451 4.7.1"],
  certificate: ["The TLS certificate expires", "docs/operations.md, The TLS certificate has expired"],
  next_hop: ["A next hop is down", "docs/operations.md, The next hop is down"],
} as const satisfies Record<string, readonly [string, string]>;

export type AlertKind = keyof typeof alertKinds;

export interface Digest {
  readonly kind: AlertKind;
  /** The first of them, as they came. */
  readonly lines: readonly string[];
  readonly more: number;
}

/** Survives a restart, so that a gateway that starts again and again does not write each time. By kind, times in milliseconds since 1970. */
export interface AlertMemory {
  readonly sent: Partial<Record<AlertKind, number>>;
  /** Standing conditions that were told of, by key. */
  readonly told: Partial<Record<AlertKind, Readonly<Record<string, number>>>>;
}

export interface AlertsOptions {
  readonly clock: Clock;
  readonly everyMs: Millis;
  /** What comes within this time goes into the same digest. */
  readonly gatherMs: Millis;
  readonly memory: AlertMemory;
  readonly keep: (memory: AlertMemory) => void;
  /** Rejects if it cannot be sent now; it is tried again. */
  readonly send: (digest: Digest) => Promise<void>;
}

const mostLines = 20;
const againMs: Millis = 86_400_000;
const retryMs: Millis = 60_000;

interface Gathered {
  readonly lines: string[];
  more: number;
  timer: NodeJS.Timeout | null;
}

export class Alerts {
  readonly #options: AlertsOptions;
  readonly #gathered = new Map<AlertKind, Gathered>();
  readonly #sending = new Set<Promise<void>>();
  #memory: AlertMemory;
  #isClosed = false;

  constructor(options: AlertsOptions) {
    this.#options = options;
    this.#memory = options.memory;
  }

  /** Something has happened. */
  raise(kind: AlertKind, line: string): void {
    if (this.#isClosed) return;
    const gathered = this.#gathered.get(kind) ?? { lines: [], more: 0, timer: null };
    this.#gathered.set(kind, gathered);
    if (gathered.lines.length < mostLines) gathered.lines.push(line);
    else gathered.more++;
    this.#arm(kind, gathered, this.#options.gatherMs);
  }

  /** All that is wrong of this kind now, by key; told when it begins, and once a day while it lasts. */
  standing(kind: AlertKind, wrong: ReadonlyMap<string, string>): void {
    const told = this.#memory.told[kind] ?? {};
    const now = this.#options.clock.now().getTime();
    const isDue = (key: string): boolean => now - (told[key] ?? Number.NEGATIVE_INFINITY) >= againMs;
    const due = [...wrong].filter(([key]) => isDue(key));
    const isOver = Object.keys(told).some((key) => !wrong.has(key));
    if (due.length === 0 && !isOver) return;
    for (const [, line] of due) this.raise(kind, line);
    const next = [...wrong.keys()].map((key) => [key, isDue(key) ? now : (told[key] ?? now)] as const);
    this.#memory = { ...this.#memory, told: { ...this.#memory.told, [kind]: Object.fromEntries(next) } };
    this.#keep();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { timer } of this.#gathered.values()) clearTimeout(timer ?? undefined);
    await Promise.all(this.#sending);
  }

  #arm(kind: AlertKind, gathered: Gathered, leastMs: Millis): void {
    if (gathered.timer || this.#isClosed) return;
    const since = this.#options.clock.now().getTime() - (this.#memory.sent[kind] ?? Number.NEGATIVE_INFINITY);
    const wait = Math.min(Math.max(leastMs, this.#options.everyMs - since), 2 ** 31 - 1);
    gathered.timer = setTimeout(() => {
      const sending = this.#flush(kind, gathered).finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
    }, wait).unref();
  }

  async #flush(kind: AlertKind, gathered: Gathered): Promise<void> {
    this.#gathered.delete(kind);
    const { lines, more } = gathered;
    try {
      await this.#options.send({ kind, lines, more });
      this.#memory = { ...this.#memory, sent: { ...this.#memory.sent, [kind]: this.#options.clock.now().getTime() } };
      this.#keep();
    } catch {
      // The sender has logged why. What came meanwhile is told together with this.
      const later = this.#gathered.get(kind);
      clearTimeout(later?.timer ?? undefined);
      const all = [...lines, ...(later?.lines ?? [])];
      const rest = more + (later?.more ?? 0) + Math.max(0, all.length - mostLines);
      const again: Gathered = { lines: all.slice(0, mostLines), more: rest, timer: null };
      this.#gathered.set(kind, again);
      this.#arm(kind, again, retryMs);
    }
  }

  /** What is still to be sent was not told: a process that ends before is followed by one that tells it. */
  #keep(): void {
    const { sent, told } = this.#memory;
    const done = Object.entries(told).filter(([kind]) => !this.#gathered.has(kind as AlertKind));
    this.#options.keep({ sent, told: Object.fromEntries(done) });
  }
}
