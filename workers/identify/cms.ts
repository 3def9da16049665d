/** S/MIME objects by their first ASN.1 fields: enveloped, signed around the content, or a mere signature. RFC 5652 §3, §5 */
import { encrypted } from "./types.ts";

const oid = (last: number): Buffer => Buffer.from(`06092a864886f70d0107${last.toString(16).padStart(2, "0")}`, "hex");
const data = oid(1);
const signed = oid(2);
const enveloped = oid(3);
const authEnveloped = Buffer.from("060b2a864886f70d0109100117", "hex");
const compressed = Buffer.from("060b2a864886f70d0109100109", "hex");

const headBytes = 64;

/** The type, with its trait; null if it is no such object. */
export function readCms(bytes: Buffer): string[] | null {
  if (bytes[0] !== 0x30) return null;
  const head = bytes.subarray(0, headBytes);
  if (head.includes(enveloped) || head.includes(authEnveloped)) return ["application/pkcs7-mime", encrypted];
  if (head.includes(compressed)) return ["application/pkcs7-mime"];
  if (!head.includes(signed)) return null;
  const inner = bytes.subarray(0, 1024).indexOf(data);
  // Behind the inner type stands the content, [0] EXPLICIT, if it is not sent beside the signature.
  return inner >= 0 && bytes[inner + data.length] === 0xa0
    ? ["application/pkcs7-mime"]
    : ["application/pkcs7-signature"];
}
