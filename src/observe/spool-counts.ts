/** How many messages lie in each state, and which is the oldest: counted once, then kept from moves, so that nobody lists a large quarantine for a figure. */
import type { QueueId } from "../core/message.ts";
import { type State, states } from "../core/state.ts";
import type { Spool } from "../spool/spool.ts";

export interface Move {
  readonly id: QueueId;
  readonly from: State;
  readonly to: State | "gone";
}

type Countable = Pick<Spool, "count" | "list">;
/** Few, and people take them out by hand: these are looked at. What arrives is not ours. */
const isKept = (state: State | "gone"): boolean => state !== "arriving" && state !== "corrupt" && state !== "gone";
const settleMs = 250;

export class SpoolCounts {
  readonly #spool: Countable;
  readonly #counts = new Map<State, number>();
  /** Absent: to be looked up; null: there is none. */
  readonly #oldest = new Map<State, QueueId | null>();
  #moves = 0;

  private constructor(spool: Countable) {
    this.#spool = spool;
  }

  /** To be called before anything moves. */
  static async of(spool: Countable): Promise<SpoolCounts> {
    const counts = new SpoolCounts(spool);
    for (const state of states) if (isKept(state)) counts.#counts.set(state, await spool.count(state));
    return counts;
  }

  readonly hear = ({ id, from, to }: Move): void => {
    this.#moves++;
    if (isKept(from)) {
      this.#counts.set(from, Math.max(0, (this.#counts.get(from) ?? 0) - 1));
      if (this.#oldest.get(from) === id) this.#oldest.delete(from);
    }
    if (to === "gone" || !isKept(to)) return;
    this.#counts.set(to, (this.#counts.get(to) ?? 0) + 1);
    const oldest = this.#oldest.get(to);
    if (oldest === null || (oldest !== undefined && id < oldest)) this.#oldest.set(to, id);
  };

  async count(state: State): Promise<number> {
    return isKept(state) ? (this.#counts.get(state) ?? 0) : this.#spool.count(state);
  }

  async oldest(state: State): Promise<QueueId | null> {
    const known = this.#oldest.get(state);
    if (known !== undefined) return known;
    const before = this.#moves;
    let first: QueueId | null = null;
    for await (const id of this.#spool.list(state)) {
      first = id;
      break;
    }
    if (isKept(state) && before === this.#moves) this.#oldest.set(state, first);
    return first;
  }

  /** Counts again, should a hand have been in the spool; what moves meanwhile is left as it is. */
  async recount(): Promise<void> {
    for (const state of this.#counts.keys()) {
      const before = this.#moves;
      const count = await this.#spool.count(state);
      await new Promise((resolve) => setTimeout(resolve, settleMs).unref());
      if (before !== this.#moves) continue;
      this.#counts.set(state, count);
      this.#oldest.delete(state);
    }
  }
}
