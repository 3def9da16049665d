/**
 * Who may still tell the waiting client something. Two parties race for it: the work on the message, and the reply deadline.
 * Whoever takes the turn first answers; the other goes on as after the claim.
 */
export class Turn {
  #taken = false;
  #claimed = Promise.resolve();

  /** True exactly once. */
  take(): boolean {
    if (this.#taken) return false;
    this.#taken = true;
    return true;
  }

  get taken(): boolean {
    return this.#taken;
  }

  /** The deadline's claim: whoever comes too late waits for it before touching the entry. */
  claiming(claim: Promise<void>): Promise<void> {
    this.#claimed = claim;
    return claim;
  }

  /** Takes the turn, or waits until the claim that came first is done. */
  async takeOrWait(): Promise<boolean> {
    if (this.take()) return true;
    await this.#claimed;
    return false;
  }
}
