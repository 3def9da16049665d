/** The simulation against what queueing theory knows: Little's law, M/M/1, M/M/c; and against the arithmetic of sizing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, simulate, type Site } from "../../../bench/simulate/cluster.ts";
import { mixed } from "../../../bench/simulate/costs.ts";
import { Events } from "../../../bench/simulate/events.ts";
import { chance } from "../../../bench/simulate/random.ts";
import { ceiling, demands, siteFor } from "../../../bench/simulate/sizing.ts";
import { Station } from "../../../bench/simulate/station.ts";

/** Poisson arrivals, exponential service. */
function queue(servers: number, utilisation: number, jobs: number, seed: number) {
  const events = new Events();
  const station = new Station(events, servers);
  const random = chance(seed);
  const between = 1 / (utilisation * servers);
  let left = jobs;
  const arrive = (): void => {
    station.serve(random.exponential(1), () => undefined);
    if (--left > 0) events.after(random.exponential(between), arrive);
  };
  arrive();
  events.run();
  return { ...station.figures(), rate: jobs / events.now };
}

/** The chance that all servers are busy (Erlang 1917). */
function erlangC(servers: number, utilisation: number): number {
  const load = servers * utilisation;
  let [term, sum] = [1, 0];
  for (let k = 0; k < servers; k++) {
    sum += term;
    term *= load / (k + 1);
  }
  const last = term / (1 - utilisation);
  return last / (sum + last);
}

const near = (value: number, expected: number, share: number): void =>
  assert.ok(Math.abs(value - expected) <= share * expected, `${value}, expected ${expected}`);

for (const [servers, utilisation] of [
  [1, 0.5],
  [1, 0.8],
  [4, 0.8],
  [16, 0.9],
] as const)
  test(`M/M/${servers} at ${utilisation}: time and utilisation are Erlang's, and L = λW`, () => {
    const { meanTime, meanInside, rate, utilisation: busy } = queue(servers, utilisation, 200_000, 7);
    near(meanTime, 1 + erlangC(servers, utilisation) / (servers * (1 - utilisation)), 0.05);
    near(busy, utilisation, 0.02);
    near(meanInside, rate * meanTime, 0.001);
  });

test("events come in the order of their times, equal ones as they were planned", () => {
  const events = new Events();
  const random = chance(3);
  const times = Array.from({ length: 2_000 }, () => random.below(50));
  const heard: (readonly [number, number])[] = [];
  for (const [i, time] of times.entries()) events.after(time, () => heard.push([events.now, i]));
  events.run();
  const expected = times.map((time, i) => [time, i] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assert.deepEqual(heard, expected);
});

const site: Site = { gateways: 2, gatewayChildren: 3, shards: 1, workers: 3, workerChildren: 4, postgresCores: 1 };

test("the same seed gives the same figures, another one others that are much the same", () => {
  const run = (seed: number) => simulate({ site, mail: mixed, perSecond: 40, seconds: 60, seed });
  const [one, again, other] = [run(1), run(1), run(2)];
  assert.deepEqual(one, again);
  assert.notEqual(one.p50, other.p50);
  near(other.p50, one.p50, 0.15);
});

test("Little's law holds for every server of a cluster, and each is as busy as the arithmetic says", () => {
  const perSecond = ceiling(site, mixed).perSecond * 0.7;
  const { stations, throughput, refused } = simulate({ site, mail: mixed, perSecond, seconds: 300, seed: 5 });
  near(throughput, perSecond, 0.03);
  assert.equal(refused, 0);
  const need: Readonly<Record<string, number>> = demands(mixed);
  const cluster = new Cluster(site, mixed, 1);
  for (const [name, figures] of Object.entries(stations)) {
    const perMs = figures.completions / (300 * 800);
    near(figures.meanInside, perMs * figures.meanTime, 0.05);
    const servers = (cluster.stations[name] ?? []).reduce((sum, station) => sum + station.servers, 0);
    near(figures.utilisation, ((need[name] ?? 0) * perSecond) / 1_000 / servers, 0.06);
  }
});

test("beyond the ceiling a cluster does what it can, and puts the rest off", () => {
  const { perSecond } = ceiling(site, mixed);
  const { throughput, refused } = simulate({ site, mail: mixed, perSecond: 2 * perSecond, seconds: 120, seed: 5 });
  near(throughput, perSecond, 0.08);
  near(refused, 0.5, 0.1);
});

test("a site made for a rate carries it, and is not made for more than twice as much", () => {
  for (const perSecond of [10, 300, 3_000, 10_000]) {
    const made = siteFor(perSecond, mixed, { gatewayChildren: 3, workerChildren: 7 }, 0.7);
    assert.ok(ceiling(made, mixed).perSecond >= perSecond / 0.7 - 1e-6);
    if (perSecond > 1_000) assert.ok(ceiling(made, mixed).perSecond < 1.5 * (perSecond / 0.7));
  }
});
