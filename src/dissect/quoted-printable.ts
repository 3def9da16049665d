/** Quoted-printable as mail programs take it, RFC 2045 §6.7: one pass over the octets, wrong escapes stay as they are. */

/** 0–15 for a hexadecimal digit of either case, else -1. */
const hexValue = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  hexValue[text.charCodeAt(0)] = digit;
  hexValue[text.toUpperCase().charCodeAt(0)] = digit;
}

const [tab, lf, cr, blank, equals] = [9, 10, 13, 32, 61] as const;

/** Where a soft line break ends that starts behind the `=` at `from - 1`; -1 if there is none. Blanks and CRs before the LF are transport padding. */
function softBreak(raw: Buffer, from: number): number {
  let at = from;
  while (at < raw.length && (raw[at] === blank || raw[at] === tab || raw[at] === cr)) at++;
  if (at === raw.length) return at;
  return raw[at] === lf ? at + 1 : -1;
}

/** `=4a`: the octet; -1 if it is no escape. */
function escaped(raw: Buffer, at: number): number {
  const high = hexValue[raw[at + 1] ?? 0] as number;
  const low = hexValue[raw[at + 2] ?? 0] as number;
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

const isBlank = (octet: number | undefined): boolean => octet === blank || octet === tab;

/** Below this a loop is faster than a call of native code. */
const shortCopy = 24;

class Output {
  readonly octets: Buffer;
  written = 0;
  /** Behind the last octet of this line that is no literal blank: what comes later is dropped at the line's end (§6.7, rule 3). */
  solid = 0;
  /** Escapes that are none. */
  wrong = 0;
  /** Line ends, soft ones too, in front of which blanks were dropped. */
  trimmed = 0;

  constructor(size: number) {
    this.octets = Buffer.allocUnsafe(size);
  }

  /** Octets that stand for themselves. */
  copy(raw: Buffer, from: number, to: number): void {
    if (from >= to) return;
    if (to - from < shortCopy) for (let at = from; at < to; at++) this.octets[this.written++] = raw[at] as number;
    else this.written += raw.copy(this.octets, this.written, from, to);
    let back = this.written;
    const least = this.written - (to - from);
    while (back > least && isBlank(this.octets[back - 1])) back--;
    if (back > least) this.solid = back;
  }

  put(octet: number): void {
    this.octets[this.written++] = octet;
    this.solid = this.written;
  }

  /** The line end at `at`, whose CR is none of the line's own octets. */
  endLine(raw: Buffer, at: number): void {
    if (this.written > this.solid) this.trimmed++;
    this.written = this.solid;
    if (raw[at - 1] === cr) this.octets[this.written++] = cr;
    this.octets[this.written++] = lf;
    this.solid = this.written;
  }
}

/** What an equals sign at `at` stands for; returns where the text goes on. */
function escape(raw: Buffer, at: number, out: Output): number {
  const value = escaped(raw, at);
  if (value >= 0) {
    out.put(value);
    return at + 3;
  }
  const next = softBreak(raw, at + 1);
  if (next < 0) {
    out.put(equals);
    out.wrong++;
    return at + 1;
  }
  if (isBlank(raw[at + 1])) out.trimmed++;
  out.solid = out.written;
  return next;
}

/** Where the octet stands from `at` on, if it stood at `known` before; -1 if nowhere. */
function nextOf(raw: Buffer, octet: number, known: number, at: number): number {
  if (known < 0 || known >= at) return known;
  return raw[at] === octet ? at : raw.indexOf(octet, at);
}

/** From line end to line end and from sign to sign by native search: most of any text stands for itself. */
function decode(raw: Buffer): Output {
  const out = new Output(raw.length);
  let sign = raw.indexOf(equals);
  let line = raw.indexOf(lf);
  for (let at = 0; at < raw.length; ) {
    sign = nextOf(raw, equals, sign, at);
    line = nextOf(raw, lf, line, at);
    if (sign >= 0 && (line < 0 || sign < line)) {
      out.copy(raw, at, sign);
      at = escape(raw, sign, out);
    } else if (line >= 0) {
      out.copy(raw, at, raw[line - 1] === cr && line > at ? line - 1 : line);
      out.endLine(raw, line);
      at = line + 1;
    } else {
      out.copy(raw, at, raw.length);
      at = raw.length;
    }
  }
  return out;
}

/** `junk`: escapes that are none. `rest`: line ends in front of which blanks were dropped. */
export function readQuotedPrintable(raw: Buffer): {
  readonly bytes: Buffer;
  readonly junk: number;
  readonly rest: number;
} {
  const { octets, solid, wrong, trimmed } = decode(raw);
  return { bytes: octets.subarray(0, solid), junk: wrong, rest: trimmed };
}

export const decodeQuotedPrintable = (raw: Buffer): Buffer => readQuotedPrintable(raw).bytes;

const fromHex = (hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));

/** As readers do that keep blanks at line ends, and whatever is no escape and no soft break by the letter. */
export function decodeStrictQuotedPrintable(raw: Buffer): Buffer {
  const text = raw
    .toString("latin1")
    .replace(/=(?:([0-9A-Fa-f]{2})|\r?\n|$)/g, (_, hex: string | undefined) => (hex === undefined ? "" : fromHex(hex)));
  return Buffer.from(text, "latin1");
}

/** As readers do that keep blanks at line ends and drop the sign of an escape that is none. */
export function decodeBareQuotedPrintable(raw: Buffer): Buffer {
  const text = raw
    .toString("latin1")
    .replace(/=(?:([0-9A-Fa-f]{2})|[ \t]{0,80}\r?\n|)/g, (_, hex: string | undefined) =>
      hex === undefined ? "" : fromHex(hex),
    );
  return Buffer.from(text, "latin1");
}

/** The Q encoding of RFC 2047 §4.2: underscores are blanks, and blanks at the end are content. */
export function decodeQ(payload: string): Buffer {
  const { octets, written } = decode(Buffer.from(payload.replaceAll("_", " "), "latin1"));
  return octets.subarray(0, written);
}
