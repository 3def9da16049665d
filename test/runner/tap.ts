/** Reads the counts out of a report of Node's test runner. */

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** The last lines of the report say "# pass 12". Skipped and cancelled tests have not passed; a runner that failed without a failed test has one. */
export function countsOf(tap: string, exitCode: number): Counts {
  const count = (word: string): number =>
    Number(new RegExp(`^# ${word} (\\d+)$`, "m").exec(tap.slice(-2000))?.[1] ?? 0);
  const passed = count("pass");
  const failed = count("fail") + count("cancelled") + count("skipped") + count("todo");
  const isSilent = failed === 0 && (exitCode !== 0 || passed === 0);
  return { passed, failed: isSilent ? 1 : failed };
}
