/** bench/queue.ts simulated: its processes share the cores of one machine. For comparing the simulation with what was measured. */
import { Events } from "./events.ts";
import { chance } from "./random.ts";
import { Station } from "./station.ts";

/** CPU milliseconds of a job in each process, in the order in which it passes them. */
export interface Steps {
  readonly work: readonly number[];
  readonly cores: number;
}

const begin = 20_000;
const end = 120_000;

/** Jobs a second with so many under way all the time. */
export function most({ work, cores }: Steps, lanes: number, seed: number): number {
  const { events, pass } = machine(work, cores, seed);
  let done = 0;
  const lane = (): void =>
    pass(() => {
      if (events.now >= begin) done++;
      lane();
    });
  for (let i = 0; i < lanes; i++) lane();
  events.run(end);
  return (done * 1_000) / (end - begin);
}

/** Milliseconds of a job, sorted, if so many come a second. */
export function paced({ work, cores }: Steps, perSecond: number, seed: number): readonly number[] {
  const { events, pass, random } = machine(work, cores, seed);
  const times: number[] = [];
  const arrive = (): void => {
    const came = events.now;
    pass(() => {
      if (came >= begin) times.push(events.now - came);
    });
    events.after(random.exponential(1_000 / perSecond), arrive);
  };
  arrive();
  events.run(end);
  return times.sort((a, b) => a - b);
}

function machine(work: readonly number[], cores: number, seed: number) {
  const events = new Events();
  const random = chance(seed);
  const station = new Station(events, cores);
  const pass = (done: () => void, step = 0): void => {
    const mean = work[step];
    if (mean === undefined) done();
    else station.serve(random.erlang(mean, 4), () => pass(done, step + 1));
  };
  return { events, random, pass };
}
