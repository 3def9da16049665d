/** When to try again, and when to give up. RFC 5321 §4.5.4.1. */
import type { Millis } from "../core/message.ts";

export interface Retry {
  readonly first: Millis;
  readonly longest: Millis;
  readonly expire: Millis;
}

/** Messages that failed together shall not all come back together: up to a tenth earlier or later. */
const spread = 0.1;

/** From 0 up to 1, always the same for the same text (FNV-1a, then mixed, since ids differ in their last characters). */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

export const expiryOf = (arrivedAt: string, retry: Retry): Date => new Date(Date.parse(arrivedAt) + retry.expire);

/** After the `attempts`-th failure (from 1). The last attempt is made when the time is up; after that null: give up. */
export function nextAttempt(id: string, attempts: number, now: Date, expires: Date, retry: Retry): Date | null {
  if (now >= expires) return null;
  const wait = Math.min(retry.longest, retry.first * 2 ** Math.min(attempts - 1, 30));
  const varied = wait * (1 - spread + 2 * spread * fraction(`${id} ${attempts}`));
  return new Date(Math.min(now.getTime() + varied, expires.getTime()));
}
