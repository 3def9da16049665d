/** Opens an encrypted file of a zip with the passwords at hand; the right one is known by its sum or by the content's checksum. */
import iconv from "iconv-lite";
import type { Password } from "../../src/core/password.ts";
import { isKnownSeal, unseal } from "../formats/zip-crypto.ts";
import type { ZipHeader } from "../formats/zip.ts";
import type { Keyring } from "../keyring.ts";
import { type Opened, openEntry } from "./zip-entry.ts";

/** A thousand rounds of PBKDF2, or nothing but a few steps. */
const cost = 1;

/** Octets are what counts in a zip: UTF-8 as most programs have it, or CP932 as those of Windows in Japan. */
function forms(text: string): readonly Buffer[] {
  const utf8 = Buffer.from(text);
  if (utf8.length === text.length) return [utf8];
  const cp932 = iconv.encode(text, "cp932");
  return iconv.decode(cp932, "cp932") === text ? [utf8, cp932] : [utf8];
}

const checksumOf = /checksum or size$/;

/** What came out is what was put in, as far as can be told. AE-2 keeps no checksum, its sum has proved it already. */
function proven(opened: Opened, certain: boolean): Opened | null {
  if (opened.kind !== "bytes") return certain || opened.kind === "limit" ? opened : null;
  if (opened.problem === undefined) return opened;
  if (!certain) return null;
  const { problem, ...rest } = opened;
  const [reading] = opened.readings;
  return checksumOf.test(problem) && reading ? { ...rest, readings: [reading] } : opened;
}

export function openSealed(
  sealed: Buffer,
  header: ZipHeader,
  room: number,
  keyring: Keyring,
): { readonly opened: Opened; readonly password: Password } | null {
  if (!isKnownSeal(header)) return null;
  for (const password of keyring.tries(cost)) {
    for (const form of forms(password.text)) {
      const clear = unseal(sealed, header, form);
      const opened = clear && proven(openEntry(clear.data, 0, clear.header, room), clear.certain);
      if (!opened) continue;
      keyring.opened(password);
      return { opened, password };
    }
  }
  return null;
}
