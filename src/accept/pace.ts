/** Slow-drip senders: how fast DATA comes in, counting only the time in which we were waiting for the client. */
import type { Clock } from "../observe/clock.ts";

/** Nobody is called slow before that. */
const graceMs = 30_000;

export class Pace {
  readonly #least: number;
  readonly #clock: Clock;
  #octets = 0;
  #waitedMs = 0;
  #since: number;

  /** `least` in octets a second, on average. */
  constructor(least: number, clock: Clock) {
    this.#least = least;
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  /** Octets have come; true if they came too slowly. */
  isTooSlow(octets: number): boolean {
    this.#octets += octets;
    this.#waitedMs += this.#clock.monotonic() - this.#since;
    return this.#waitedMs > graceMs && this.#octets < (this.#waitedMs / 1000) * this.#least;
  }

  /** We are ready for more: from now on the client's time runs again. */
  ready(): void {
    this.#since = this.#clock.monotonic();
  }
}
