/** Limits that both engines keep, so that they find the same. */

/** Beyond, counting stops: weak patterns on large parts took 4 GB without it. */
export const maxMatchesPerPattern = 1_000;
/** Reported of one rule. */
export const maxMatchesPerRule = 16;
