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

const isBlank = (octet: number): boolean => octet === blank || octet === tab;
const endsLine = (raw: Buffer, at: number): boolean => raw[at] === lf || (raw[at] === cr && raw[at + 1] === lf);

/** 1 for octets that stand for themselves wherever they are: most of any text, so that they have a loop of their own. */
const ordinary = new Uint8Array(256).fill(1);
for (const octet of [tab, lf, cr, blank, equals]) ordinary[octet] = 0;

/** The first octet at or behind `at` that does not stand for itself. Never reads behind the end: that would slow this loop down tenfold, for good. */
function endOfOrdinary(raw: Buffer, at: number): number {
  while (at < raw.length && ordinary[raw[at] as number] === 1) at++;
  return at;
}

/** Returns what was written, and how much of it is left without the blanks at its end. */
function decode(raw: Buffer): { readonly out: Buffer; readonly solid: number } {
  const out = Buffer.allocUnsafe(raw.length);
  let written = 0;
  // Behind the last octet of this line that is no literal blank: what comes later is dropped at the line's end (§6.7, rule 3).
  let solid = 0;
  for (let at = 0; at < raw.length; ) {
    const octet = raw[at] as number;
    if (ordinary[octet] === 1) {
      const end = endOfOrdinary(raw, at);
      while (at < end) out[written++] = raw[at++] as number;
      solid = written;
    } else if (octet === equals) {
      const value = escaped(raw, at);
      const next = value < 0 ? softBreak(raw, at + 1) : at + 3;
      if (value >= 0 || next < 0) out[written++] = value < 0 ? octet : value;
      solid = written;
      at = next < 0 ? at + 1 : next;
    } else {
      if (endsLine(raw, at)) written = solid;
      out[written++] = octet;
      if (!isBlank(octet)) solid = written;
      at++;
    }
  }
  return { out: out.subarray(0, written), solid };
}

export function decodeQuotedPrintable(raw: Buffer): Buffer {
  const { out, solid } = decode(raw);
  return out.subarray(0, solid);
}

/** The Q encoding of RFC 2047 §4.2: underscores are blanks, and blanks at the end are content. */
export const decodeQ = (payload: string): Buffer => decode(Buffer.from(payload.replaceAll("_", " "), "latin1")).out;
