/** S/MIME objects by their structure: enveloped, wrapped around their content, or a mere signature; binary or in base64. RFC 5652, RFC 8551 */
import { type Cms, readCmsObject, unarmoured } from "../formats/cms.ts";
import { encrypted } from "./types.ts";

/** Enough of a text to see the first fields. */
const textHead = 16 * 1024;

function typesOf({ kind, content }: Cms): string[] {
  if (kind === "enveloped") return ["application/pkcs7-mime", encrypted];
  return [content || kind !== "signed" ? "application/pkcs7-mime" : "application/pkcs7-signature"];
}

/** The type, with its trait; null if it is no such object. */
export function readCms(bytes: Buffer): string[] | null {
  const object = readCmsObject(bytes);
  return object && typesOf(object);
}

/** The same of a text; its beginning is enough to tell. */
export function readArmoured(text: string): string[] | null {
  const bytes = unarmoured(text.slice(0, textHead));
  return bytes && readCms(bytes);
}
