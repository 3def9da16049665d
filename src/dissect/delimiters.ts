/** Finds the delimiter lines of multiparts: one pass over the message for all boundaries and depths. RFC 2046 §5.1.1. */

export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Delimiter {
  /** Of the first dash. */
  readonly at: number;
  /** Behind the line end. */
  readonly end: number;
  readonly close: boolean;
}

export interface Cut {
  readonly delimiters: readonly Delimiter[];
  /** What lines say that begin with the boundary but go on, without dashes around. */
  readonly odd: readonly string[];
  /** There are more delimiters than were asked for. */
  readonly more: boolean;
}

/** Lines that start with two dashes; no honest message has more. */
const mostLines = 500_000;
/** Comparisons of such lines with boundaries, per message. */
const mostSteps = 4_000_000;
const mostOdd = 32;
const mostGuesses = 5000;
const [tab, lf, cr, blank, dash] = [9, 10, 13, 32, 45] as const;

export class DashLines {
  readonly #message: Buffer;
  #starts: readonly number[] | null = null;
  #steps = mostSteps;
  /** Some lines were not compared: the message is not taken apart to its end. */
  exhausted = false;

  constructor(message: Buffer) {
    this.#message = message;
  }

  /**
   * `--` hardly occurs in base64, so that native search runs through it; a hit inside a line switches to searching with
   * the line end in front, which cannot hit twice in a line.
   */
  #index(): readonly number[] {
    const message = this.#message;
    const starts: number[] = [];
    for (let at = message.indexOf("--"); at >= 0; at = message.indexOf("--", at + 2)) {
      if (at > 0 && message[at - 1] !== lf) {
        at = message.indexOf("\n--", at) + 1;
        if (at === 0) break;
      }
      starts.push(at);
      if (starts.length === mostLines) {
        this.exhausted = true;
        break;
      }
    }
    return starts;
  }

  /** Index of the first line at or behind `offset`. */
  #from(starts: readonly number[], offset: number): number {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  *#lines(range: Range): Generator<number> {
    this.#starts ??= this.#index();
    for (let i = this.#from(this.#starts, range.start); i < this.#starts.length; i++) {
      const at = this.#starts[i] as number;
      if (at >= range.end) return;
      if (this.#steps-- <= 0) {
        this.exhausted = true;
        return;
      }
      yield at;
    }
  }

  /** `loose`: a line that only begins with the boundary counts as well. At most `most` delimiters. */
  cut(range: Range, boundary: string, most: number, loose = false): Cut {
    const wanted = Buffer.from(boundary, "latin1");
    const delimiters: Delimiter[] = [];
    const odd: string[] = [];
    for (const at of this.#lines(range)) {
      const from = at + 2 + wanted.length;
      if (from > range.end || this.#message[at + 2] !== (wanted[0] ?? this.#message[at + 2])) continue;
      if (this.#message.compare(wanted, 0, wanted.length, at + 2, from) !== 0) continue;
      const { end, close, exact } = this.#tail(from, range.end);
      if (!exact && odd.length < mostOdd) odd.push(this.#text(at, range.end));
      if (!exact && !loose) continue;
      if (delimiters.length === most) return { delimiters, odd, more: true };
      delimiters.push({ at, end, close });
    }
    return { delimiters, odd, more: false };
  }

  /** What follows the boundary: dashes if it is the last one, then only blanks. */
  #tail(from: number, limit: number): { readonly end: number; readonly close: boolean; readonly exact: boolean } {
    const message = this.#message;
    const close = from + 2 <= limit && message[from] === dash && message[from + 1] === dash;
    let at = close ? from + 2 : from;
    while (at < limit && (message[at] === blank || message[at] === tab || message[at] === cr)) at++;
    if (at >= limit) return { end: limit, close, exact: true };
    if (message[at] === lf) return { end: at + 1, close, exact: true };
    const next = message.subarray(at, limit).indexOf(lf);
    return { end: next < 0 ? limit : at + next + 1, close, exact: false };
  }

  #text(at: number, limit: number): string {
    const text = this.#message.toString("latin1", at + 2, Math.min(limit, at + 202));
    const end = text.indexOf("\n");
    return text
      .slice(0, end < 0 ? text.length : end)
      .trim()
      .replace(/--$/, "");
  }

  /** The boundary that the octets themselves suggest: the first dash line that a Content-* field follows. */
  guess(range: Range): string | null {
    let tries = 0;
    for (const at of this.#lines(range)) {
      if (tries++ === mostGuesses) return null;
      const text = this.#message.toString("latin1", at, Math.min(range.end, at + 400));
      const [, boundary] = /^--([^\r\n]{1,200}?)[ \t]*\r?\nContent-[A-Za-z-]+[ \t]*:/i.exec(text) ?? [];
      if (boundary !== undefined) return boundary;
    }
    return null;
  }
}

/** The line end in front of a delimiter belongs to the delimiter. */
export function endBefore(message: Buffer, delimiter: Delimiter, start: number): number {
  let end = delimiter.at;
  if (end > start && message[end - 1] === lf) end--;
  if (end > start && end < delimiter.at && message[end - 1] === cr) end--;
  return end;
}
