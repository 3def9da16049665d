/** Everything that `npm test` runs, in this order; the only list of it. */

/** A program that says yes or no; counts as one test. */
export interface Check {
  readonly kind: "check";
  readonly name: string;
  /** From node_modules/.bin, with its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
}

/** Files of Node's test runner. */
export interface Tests {
  readonly kind: "tests";
  readonly name: string;
  readonly files: string;
  /** Files at the same time. */
  readonly atOnce: number;
  /** Servers that must be installed, by their names in servers.ts. */
  readonly needs: readonly string[];
  /** A test that takes longer has failed. */
  readonly timeoutMs: number;
}

export type Group = Check | Tests;

const check = (name: string, ...command: [string, ...string[]]): Check => ({ kind: "check", name, command });

const tests = (name: string, options: Partial<Pick<Tests, "atOnce" | "needs" | "timeoutMs">> = {}): Tests => ({
  kind: "tests",
  name,
  files: `test/${name}/**/*.test.ts`,
  atOnce: 1,
  needs: [],
  timeoutMs: 120_000,
  ...options,
});

export const groups: readonly Group[] = [
  check("format", "biome", "format", "."),
  check("lint", "eslint", "."),
  check("types", "tsc", "--noEmit"),
  check("arch", "depcruise", "--config", ".dependency-cruiser.js", "src", "workers", "test"),
  tests("unit", { atOnce: 2 }),
  tests("contract", { needs: ["postgresql", "redis", "swift"] }),
  tests("dialogs"),
  tests("architecture"),
  tests("fuzz"),
  tests("difference", { needs: ["mime-readers", "gi", "gmime", "camel", "mpack", "ripmime"] }),
  tests("e2e", { needs: ["postfix", "swaks", "postgresql", "redis", "swift"], timeoutMs: 300_000 }),
  tests("crash", { timeoutMs: 600_000 }),
];
