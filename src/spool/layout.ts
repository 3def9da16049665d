/** Where things lie in the spool: the one place that turns ids and states into paths. */
import { join } from "node:path";
import type { QueueId } from "../core/message.ts";
import { arrivalOf, isQueueId } from "../core/queue-id.ts";
import { type State, states } from "../core/state.ts";

/** Version of the layout, in `format` of the spool and of each entry (ADR 0012). */
export const spoolFormat = 1;

export const messageFile = "message.eml";
export const envelopeFile = "envelope.json";
export const formatFile = "format";
export const deliveryFile = "delivery.json";
export const reviewFile = "review.ndjson";

const dayShape = /^\d{4}-\d{2}-\d{2}$/;
export const isDay = (name: string): boolean => dayShape.test(name);

/** A held message lies under the UTC day of its arrival, which its id tells: no search is needed to find it. */
export const dayOf = (id: QueueId): string => new Date(arrivalOf(id)).toISOString().slice(0, 10);

export class Layout {
  readonly root: string;
  #discarded = 0;

  constructor(root: string) {
    this.root = root;
  }

  get folders(): readonly string[] {
    return states.map((state) => this.state(state));
  }

  get format(): string {
    return join(this.root, formatFile);
  }

  state(state: State): string {
    return join(this.root, state);
  }

  /** The folder that holds the entry's folder; its sync makes a move last. */
  parent(state: State, id: QueueId): string {
    return state === "quarantine" ? join(this.root, state, dayOf(id)) : this.state(state);
  }

  entry(state: State, id: QueueId): string {
    // The type says so already, but a path is made here, and an id may have come over a wire.
    if (!isQueueId(id)) throw new RangeError("not a queue id");
    return join(this.parent(state, id), id);
  }

  /** Where an entry goes to be taken apart: never the same twice, and swept at the next start. */
  trash(id: QueueId): string {
    this.#discarded += 1;
    return join(this.state("arriving"), `${id}.gone-${this.#discarded}`);
  }
}
