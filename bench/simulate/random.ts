/** Numbers by chance, the same ones for the same seed. */

export interface Chance {
  /** From 0 to below 1. */
  next(): number;
  /** Exponentially distributed, with that mean: times between arrivals that know nothing of each other. */
  exponential(mean: number): number;
  /** Sum of `phases` exponential times: the more phases, the less it varies. */
  erlang(mean: number, phases: number): number;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
}

/** Mulberry32: 32 bits of state are plenty for some million draws. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  const exponential = (mean: number): number => -Math.log(1 - next()) * mean;
  return {
    next,
    exponential,
    erlang(mean, phases) {
      let sum = 0;
      for (let i = 0; i < phases; i++) sum += exponential(mean / phases);
      return sum;
    },
    below: (count) => Math.floor(next() * count),
  };
}
