/** Since when each next hop has failed, from what the sending side tells. */
import type { Millis } from "../core/message.ts";
import type { Clock } from "../observe/clock.ts";
import type { HopEvent } from "./next-hops.ts";

interface Failing {
  readonly since: number;
  readonly last: number;
  readonly code: string;
}

export class HopHealth {
  readonly #clock: Clock;
  readonly #failing = new Map<string, Failing>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  readonly hear = (event: HopEvent): void => {
    if (event.event === "transacted") this.#failing.delete(event.hop);
    if (event.event !== "unreachable" && event.event !== "failed") return;
    const now = this.#clock.now().getTime();
    const { since } = this.#failing.get(event.hop) ?? { since: now };
    this.#failing.set(event.hop, { since, last: now, code: event.error.code });
  };

  /** Hops that have failed for at least so long without one success. `isFresh`: it was tried within that time; otherwise somebody has to ask. */
  down(forMs: Millis): readonly {
    readonly hop: string;
    readonly since: Date;
    readonly code: string;
    readonly isFresh: boolean;
  }[] {
    const now = this.#clock.now().getTime();
    return [...this.#failing]
      .filter(([, { since }]) => now - since >= forMs)
      .map(([hop, { since, last, code }]) => ({ hop, since: new Date(since), code, isFresh: now - last < forMs }));
  }

  /** It has answered: what was known is old. */
  forget(hop: string): void {
    this.#failing.delete(hop);
  }
}
