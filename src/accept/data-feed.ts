/**
 * The octets between DATA and the final dot: finds the end, takes the stuffed dots away, and sees what must not be in mail.
 * Pure: no stream, no socket. All work is done on whole pieces; there is no step per line.
 */

/** Only this ends a message. RFC 5321 §2.3.8, §4.1.1.4: neither a bare LF nor a bare CR may count as a line end. */
const END = Buffer.from("\r\n.\r\n");
const LINE_DOT = Buffer.from("\r\n.");
const CRLF = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const DOT = 46;

/** CR and LF only ever together, and no NUL. One latin1 copy and one native pass: 0.3 to 1 CPU ms/MB on mail, 14 on nothing but CRLF. */
const BARE = /\r(?!\n)|(?<!\r)\n|\0/;

/** `bare`: a bare CR, a bare LF or a NUL. `long`: a line over the limit. */
export type Fault = "bare" | "long";

export interface Taken {
  /** Un-stuffed; may be empty, as it always is once there was a fault. */
  readonly octets: Buffer;
  /** What came behind the final dot; null while the message goes on. */
  readonly rest: Buffer | null;
}

/** How many octets at the end of the piece may be the beginning of END. */
function openEnd(piece: Buffer): number {
  for (let length = END.length - 1; length > 0; length--)
    if (length <= piece.length && END.compare(piece, piece.length - length, piece.length, 0, length) === 0)
      return length;
  return 0;
}

/** Stuffed dots in one piece that are cut out natively; for more, one step per octet is cheaper. */
const fewDots = 64;

/** Where the stuffed dots are; null if there are too many to go from one to the next. */
function stuffedDots(piece: Buffer): readonly number[] | null {
  const dots: number[] = [];
  for (let at = piece.indexOf(LINE_DOT); at !== -1; at = piece.indexOf(LINE_DOT, at + LINE_DOT.length)) {
    if (dots.length === fewDots) return null;
    dots.push(at + CRLF.length);
  }
  return dots;
}

function without(piece: Buffer, dots: readonly number[]): Buffer {
  const ends = [...dots, piece.length];
  return Buffer.concat(ends.map((end, i) => piece.subarray(i === 0 ? 0 : (ends[i - 1] ?? 0) + 1, end)));
}

/** For floods of stuffed lines: about 5 CPU ms/MB whatever the piece holds, where cutting natively costs 17 and the library 540. Null if it is faulty. */
function unstuffFlood(piece: Buffer): Buffer | null {
  const out = Buffer.allocUnsafe(piece.length);
  let length = 0;
  let last = 0;
  let lineStarts = false;
  for (let i = 0; i < piece.length; i++) {
    const octet = piece[i] as number;
    if (octet === LF ? last !== CR : last === CR || octet === 0) return null;
    if (!(lineStarts && octet === DOT)) out[length++] = octet;
    lineStarts = octet === LF;
    last = octet;
  }
  return last === CR ? null : out.subarray(0, length);
}

/** Null if there is a bare octet. */
function unstuff(piece: Buffer, isStuffed: boolean): Buffer | null {
  const dots = isStuffed ? stuffedDots(piece) : [];
  if (!dots) return unstuffFlood(piece);
  if (BARE.test(piece.toString("latin1"))) return null;
  return dots.length === 0 ? piece : without(piece, dots);
}

export class DataFeed {
  readonly #longestLine: number;
  #fault: Fault | null = null;
  /** The line end before the first octet is the one of the DATA command itself: RFC 5321 §4.1.1.4. */
  #held: Buffer = CRLF;
  #skip = CRLF.length;
  /** Octets of the line that is not ended yet. */
  #open = 0;
  #count = 0;

  /** `longestLine` in octets, with its CRLF. */
  constructor(longestLine: number) {
    this.#longestLine = longestLine;
  }

  /** The first thing that was wrong. From then on octets are only counted, until the final dot: the session stays in step. */
  get fault(): Fault | null {
    return this.#fault;
  }

  /** Octets of the message so far, stuffed dots included. */
  get count(): number {
    return this.#count;
  }

  take(chunk: Buffer): Taken {
    const piece = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const dot = piece.indexOf(LINE_DOT);
    const end = dot === -1 ? -1 : piece.indexOf(END, dot);
    const length = end === -1 ? piece.length - openEnd(piece) : end + CRLF.length;
    this.#held = end === -1 ? piece.subarray(length) : NOTHING;
    const octets = this.#sift(piece.subarray(0, length), dot !== -1 && dot + CRLF.length < length);
    return { octets, rest: end === -1 ? null : piece.subarray(end + END.length) };
  }

  #sift(piece: Buffer, isStuffed: boolean): Buffer {
    if (piece.length === 0) return NOTHING;
    const skipped = this.#skip;
    this.#skip = 0;
    this.#count += piece.length - skipped;
    if (this.#fault) return NOTHING;
    const octets = unstuff(piece, isStuffed);
    if (!octets) this.#fault = "bare";
    else if (this.#hasLongLine(piece)) this.#fault = "long";
    return this.#fault || !octets ? NOTHING : octets.subarray(skipped);
  }

  /** Leaps from line end to line end, each time as far as one line may reach, so short lines cost nothing. */
  #hasLongLine(piece: Buffer): boolean {
    let start = -this.#open;
    while (start + this.#longestLine < piece.length) {
      const last = start + this.#longestLine - 1;
      const lineEnd = last < 0 ? -1 : piece.lastIndexOf(LF, last);
      if (lineEnd < start || lineEnd === -1) return true;
      start = lineEnd + 1;
    }
    const lineEnd = piece.lastIndexOf(LF);
    this.#open = lineEnd === -1 ? piece.length - start : piece.length - lineEnd - 1;
    return false;
  }
}
