/** Secrets that we hand out: random, shown once, kept as a hash. 256 bits need no slow hash. */
import { hash, randomBytes } from "node:crypto";

export interface MadeSecret {
  readonly secret: string;
  readonly hash: string;
}

export const hashOfSecret = (secret: string): string => hash("sha256", secret, "hex");

/** `prefix` tells scanners for leaked secrets, and people, what it is. */
export function newSecret(prefix = ""): MadeSecret {
  const secret = prefix + randomBytes(32).toString("base64url");
  return { secret, hash: hashOfSecret(secret) };
}

const digits = "ABCDEFGHJKMNPQRSTVWXYZ23456789";

/** 20 characters in groups of five, to be typed: 98 bits. */
export function newCode(): MadeSecret {
  const letters: string[] = [];
  while (letters.length < 20)
    for (const octet of randomBytes(32)) if (octet < 240 && letters.length < 20) letters.push(digits[octet % 30] ?? "");
  const secret = letters.join("").replace(/(.{5})(?=.)/g, "$1-");
  return { secret, hash: hashOfCode(secret) };
}

/** Case, spaces and hyphens do not count. */
export const hashOfCode = (code: string): string => hashOfSecret(code.toUpperCase().replace(/[\s-]/g, ""));
