/** Divides room among those who want it: nobody loses any of its share to another, and what one leaves unused goes to those who want more. */

export interface Wish {
  /** What it takes now. */
  readonly size: number;
  /** How much of the room is its own, compared with the others. */
  readonly weight: number;
}

/** Each gets what it wants, or `level × weight`: the level at which all together just fit (max-min fairness). In the order given. */
export function fairShares(wishes: readonly Wish[], room: number): readonly number[] {
  const shares = wishes.map(({ size }) => size);
  // Those who want least for their weight are served first; whoever does not fit shares what is left with all after it.
  const rising = wishes.map((wish, i) => ({ ...wish, i })).sort((a, b) => a.size * b.weight - b.size * a.weight);
  let left = Math.max(0, room);
  let weights = rising.reduce((sum, { weight }) => sum + weight, 0);
  for (const { size, weight, i } of rising) {
    const share = weights > 0 ? Math.min(size, (left * weight) / weights) : 0;
    shares[i] = share;
    left -= share;
    weights -= weight;
  }
  return shares;
}
