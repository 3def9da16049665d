/** The octets of a part, out of the message. */
import type { TransferEncoding, View } from "../core/message.ts";
import { decodeBase64 } from "./base64.ts";
import { decodeQuotedPrintable } from "./quoted-printable.ts";
import { decodeUuencode } from "./uuencode.ts";

function decodeOctets(raw: Buffer, encoding: TransferEncoding): Buffer {
  switch (encoding) {
    case "identity":
      return raw;
    case "base64":
      return decodeBase64(raw).bytes;
    case "quoted-printable":
      return decodeQuotedPrintable(raw);
    case "uuencode":
      return decodeUuencode(raw);
  }
}

/** Tolerant and total; a view beyond the message ends with it. Without an encoding the result shares the message's memory. */
export const decodeView = (message: Buffer, view: View): Buffer =>
  decodeOctets(message.subarray(view.offset, view.offset + view.length), view.encoding);
