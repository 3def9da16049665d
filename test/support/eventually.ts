/** Waits for what comes by itself: on a busy machine later, but it comes. */
import { setTimeout as sleep } from "node:timers/promises";

/** Asks until the answer is neither undefined, null, false, 0 nor "", and returns it. */
export async function eventually<T>(what: string, ask: () => T | Promise<T>, ms = 60_000): Promise<NonNullable<T>> {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await sleep(50);
  }
}
