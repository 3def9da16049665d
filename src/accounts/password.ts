/** Passwords: argon2id (RFC 9106), kept as PHC strings so that the cost may rise later. */
import { argon2 as argon2Callback, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const argon2 = promisify(argon2Callback);

interface Cost {
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** About 50 ms on one core of 2026; OWASP's first choice of 19 MiB and two passes. */
const cost: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const tagLength = 32;
const shape = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

export const shortestPassword = 12;
export const longestPassword = 200;

const derive = (password: string, nonce: Buffer, { memory, passes, parallelism }: Cost): Promise<Buffer> =>
  argon2("argon2id", { message: password.normalize("NFC"), nonce, memory, passes, parallelism, tagLength });

const plain = (octets: Buffer): string => octets.toString("base64").replace(/=+$/, "");

export async function hashPassword(password: string): Promise<string> {
  const nonce = randomBytes(16);
  const tag = await derive(password, nonce, cost);
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${plain(nonce)}$${plain(tag)}`;
}

/** Takes its place where there is no account or no password, so that the time tells nothing. */
const nobody = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${"A".repeat(22)}$${"A".repeat(43)}`;

export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const found = shape.exec(stored ?? nobody);
  if (!found) return false;
  const [, memory, passes, parallelism, nonce = "", tag = ""] = found;
  const made = await derive(password, Buffer.from(nonce, "base64"), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  });
  const known = Buffer.from(tag, "base64");
  return stored !== null && made.length === known.length && timingSafeEqual(made, known);
}
