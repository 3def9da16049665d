/** What a queue id says of itself: 10 digits of time in milliseconds and 16 of chance, in Crockford's base 32. */
import type { Millis, QueueId } from "./message.ts";

export const idDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const shape = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const timeDigits = 10;

/** The only door for ids from outside: what passes is 26 letters and digits, so it cannot climb out of a folder. */
export const isQueueId = (text: unknown): text is QueueId => typeof text === "string" && shape.test(text);

/** The time digits alone: the lowest id of that millisecond begins with them. */
export function timePrefix(at: Millis): string {
  let rest = Math.max(0, Math.floor(at));
  let digits = "";
  for (let i = 0; i < timeDigits; i += 1) {
    digits = idDigits.charAt(rest % 32) + digits;
    rest = Math.floor(rest / 32);
  }
  return digits;
}

/** Milliseconds since 1970, when the id was given out. */
export function arrivalOf(id: QueueId): Millis {
  let at = 0;
  for (const digit of id.slice(0, timeDigits)) at = at * 32 + idDigits.indexOf(digit);
  return at;
}
