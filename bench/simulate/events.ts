/** A clock that jumps from one event to the next. Milliseconds. */

interface Event {
  readonly at: number;
  /** Of events at the same time the one that was planned first comes first. */
  readonly order: number;
  readonly run: () => void;
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

export class Events {
  now = 0;
  #planned = 0;
  /** A binary heap. */
  readonly #heap: Event[] = [];

  after(delay: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at: this.now + delay, order: this.#planned++, run };
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (!above || isBefore(above, event)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  /** Until nothing is planned any more, or until then. */
  run(until = Number.POSITIVE_INFINITY): void {
    for (let next = this.#heap[0]; next && next.at <= until; next = this.#heap[0]) {
      this.#removeFirst();
      this.now = next.at;
      next.run();
    }
    if (until !== Number.POSITIVE_INFINITY) this.now = until;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      let below = heap[child];
      const right = heap[child + 1];
      if (below && right && isBefore(right, below)) {
        child++;
        below = right;
      }
      if (!below || isBefore(last, below)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}
