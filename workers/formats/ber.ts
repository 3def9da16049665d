/** ASN.1 in BER as CMS uses it: elements of definite and indefinite length, strings in pieces. X.690 §8.1 */

/** One element; its content lies between `start` and `end`. */
export interface Element {
  /** First identifier octet: class, constructed, number. */
  readonly tag: number;
  readonly start: number;
  readonly end: number;
  /** First octet behind it, with its end-of-contents. */
  readonly next: number;
  /** It says that it is longer than what is there, or its end is missing. */
  readonly cut: boolean;
}

const mostDepth = 48;
/** In one content: pieces of a string are some kilobytes each, whoever writes them. */
const mostElements = 200_000;
const constructed = 0x20;

export const tags = { octets: 0x04, oid: 0x06, sequence: 0x30, explicit0: 0xa0 } as const;

/** A content of indefinite length ends with two zeros at its own level. X.690 §8.1.5 */
function endOfContents(
  bytes: Buffer,
  start: number,
  limit: number,
  depth: number,
): { readonly end: number; readonly found: boolean } {
  let at = start;
  for (let left = mostElements; at + 2 <= limit && left > 0; left--) {
    if (bytes[at] === 0 && bytes[at + 1] === 0) return { end: at, found: true };
    const element = depth > 0 ? readElement(bytes, at, limit, depth - 1) : null;
    if (!element) break;
    at = element.next;
    if (element.cut) break;
  }
  return { end: limit, found: false };
}

/** Where a content of definite length begins, and how long it says that it is. X.690 §8.1.3 */
function definite(
  bytes: Buffer,
  at: number,
  limit: number,
): { readonly start: number; readonly length: number } | null {
  const first = bytes[at] ?? 0;
  const more = first < 0x80 ? 0 : first & 0x7f;
  const start = at + 1 + more;
  if (more > 6 || start > limit) return null;
  return { start, length: more === 0 ? first : bytes.readUIntBE(at + 1, more) };
}

/** Null where no element can begin. Numbers of tags above 30 are not used here. */
export function readElement(bytes: Buffer, at: number, limit = bytes.length, depth = mostDepth): Element | null {
  const tag = bytes[at] ?? 0x1f;
  if (at + 2 > Math.min(limit, bytes.length) || (tag & 0x1f) === 0x1f) return null;
  if (bytes[at + 1] === 0x80) {
    if ((tag & constructed) === 0) return null;
    const { end, found } = endOfContents(bytes, at + 2, limit, depth);
    return { tag, start: at + 2, end, next: found ? end + 2 : end, cut: !found };
  }
  const told = definite(bytes, at + 1, limit);
  if (!told) return null;
  const end = Math.min(limit, told.start + told.length);
  return { tag, start: told.start, end, next: end, cut: told.start + told.length > limit };
}

/** What is in a constructed element, in order. */
export function* children(bytes: Buffer, { start, end }: Element): Generator<Element> {
  for (let at = start; at < end; ) {
    const element = readElement(bytes, at, end);
    if (!element) return;
    yield element;
    at = element.next;
  }
}

/** An octet string, whole or in pieces within pieces. X.690 §8.7 */
export function octetsOf(bytes: Buffer, element: Element, depth = mostDepth): Buffer {
  if ((element.tag & constructed) === 0) return bytes.subarray(element.start, element.end);
  const pieces: Buffer[] = [];
  if (depth > 0)
    for (const piece of children(bytes, element))
      if ((piece.tag & ~constructed) === tags.octets) pieces.push(octetsOf(bytes, piece, depth - 1));
  return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
}
