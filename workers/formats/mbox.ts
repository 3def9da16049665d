/** Where the messages of an mbox file begin and end. RFC 4155 appendix A, and the looser forms that programs write. */

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** "From " with an address and something behind it, then a field: what all readers agree on. */
const opening = /^From [^\r\n]{1,300}\r?\n(?:>?[!-9;-~]{1,76}:)/;

export const isMbox = (text: string): boolean => opening.test(text);

/** The end of the line that begins at `at`. */
function afterLine(bytes: Buffer, at: number): number {
  const feed = bytes.indexOf(0x0a, at);
  return feed < 0 ? bytes.length : feed + 1;
}

/** Strict readers want an empty line in front of "From ", others do not: a line that only they take for one splits a message in two readings. */
function hasEmptyLineBefore(bytes: Buffer, at: number): boolean {
  return bytes[at - 2] === 0x0a || (bytes[at - 2] === 0x0d && bytes[at - 3] === 0x0a);
}

/** Messages without their "From " lines, in order. */
export function* mboxMessages(bytes: Buffer): Generator<Span> {
  let start = afterLine(bytes, 0);
  for (let mark = bytes.indexOf("\nFrom ", start - 1, "latin1"); mark >= 0; ) {
    const line = mark + 1;
    const next = afterLine(bytes, line);
    const head = bytes.toString("latin1", line, Math.min(bytes.length, next + 80));
    if (hasEmptyLineBefore(bytes, line) && opening.test(head)) {
      if (line > start) yield { start, end: line };
      start = next;
    }
    mark = bytes.indexOf("\nFrom ", Math.max(next - 1, mark + 1), "latin1");
  }
  if (bytes.length > start) yield { start, end: bytes.length };
}
