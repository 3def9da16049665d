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

/** Tolerant and total. Without an encoding the result is `raw` itself. */
export function decodeOctets(raw: Buffer, encoding: TransferEncoding): Decoded {
  switch (encoding) {
    case "identity":
      return { bytes: raw, ...none };
    case "base64":
      return decodeBase64(raw);
    case "base64-joined":
      return { bytes: decodeJoined(raw, /[^A-Za-z0-9+/]+/g), ...none };
    case "base64-groups":
      return { bytes: decodeGroups(raw), ...none };
    case "base64-url":
      return { bytes: decodeJoined(raw, /[^A-Za-z0-9+/_-]+/g), ...none };
    case "quoted-printable":
      return { ...none, ...readQuotedPrintable(raw) };
    case "quoted-printable-bare":
      return { bytes: decodeBareQuotedPrintable(raw), ...none };
    case "quoted-printable-strict":
      return { bytes: decodeStrictQuotedPrintable(raw), ...none };
    case "uuencode":
      return { bytes: decodeUuencode(raw), ...none };
    case "yenc":
      return { bytes: decodeYenc(raw), ...none };
    case "binhex":
      return { bytes: decodeBinhex(raw, binhexRoom(raw))?.data ?? Buffer.alloc(0), ...none };
    case "binhex-resource":
      return { bytes: decodeBinhex(raw, binhexRoom(raw))?.resource ?? Buffer.alloc(0), ...none };
  }
}

/** A view beyond the message ends with it. Without an encoding, and with nothing left out, the result shares the message's memory. */
export function decodeView(message: Buffer, { offset, length, encoding, omitted }: View): Buffer {
  const raw = message.subarray(offset, offset + length);
  return decodeOctets(omitted ? withoutOmitted(raw, omitted) : raw, encoding).bytes;
}
