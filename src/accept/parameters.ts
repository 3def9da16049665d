/** The parameters of MAIL that we announce: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531). */
import type { Reply } from "../core/status.ts";
import { says } from "../core/replies.ts";

export type Parameters = ReadonlyMap<string, string | true>;

const check = {
  SIZE: (value: string | true, largest: number): Reply | null => {
    if (value === true || !/^\d{1,20}$/.test(value)) return says.syntax;
    return Number(value) > largest ? says.tooLarge : null;
  },
  BODY: (value: string | true): Reply | null => (/^(7BIT|8BITMIME)$/i.test(String(value)) ? null : says.syntax),
  SMTPUTF8: (value: string | true): Reply | null => (value === true ? null : says.syntax),
} as const;

const isKnown = (name: string): name is keyof typeof check => Object.hasOwn(check, name);

/** Null if all of them are known and right. RFC 5321 §4.1.1.11: 555 for those that are not. */
export function checkMailParameters(parameters: Parameters, largest: number): Reply | null {
  for (const [name, value] of parameters) {
    const refusal = isKnown(name) ? check[name](value, largest) : says.unknownParameter;
    if (refusal) return refusal;
  }
  return null;
}
