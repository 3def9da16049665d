/** A clock that can be put forward and back while a process goes by it: libfaketime, which stands between the process and the C library. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ClockOfItsOwn {
  /** For the process; it sees a new offset within a second. Its timers go on as they did: those follow the monotonic clock. */
  readonly env: Readonly<Record<string, string>>;
  setOff(seconds: number): void;
}

/** Debian puts libraries into a folder of the architecture. */
function library(): string | null {
  const folders = readdirSync("/usr/lib").map((name) => join("/usr/lib", name, "faketime/libfaketime.so.1"));
  return folders.find((file) => existsSync(file)) ?? null;
}

/** What is missing for one, in words; null if nothing is. */
export const noClockBecause = (): string | null =>
  library() === null ? "libfaketime is missing; on Debian: apt-get install libfaketime" : null;

/** `file` holds the offset. */
export function makeClock(file: string): ClockOfItsOwn {
  const setOff = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
  setOff(0);
  return {
    setOff,
    env: {
      LD_PRELOAD: library() ?? "",
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    },
  };
}
