/** The whole message as rules see it: without the encoded octets of its parts, which they see decoded, but for the first of each. */
import type { Bytes, Part, Span, View } from "../core/message.ts";

/** Enough for rules that know a file by how its encoded form begins. */
const shownOfEach: Bytes = 4096;

const isEncoded = ({ encoding }: View): boolean => encoding === "base64" || encoding === "uuencode";

/** What of the message its parts say decoded; overlapping readings are put together. */
export function omissions(parts: readonly Pick<Part, "view">[]): readonly Span[] {
  const spans = parts
    .flatMap(({ view }) => (view && isEncoded(view) ? [view] : []))
    .map(({ offset, length }) => ({ start: offset + shownOfEach, end: offset + length }))
    .filter(({ start, end }) => end > start)
    .sort((a, b) => a.start - b.start);
  const merged: { readonly start: Bytes; end: Bytes }[] = [];
  for (const { start, end } of spans) {
    const last = merged.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}

export function withoutOmitted(octets: Buffer, omitted: readonly Span[]): Buffer {
  const kept: Buffer[] = [];
  let from = 0;
  for (const { start, end } of omitted) {
    kept.push(octets.subarray(from, start));
    from = end;
  }
  return Buffer.concat([...kept, octets.subarray(from)]);
}

/** Where in the view an octet stands of what `withoutOmitted` gave. */
export function offsetInView(offset: Bytes, omitted: readonly Span[]): Bytes {
  let at = offset;
  for (const { start, end } of omitted) {
    if (at < start) break;
    at += end - start;
  }
  return at;
}
