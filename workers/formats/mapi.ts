/** MAPI properties as TNEF and Outlook items use them: which are of interest, and how their texts are encoded. [MS-OXPROPS], [MS-OXCDATA] §2.11.1 */
import iconv from "iconv-lite";

/** Property ids. [MS-OXPROPS] §2 */
export const ids = {
  subject: 0x0037,
  body: 0x1000,
  rtf: 0x1009,
  html: 0x1013,
  displayName: 0x3001,
  attachData: 0x3701,
  attachExtension: 0x3703,
  attachName: 0x3704,
  attachMethod: 0x3705,
  attachLongName: 0x3707,
  attachMimeType: 0x370e,
  attachLongPath: 0x370d,
  attachPath: 0x3708,
  attachTransportName: 0x370c,
} as const;

/** Property types. [MS-OXCDATA] §2.11.1 */
export const kinds = { text8: 0x001e, text16: 0x001f, binary: 0x0102, object: 0x000d } as const;

export interface Property {
  readonly id: number;
  readonly kind: number;
  /** Of fixed size, or the octets of a text, binary or object. */
  readonly value: Buffer;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function cutAtZero(text: string): string {
  const zero = text.indexOf("\0");
  return zero < 0 ? text : text.slice(0, zero);
}

/** All that a text in an unknown code page may say, the most plausible first; one in UTF-16 says one thing. */
export function readTexts({ kind, value }: Pick<Property, "kind" | "value">, codePage: string): readonly string[] {
  if (kind === kinds.text16) return [cutAtZero(value.toString("utf16le"))].filter((text) => text !== "");
  const zero = value.indexOf(0);
  const raw = zero < 0 ? value : value.subarray(0, zero);
  const readings: string[] = [];
  try {
    readings.push(utf8.decode(raw));
  } catch {
    // Not UTF-8: what the code page makes of it must do.
  }
  if (iconv.encodingExists(codePage)) readings.push(iconv.decode(raw, codePage));
  return [...new Set(readings)].filter((text) => text !== "");
}

/** Names by which an attachment goes, the long one first. */
export function attachmentNames(properties: readonly Property[], codePage: string): readonly string[] {
  const order: readonly number[] = [
    ids.attachLongName,
    ids.attachName,
    ids.attachTransportName,
    ids.displayName,
    ids.attachLongPath,
    ids.attachPath,
  ];
  const texts = order.flatMap((id) =>
    properties.filter((one) => one.id === id).flatMap((one) => readTexts(one, codePage)),
  );
  return [...new Set(texts)].slice(0, 32);
}

export const attachmentTypes = (properties: readonly Property[]): readonly string[] =>
  properties
    .filter(({ id }) => id === ids.attachMimeType)
    .flatMap((one) => readTexts(one, "latin1"))
    .map((type) => type.toLowerCase())
    .filter((type) => /^[\w.+-]{1,100}\/[\w.+-]{1,100}$/.test(type));
