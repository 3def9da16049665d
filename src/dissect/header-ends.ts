/** Where a header may end: at the first empty line, and where other readers take something else for one. RFC 5322 §2.1, §4. */

export interface Extent {
  /** End of the fields. */
  readonly end: number;
  readonly bodyStart: number;
}

export interface Ends {
  /** The first empty line. */
  readonly first: Extent;
  /** At most a few; mostly none. */
  readonly others: readonly Extent[];
}

const [lf, cr] = [10, 13] as const;

/** The first empty line; LF counts as a line end too, since attached and stored messages are not as clean as SMTP's. */
function emptyLine(bytes: Buffer): Extent | null {
  const [first, second] = bytes;
  if (first === lf) return { end: 0, bodyStart: 1 };
  if (first === cr && second === lf) return { end: 0, bodyStart: 2 };
  const strict = bytes.indexOf("\n\r\n");
  const loose = (strict < 0 ? bytes : bytes.subarray(0, strict + 1)).indexOf("\n\n");
  if (loose >= 0) return { end: loose + 1, bodyStart: loose + 2 };
  return strict < 0 ? null : { end: strict + 1, bodyStart: strict + 3 };
}

/** All of it could be a header that goes on. */
const isHeaderText = (text: string): boolean =>
  /^(?:[!-9;-~]{1,80}[ \t]*:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n)+$/.test(text);
const longestMore = 4096;

/** LF LF first, CR LF CR LF later, and nothing but fields between: readers that want CRLF read on. */
function later(bytes: Buffer, first: Extent): readonly Extent[] {
  if (first.end === 0 || bytes[first.end - 1] !== lf || bytes[first.end - 2] === cr) return [];
  const strict = bytes.subarray(first.bodyStart, first.bodyStart + longestMore).indexOf("\r\n\r\n");
  if (strict < 0) return [];
  const end = first.bodyStart + strict + 2;
  return isHeaderText(bytes.toString("latin1", first.bodyStart, end)) ? [{ end, bodyStart: end + 2 }] : [];
}

/** A line of blanks only (a fold by the grammar of old), or an empty one between bare CRs. */
const blankLine = /\r?\n[ \t\0]+\r?\n|\r\r\n?|\n\r(?!\n)\r?\n?/;
/** A line that is neither field nor fold: the first of the body for some. */
const noField = /\n(?![ \t\r\n])(?!>?From )[^:\r\n]{0,200}[\r\n]/;

function matchStart(text: string, pattern: RegExp, bodyAt: (found: RegExpExecArray) => number): Extent | null {
  const found = pattern.exec(text);
  return found ? { end: found.index + 1, bodyStart: bodyAt(found) } : null;
}

/** Ends before the first empty line. */
function earlier(text: string): readonly Extent[] {
  const blank = matchStart(text, blankLine, (found) => found.index + found[0].length);
  const odd = matchStart(text, noField, (found) => found.index + 1);
  return [blank, odd].flatMap((extent) => extent ?? []);
}

/** Null if there is no empty line. */
export function findEnds(bytes: Buffer, maxBytes: number): Ends | null {
  const first = emptyLine(bytes);
  if (!first) return null;
  const text = bytes.toString("latin1", 0, Math.min(first.end, maxBytes));
  const others = [...later(bytes, first), ...earlier(text)];
  return { first, others: others.filter(({ bodyStart }) => bodyStart !== first.bodyStart) };
}
