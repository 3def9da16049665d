/** Gives out queue ids: they sort by arrival, rise within the process, and nobody outside can guess or shape one. */
import { createHash, randomBytes } from "node:crypto";
import type { QueueId } from "../core/message.ts";
import { idDigits, isQueueId, timePrefix } from "../core/queue-id.ts";
import type { Clock } from "../observe/clock.ts";

const chanceBytes = 10;

/** Eighty bits as sixteen digits. */
function digits(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (let i = 0; i < 16; i += 1) {
    text = idDigits.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return text;
}

function asId(text: string): QueueId {
  if (!isQueueId(text)) throw new RangeError(`not a queue id: ${text}`);
  return text;
}

/** One more; the first bit of chance starts as 0, so that there is always room above. */
function increment(bytes: Uint8Array): void {
  for (let i = bytes.length - 1; i >= 0; i -= 1) {
    const next = ((bytes[i] ?? 0) + 1) & 0xff;
    bytes[i] = next;
    if (next !== 0) return;
  }
}

export function createIds(clock: Clock): () => QueueId {
  let last = 0;
  let chance: Uint8Array = new Uint8Array(chanceBytes);
  return () => {
    const now = clock.now().getTime();
    if (now > last) {
      last = now;
      chance = randomBytes(chanceBytes);
      chance[0] = (chance[0] ?? 0) & 0x7f;
    } else {
      // The same millisecond, or a clock that was set back: ids still rise.
      increment(chance);
    }
    return asId(timePrefix(last) + digits(chance));
  };
}

/** The same id for the same purpose each time, so that splitting and releasing can be repeated after a crash. Keeps the time of `from`. */
export function derivedId(from: QueueId, what: string): QueueId {
  const hash = createHash("sha256").update(from).update("\0").update(what).digest();
  return asId(from.slice(0, 10) + digits(hash.subarray(0, chanceBytes)));
}
