/**
 * Who may still tell the waiting client something. Two parties race for it: the work on the message, and the reply deadline.
 * Whoever takes the turn first answers; the other goes on as after the claim.
 */
export class Turn {
  #taken = false;
  #claim: Promise<unknown> = Promise.resolve();

  /** True exactly once. */
  take(): boolean {
    if (this.#taken) return false;
    this.#taken = true;
    return true;
  }

  get taken(): boolean {
    return this.#taken;
  }

  /** Resolves when no claim of the deadline is under way. */
  get quiet(): Promise<unknown> {
    return this.#claim;
  }

  /** The deadline's claim: whoever comes too late waits for it before touching the entry. If it fails the turn is given back: the client still waits. */
  claiming(claim: Promise<void>): Promise<void> {
    this.#claim = claim.catch(() => {
      this.#taken = false;
    });
    return claim;
  }

  /** Takes the turn, or waits until the claim that came first is done. */
  async takeOrWait(): Promise<boolean> {
    if (this.take()) return true;
    await this.#claim;
    return this.take();
  }
}
