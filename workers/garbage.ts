/** Gives back what a job has left behind before the next one piles its own upon it. */
import type { Bytes } from "../src/core/message.ts";

/** Buffers of which so much has been dealt with since the last collection are worth one. */
const worthYoung: Bytes = 64 * 1024;
const worthAll: Bytes = 16 * 2 ** 20;
let since: Bytes = 0;

/** Buffers lie outside of the heap, whose size alone makes V8 collect: after large messages it waits for many more. A young collection takes a millisecond, a whole one some. */
export function tidy(contentBytes: Bytes): void {
  if (contentBytes < worthYoung) return;
  since += contentBytes;
  const isDue = since >= worthAll;
  if (isDue) since = 0;
  globalThis.gc?.({ type: isDue ? "major" : "minor" });
}
