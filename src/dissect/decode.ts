/** The octets of a part, out of the message. */
import type { TransferEncoding, View } from "../core/message.ts";
import { type Base64Notes, decodeBase64, decodeGroups, decodeJoined } from "./base64.ts";
import { decodeBinhex } from "./binhex.ts";
import { withoutOmitted } from "./outline.ts";
import { decodeBareQuotedPrintable, decodeStrictQuotedPrintable, readQuotedPrintable } from "./quoted-printable.ts";
import { decodeUuencode } from "./uuencode.ts";
import { decodeYenc } from "./yenc.ts";

export interface Decoded extends Base64Notes {
  readonly bytes: Buffer;
}

const none: Base64Notes = { junk: 0, restarts: 0, rest: 0 };

/** What comes out of runs in BinHex, in proportion to what went in. */
const binhexRatio = 2;
export const binhexRoom = (raw: Buffer): number => raw.length * binhexRatio;

const plainly =
  (decode: (raw: Buffer) => Buffer) =>
  (raw: Buffer): Decoded => ({ bytes: decode(raw), ...none });
const fork = (which: "data" | "resource") =>
  plainly((raw) => decodeBinhex(raw, binhexRoom(raw))?.[which] ?? Buffer.alloc(0));

const decoders: Readonly<Record<TransferEncoding, (raw: Buffer) => Decoded>> = {
  identity: plainly((raw) => raw),
  base64: decodeBase64,
  "base64-joined": plainly((raw) => decodeJoined(raw, /[^A-Za-z0-9+/]+/g)),
  "base64-groups": plainly(decodeGroups),
  "base64-url": plainly((raw) => decodeJoined(raw, /[^A-Za-z0-9+/_-]+/g)),
  "quoted-printable": (raw) => ({ ...none, ...readQuotedPrintable(raw) }),
  "quoted-printable-bare": plainly(decodeBareQuotedPrintable),
  "quoted-printable-strict": plainly(decodeStrictQuotedPrintable),
  uuencode: plainly(decodeUuencode),
  yenc: plainly(decodeYenc),
  binhex: fork("data"),
  "binhex-resource": fork("resource"),
};

/** Tolerant and total. Without an encoding the result is `raw` itself. */
export const decodeOctets = (raw: Buffer, encoding: TransferEncoding): Decoded => decoders[encoding](raw);

/** A view beyond the message ends with it. Without an encoding, and with nothing left out, the result shares the message's memory. */
export function decodeView(message: Buffer, { offset, length, encoding, omitted }: View): Buffer {
  const raw = message.subarray(offset, offset + length);
  return decodeOctets(omitted ? withoutOmitted(raw, omitted) : raw, encoding).bytes;
}
