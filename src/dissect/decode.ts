/** The octets of a part, out of the message. */
import type { TransferEncoding, View } from "../core/message.ts";
import { type Base64Notes, decodeBase64 } from "./base64.ts";
import { withoutOmitted } from "./outline.ts";
import { decodeQuotedPrintable } from "./quoted-printable.ts";
import { decodeUuencode } from "./uuencode.ts";

export interface Decoded extends Base64Notes {
  readonly bytes: Buffer;
}

const none: Base64Notes = { junk: 0, restarts: 0 };

/** Tolerant and total. Without an encoding the result is `raw` itself. */
export function decodeOctets(raw: Buffer, encoding: TransferEncoding): Decoded {
  switch (encoding) {
    case "identity":
      return { bytes: raw, ...none };
    case "base64":
      return decodeBase64(raw);
    case "quoted-printable":
      return { bytes: decodeQuotedPrintable(raw), ...none };
    case "uuencode":
      return { bytes: decodeUuencode(raw), ...none };
  }
}

/** A view beyond the message ends with it. Without an encoding, and with nothing left out, the result shares the message's memory. */
export function decodeView(message: Buffer, { offset, length, encoding, omitted }: View): Buffer {
  const raw = message.subarray(offset, offset + length);
  return decodeOctets(omitted ? withoutOmitted(raw, omitted) : raw, encoding).bytes;
}
