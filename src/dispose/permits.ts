/** A counting semaphore, first come first served, whose waiters can leave. */

interface Waiter {
  readonly go: () => void;
  readonly giveUp: (reason: unknown) => void;
}

export class Permits {
  #free: number;
  #waiting = new Set<Waiter>();
  #closed: Error | null = null;

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when it is our turn; `give()` must follow. Rejects with the signal's reason, or with that of `close()`. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#closed) throw this.#closed;
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        reject(signal.reason);
      };
      const settle = (outcome: () => void): void => {
        signal.removeEventListener("abort", leave);
        outcome();
      };
      const waiter = { go: () => settle(resolve), giveUp: (reason: unknown) => settle(() => reject(reason)) };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", leave);
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next.go();
  }

  close(reason: Error): void {
    this.#closed = reason;
    for (const waiter of this.#waiting) waiter.giveUp(reason);
    this.#waiting.clear();
  }
}
