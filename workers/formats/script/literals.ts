/** The strings of a script, each with those that are joined to it: "po" + "wer" is one. Of any language with quotes; each octet is read a few times at most. */

export interface Run {
  readonly text: string;
  /** How many literals it was made of. */
  readonly pieces: number;
}

const quotes = /["'`]/g;
const mostGap = 120;
/** `s += `, `s = s & `, `.concat(`, and the punctuation of lists and sums. */
const joins = /[\w$.]{1,60}\s{0,8}(?:\+=|=\s{0,8}[\w$.]{1,60}\s{0,8}[+&])|\.concat|\.push/g;
const punctuation = /^[\s+,&_()[\];]*$/;

/** Where a quote stands next that no backslash hides; -1 if nowhere on its line. Asked with growing places, it reads each octet twice at most. */
function closings(text: string): (from: number, quote: string) => number {
  const lineEnd = lineEnds(text);
  // Up to here there is none of this kind, whatever opens before it.
  const noneBefore = new Map<string, number>();
  return (from, quote) => {
    if (from <= (noneBefore.get(quote) ?? -1)) return -1;
    const end = quote === "`" ? text.length : lineEnd(from);
    for (let at = text.indexOf(quote, from); at >= 0 && at <= end; at = text.indexOf(quote, at + 1)) {
      let slashes = 0;
      while (text[at - 1 - slashes] === "\\") slashes++;
      if (slashes % 2 === 0) return at;
    }
    noneBefore.set(quote, end);
    return -1;
  };
}

/** The end of the line, asked with growing places. A backslash before it goes on with the next line. */
function lineEnds(text: string): (from: number) => number {
  let end = -1;
  return (from) => {
    while (
      end < from ||
      (text[end - 1] === "\\" && end < text.length) ||
      (text[end - 2] === "\\" && text[end - 1] === "\r")
    ) {
      const next = text.indexOf("\n", Math.max(end + 1, from));
      end = next < 0 ? text.length : next;
      if (next < 0) break;
    }
    return end;
  };
}

const unescaped = (literal: string): string =>
  literal.includes("\\")
    ? literal.replace(
        /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,5})\}|\r?\n|(.))/gi,
        (_whole, two?: string, four?: string, more?: string, other?: string) => {
          const digits = two ?? four ?? more;
          if (digits !== undefined) return String.fromCodePoint(Number.parseInt(digits, 16));
          return other === "n" ? "\n" : other === "t" ? "\t" : other === "r" ? "\r" : (other ?? "");
        },
      )
    : literal;

const joinsNext = (gap: string): boolean => gap.length <= mostGap && punctuation.test(gap.replace(joins, ""));

/** In their order; runs shorter than `least` characters are left out. */
export function* literalRuns(text: string, least: number): Generator<Run> {
  const closing = closings(text);
  let pieces: string[] = [];
  let size = 0;
  let end = -1;
  quotes.lastIndex = 0;
  for (let found = quotes.exec(text); found; found = quotes.exec(text)) {
    const start = found.index;
    const stop = closing(start + 1, found[0]);
    if (stop < 0) continue;
    if (end >= 0 && !(start - end <= mostGap && joinsNext(text.slice(end, start)))) {
      if (size >= least) yield { text: pieces.join(""), pieces: pieces.length };
      [pieces, size] = [[], 0];
    }
    const piece = unescaped(text.slice(start + 1, stop));
    pieces.push(piece);
    size += piece.length;
    end = stop + 1;
    quotes.lastIndex = end;
  }
  if (size >= least) yield { text: pieces.join(""), pieces: pieces.length };
}
