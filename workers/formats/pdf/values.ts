/** The objects of PDF, as they stand in a file. ISO 32000-2 §7.3 */

/** A name; `escaped` if letters or digits of it were written as #xx, which no producer does. §7.3.5 */
export class Name {
  readonly text: string;
  readonly escaped: boolean;
  constructor(text: string, escaped = false) {
    this.text = text;
    this.escaped = escaped;
  }
}

/** An indirect reference; generations are ignored, since readers differ about them. §7.3.10 */
export class Ref {
  readonly to: number;
  constructor(to: number) {
    this.to = to;
  }
}

/** Anything that is no object: an operator, `endobj`, rubbish. */
export class Word {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Dict = Map<string, Value>;
/** Strings are their octets. */
export type Value = null | boolean | number | Name | Ref | Word | Buffer | Value[] | Dict;

export const isDict = (value: Value | undefined): value is Dict => value instanceof Map;

export const nameOf = (value: Value | undefined): string => (value instanceof Name ? value.text : "");

export const numberOf = (value: Value | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;

/** Text strings are UTF-16 or UTF-8 with a mark, else near enough to Latin-1. §7.9.2.2 */
export function textOf(bytes: Buffer): string {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    const even = Buffer.from(bytes.subarray(2, bytes.length & ~1));
    return even.swap16().toString("utf16le");
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le", 2);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.toString("utf8", 3);
  return bytes.toString("latin1");
}
