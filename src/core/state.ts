/** The states of a message and the allowed moves; the only source of both. The state is the folder of the spool. */

export const states = ["arriving", "incoming", "active", "deferred", "quarantine", "corrupt"] as const;
export type State = (typeof states)[number];

/** Whatever is not here does not compile. Removal is allowed from any state but `corrupt`. */
export const moves = {
  arriving: ["incoming", "active", "deferred", "quarantine"],
  incoming: ["active", "corrupt"],
  active: ["incoming", "deferred", "quarantine", "corrupt"],
  deferred: ["active", "corrupt"],
  quarantine: ["incoming", "corrupt"],
  corrupt: [],
} as const satisfies Record<State, readonly State[]>;

/** States of a message that is ours: a 250 was, or may have been, said. */
export type Claimed = Exclude<State, "arriving">;

export const mayMove = (from: State, to: State): boolean => (moves[from] as readonly State[]).includes(to);
