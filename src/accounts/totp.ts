/** Codes of an authenticator app: RFC 6238 with SHA-1, six digits, thirty seconds, which all apps know. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const stepMs = 30_000;
/** Clocks differ: one step before and one after count too. */
const slack = 1;

/** RFC 4648 §6, without padding; 160 bits (RFC 4226 §4). */
export function newTotpSecret(): string {
  const bits = [...randomBytes(20)].map((octet) => octet.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join("");
}

function octetsOf(secret: string): Buffer {
  const bits = [...secret].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}

export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", octetsOf(secret)).update(counter).digest();
  const at = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, "0");
}

export const stepAt = (now: Date): number => Math.floor(now.getTime() / stepMs);

/** The step that the code belongs to, later than `after`, so that none is taken twice (RFC 6238 §5.2); null if it is wrong. */
export function totpStep(secret: string, code: string, now: Date, after: number): number | null {
  const given = Buffer.from(code.replace(/\s/g, ""));
  for (let step = stepAt(now) - slack; step <= stepAt(now) + slack; step++) {
    const right = Buffer.from(totpCode(secret, step));
    if (step > after && given.length === right.length && timingSafeEqual(given, right)) return step;
  }
  return null;
}

/** What the QR code of an app holds. */
export function totpUri(secret: string, account: string, issuer: string): string {
  const query = new URLSearchParams({ secret, issuer });
  return `otpauth://totp/${encodeURIComponent(issuer)}:${encodeURIComponent(account)}?${query.toString()}`;
}
