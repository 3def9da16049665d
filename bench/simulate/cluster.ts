/** A cluster as servers with lines before them, and a message on its way through it. */
import type { Mail } from "./costs.ts";
import { Events } from "./events.ts";
import { type Chance, chance } from "./random.ts";
import { Station, type StationFigures } from "./station.ts";

export interface Site {
  readonly gateways: number;
  /** Scan children of each: cores beside the one of its own process. */
  readonly gatewayChildren: number;
  /** Redis servers, each with workers of its own. */
  readonly shards: number;
  readonly workers: number;
  readonly workerChildren: number;
  readonly postgresCores: number;
}

export interface RunOptions {
  readonly site: Site;
  readonly mail: Mail;
  readonly perSecond: number;
  /** Simulated, the first fifth of which does not count. */
  readonly seconds: number;
  readonly seed: number;
}

export interface Figures {
  /** Messages that got their answer, a second. */
  readonly throughput: number;
  /** Share of messages that a full gateway put off (451). */
  readonly refused: number;
  /** From the final dot to the verdict and the next hop's turn. */
  readonly p50: number;
  readonly p95: number;
  readonly stations: Readonly<Record<string, StationFigures>>;
}

/** scan.max_active */
const mostActive = 200;

interface Gateway {
  readonly own: Station;
  readonly children: Station;
  active: number;
}

interface Shard {
  readonly redis: Station;
  readonly own: Station;
  readonly children: Station;
}

/** Workers take what they have room for, so those of a shard are one line with many servers. */
export class Cluster {
  readonly events = new Events();
  readonly gateways: readonly Gateway[];
  readonly shards: readonly Shard[];
  readonly postgres: Station;
  readonly #mail: Mail;
  readonly #chance: Chance;

  constructor(site: Site, mail: Mail, seed: number) {
    this.#mail = mail;
    this.#chance = chance(seed);
    const station = (servers: number): Station => new Station(this.events, servers);
    this.gateways = Array.from({ length: site.gateways }, () => ({
      own: station(1),
      children: station(site.gatewayChildren),
      active: 0,
    }));
    // As even as can be.
    const workersOf = (shard: number): number =>
      Math.floor(site.workers / site.shards) + (shard < site.workers % site.shards ? 1 : 0);
    this.shards = Array.from({ length: site.shards }, (_, i) => ({
      redis: station(1),
      own: station(workersOf(i)),
      children: station(workersOf(i) * site.workerChildren),
    }));
    this.postgres = station(site.postgresCores);
  }

  get stations(): Readonly<Record<string, readonly Station[]>> {
    return {
      "gateway, own process": this.gateways.map(({ own }) => own),
      "gateway, children": this.gateways.map(({ children }) => children),
      Redis: this.shards.map(({ redis }) => redis),
      "worker, own process": this.shards.map(({ own }) => own),
      "worker, children": this.shards.map(({ children }) => children),
      PostgreSQL: [this.postgres],
    };
  }

  /** False: put off. `done` hears of the end. */
  message(done: () => void): boolean {
    const { costs, withJobs, jobs } = this.#mail;
    const gateway = this.gateways[this.#chance.below(this.gateways.length)];
    if (!gateway || gateway.active >= mostActive) return false;
    gateway.active++;
    const end = (): void =>
      gateway.own.serve(this.#steady(costs.gateway / 2), () => {
        gateway.active--;
        done();
        this.postgres.serve(this.#steady(costs.row), () => undefined);
      });
    gateway.own.serve(this.#steady(costs.gateway / 2), () =>
      gateway.children.serve(this.#wild(costs.dissect), () => {
        let left = this.#chance.next() < withJobs ? jobs : 0;
        if (left === 0) return end();
        for (let i = left; i > 0; i--)
          this.job(gateway, () => {
            if (--left === 0) end();
          });
      }),
    );
    return true;
  }

  job(gateway: Gateway, done: () => void): void {
    const { costs } = this.#mail;
    const shard = this.shards[this.#chance.below(this.shards.length)];
    if (!shard) return;
    const { events } = this;
    const ask = (then: () => void): void =>
      events.after(costs.network, () =>
        shard.redis.serve(this.#steady(costs.redis / 2), () => events.after(costs.network, then)),
      );
    gateway.own.serve(this.#steady(costs.send), () =>
      events.after(this.#steady(costs.put), () =>
        ask(() =>
          shard.own.serve(this.#steady(costs.work), () =>
            events.after(this.#steady(costs.get), () =>
              shard.children.serve(this.#wild(costs.inspect), () => ask(done)),
            ),
          ),
        ),
      ),
    );
  }

  /** What is much the same each time. */
  #steady(mean: number): number {
    return this.#chance.erlang(mean, 4);
  }

  /** What hangs on the content. */
  #wild(mean: number): number {
    return this.#chance.exponential(mean);
  }
}

const share = (sorted: readonly number[], part: number): number => sorted[Math.floor(sorted.length * part)] ?? 0;

function together(stations: readonly Station[]): StationFigures {
  const all = stations.map((station) => station.figures());
  const sum = (pick: (one: StationFigures) => number): number => all.reduce((total, one) => total + pick(one), 0);
  const servers = stations.reduce((total, station) => total + station.servers, 0);
  const busy = all.reduce((total, one, i) => total + one.utilisation * (stations[i]?.servers ?? 0), 0);
  const completions = sum((one) => one.completions);
  return {
    arrivals: sum((one) => one.arrivals),
    completions,
    meanInside: sum((one) => one.meanInside),
    meanTime: sum((one) => one.meanTime * one.completions) / Math.max(1, completions),
    utilisation: busy / servers,
  };
}

/** Messages come when they come, whether or not the others are done. */
export function simulate({ site, mail, perSecond, seconds, seed }: RunOptions): Figures {
  const cluster = new Cluster(site, mail, seed);
  const { events, stations } = cluster;
  const arrivals = chance(seed + 1);
  const begin = seconds * 200;
  const times: number[] = [];
  let [done, came, refused] = [0, 0, 0];
  const arrive = (): void => {
    const at = events.now;
    const counts = at >= begin;
    const taken = cluster.message(() => {
      if (events.now >= begin) done++;
      if (counts) times.push(events.now - at);
    });
    if (counts) came++;
    if (counts && !taken) refused++;
    events.after(arrivals.exponential(1_000 / perSecond), arrive);
  };
  arrive();
  events.run(begin);
  for (const station of Object.values(stations).flat()) station.reset();
  events.run(seconds * 1_000);
  const sorted = times.sort((a, b) => a - b);
  return {
    throughput: done / (seconds * 0.8),
    refused: refused / Math.max(1, came),
    p50: share(sorted, 0.5),
    p95: share(sorted, 0.95),
    stations: Object.fromEntries(Object.entries(stations).map(([name, all]) => [name, together(all)])),
  };
}
