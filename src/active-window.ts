/** The bounded window of active messages and the line before it, fair between routes: a next hop that hangs cannot take the room of the others. Pure. */

export interface WindowOptions {
  readonly size: number;
  /** By route: how many it may hold at most. `null`: never more than are left free for others, so that somebody who holds none finds room. */
  readonly most: (route: string) => number | null;
}

export interface Waiting<T> {
  readonly id: string;
  readonly route: string;
  readonly item: T;
}

export class ActiveWindow<T> {
  readonly #options: WindowOptions;
  /** Who is in the window, and for which route. */
  readonly #inside = new Map<string, string>();
  readonly #held = new Map<string, number>();
  /** By route, oldest first; the route that was served last is at the end. */
  readonly #lines = new Map<string, Waiting<T>[]>();
  readonly #waiting = new Set<string>();

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** By route: how many are in the window. */
  get held(): ReadonlyMap<string, number> {
    return this.#held;
  }

  /** Is there room at all, or for one more message of this route? */
  hasRoom(route?: string): boolean {
    const free = this.#options.size - this.#inside.size;
    if (route === undefined || free <= 0) return free > 0;
    return (this.#held.get(route) ?? 0) < (this.#options.most(route) ?? free);
  }

  /** Nobody is turned away here: what is ours already has to be somewhere. */
  enter(id: string, route: string): void {
    if (this.#inside.has(id)) return;
    this.#inside.set(id, route);
    this.#held.set(route, (this.#held.get(route) ?? 0) + 1);
  }

  leave(id: string): void {
    const route = this.#inside.get(id);
    if (route === undefined) return;
    this.#inside.delete(id);
    const left = (this.#held.get(route) ?? 1) - 1;
    if (left > 0) this.#held.set(route, left);
    else this.#held.delete(route);
  }

  isWaiting(id: string): boolean {
    return this.#waiting.has(id);
  }

  wait(waiting: Waiting<T>): void {
    this.#waiting.add(waiting.id);
    const line = this.#lines.get(waiting.route);
    if (line) line.push(waiting);
    else this.#lines.set(waiting.route, [waiting]);
  }

  /** The first in line of the next route that has room enters; routes take turns. */
  next(): T | null {
    for (const [route, line] of this.#lines) {
      if (!this.hasRoom(route)) continue;
      const first = line.shift();
      this.#lines.delete(route);
      if (!first) continue;
      if (line.length > 0) this.#lines.set(route, line);
      this.#waiting.delete(first.id);
      this.enter(first.id, route);
      return first.item;
    }
    return null;
  }

  clearLines(): void {
    this.#lines.clear();
    this.#waiting.clear();
  }
}
