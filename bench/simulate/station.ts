/** Servers with one line before them: whoever came first is served first. Keeps what queueing theory asks about. */
import type { Events } from "./events.ts";

export interface StationFigures {
  readonly arrivals: number;
  readonly completions: number;
  /** Mean number of jobs there, waiting or served: L. */
  readonly meanInside: number;
  /** Mean time from coming to going, of those who have gone: W. */
  readonly meanTime: number;
  /** Busy share of the servers. */
  readonly utilisation: number;
}

interface Waiting {
  readonly service: number;
  readonly came: number;
  readonly done: () => void;
}

export class Station {
  readonly servers: number;
  readonly #events: Events;
  readonly #line: Waiting[] = [];
  /** The line's front; what is before it has been served, and goes now and then. */
  #first = 0;
  #busy = 0;
  #inside = 0;
  #since = 0;
  #changed = 0;
  #insideTime = 0;
  #busyTime = 0;
  #arrivals = 0;
  #completions = 0;
  #sojourn = 0;

  constructor(events: Events, servers: number) {
    this.#events = events;
    this.servers = servers;
  }

  get inside(): number {
    return this.#inside;
  }

  serve(service: number, done: () => void): void {
    this.#account();
    this.#arrivals++;
    this.#inside++;
    const job = { service, came: this.#events.now, done };
    if (this.#busy < this.servers) this.#begin(job);
    else this.#line.push(job);
  }

  /** Counts from now on: what was before the steady state does not belong to it. */
  reset(): void {
    this.#account();
    this.#since = this.#events.now;
    this.#insideTime = this.#busyTime = this.#arrivals = this.#completions = this.#sojourn = 0;
  }

  figures(): StationFigures {
    this.#account();
    const time = this.#events.now - this.#since;
    return {
      arrivals: this.#arrivals,
      completions: this.#completions,
      meanInside: this.#insideTime / time,
      meanTime: this.#sojourn / Math.max(1, this.#completions),
      utilisation: this.#busyTime / time / this.servers,
    };
  }

  #begin(job: Waiting): void {
    this.#busy++;
    this.#events.after(job.service, () => this.#end(job));
  }

  #end(job: Waiting): void {
    this.#account();
    this.#busy--;
    this.#inside--;
    this.#completions++;
    this.#sojourn += this.#events.now - job.came;
    const next = this.#line[this.#first];
    if (next) {
      this.#first++;
      if (this.#first > 1_000 && this.#first * 2 > this.#line.length) {
        this.#line.splice(0, this.#first);
        this.#first = 0;
      }
      this.#begin(next);
    }
    job.done();
  }

  #account(): void {
    const { now } = this.#events;
    this.#insideTime += this.#inside * (now - this.#changed);
    this.#busyTime += this.#busy * (now - this.#changed);
    this.#changed = now;
  }
}
