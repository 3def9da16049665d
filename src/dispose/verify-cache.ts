/** What next hops said of recipients: positive answers for hours, negative ones for minutes, and positive ones for days where nothing better can be had (R24). */
import type { Millis } from "../core/message.ts";
import { is, type Reply } from "../core/status.ts";
import type { Clock } from "../observe/clock.ts";

const hour: Millis = 3_600_000;
const positiveMs: Millis = 6 * hour;
const negativeMs: Millis = hour / 12;
const staleMs: Millis = 7 * 24 * hour;

interface Kept {
  readonly reply: Reply;
  readonly at: number;
}

export class VerifyCache {
  readonly #clock: Clock;
  readonly #most: number;
  /** In the order of last use. */
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Reply>>();

  constructor(clock: Clock, most = 50_000) {
    this.#clock = clock;
    this.#most = most;
  }

  get size(): number {
    return this.#kept.size;
  }

  fresh(key: string): Reply | null {
    return this.#get(key, (reply) => (is(reply, 2) ? positiveMs : negativeMs));
  }

  /** A positive answer of the last days, for when the hop cannot be asked. */
  stale(key: string): Reply | null {
    return this.#get(key, (reply) => (is(reply, 2) ? staleMs : 0));
  }

  /** 4yz says nothing about the recipient and is not kept. */
  keep(key: string, reply: Reply): void {
    if (is(reply, 4)) return;
    this.#kept.delete(key);
    this.#kept.set(key, { reply, at: this.#clock.monotonic() });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(oldest);
    }
  }

  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** Runs `ask` once for all who want to know at the same time. */
  share(key: string, ask: () => Promise<Reply>): Promise<Reply> {
    const running = this.#asking.get(key);
    if (running) return running;
    const asked = ask().finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  #get(key: string, lifetime: (reply: Reply) => Millis): Reply | null {
    const kept = this.#kept.get(key);
    if (!kept || this.#clock.monotonic() - kept.at >= lifetime(kept.reply)) return null;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.reply;
  }
}
