/** What an allow or block entry may be about, in the one spelling that is compared. */
import { GatewayError } from "../core/errors.ts";
import type { ListSubject } from "./records.ts";

const sha256 = /^[0-9a-f]{64}$/;
/** RFC 5321 §4.5.3.1.3: 256 octets with its brackets; a local part may be quoted, and SMTPUTF8 allows any letter. */
const address = /^(?:"[^"\p{Cc}]{1,64}"|[^\s"@\p{Cc}]{1,64})?@[^\s"@\p{Cc}]{1,255}$/u;
const longest = 320;

const expected: Readonly<Record<ListSubject, string>> = {
  hash: "64 hexadecimal digits (SHA-256)",
  sender: "an address, or @domain",
  recipient: "an address, or @domain",
};

/** Throws USAGE. */
export function normalised(subject: ListSubject, value: string): string {
  const text = value.trim().normalize("NFC").toLowerCase();
  const isRight = subject === "hash" ? sha256.test(text) : text.length <= longest && address.test(text);
  if (!isRight) throw new GatewayError("USAGE", { [subject]: value.slice(0, longest), expected: expected[subject] });
  return text;
}

/** RFC 3339 in UTC, whatever spelling came in; null stays null. Throws USAGE. */
export function moment<T extends string | null>(text: T, what: string): T {
  if (text === null) return text;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new GatewayError("USAGE", { [what]: text.slice(0, 40), expected: "a date" });
  return new Date(at).toISOString() as T;
}
