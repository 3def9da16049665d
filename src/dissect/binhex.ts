/** BinHex 4.0: files of the old Macintosh inside text, and their forks. RFC 1741 appendix A */

export interface BinhexFile {
  readonly start: number;
  readonly end: number;
  /** No closing colon was found. */
  readonly open: boolean;
}

export interface BinhexContent {
  /** Octets as latin1. */
  readonly name: string;
  readonly data: Buffer;
  readonly resource: Buffer;
  /** It breaks off, or `most` octets were not enough: the forks are what was there until then. */
  readonly cut: "limit" | "end" | null;
}

const mostCandidates = 10_000;
const announcement = "(This file must be converted with BinHex";
const [colon, repeat] = [0x3a, 0x90] as const;

const alphabet = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
const [blank, foreign] = [64, 65] as const;
const meaning = new Uint8Array(256).fill(foreign);
for (const char of "\t\r\n ") meaning[char.charCodeAt(0)] = blank;
for (const [value, char] of [...alphabet].entries()) meaning[char.charCodeAt(0)] = value;

/** Files in `bytes` from `start` to `end`, in order, from their announcement to their closing colon. */
export function findBinhexFiles(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly files: readonly BinhexFile[]; readonly more: boolean } {
  const files: BinhexFile[] = [];
  const text = bytes.subarray(0, end);
  let at = start;
  for (let tries = 0; tries < mostCandidates; tries++) {
    const found = text.indexOf(announcement, at);
    if (found < 0) return { files, more: false };
    at = found + announcement.length;
    const head = text.toString("latin1", at, at + 400);
    // The colon stands at the start of a line; some relays put a few lines in between.
    const [before] = /^[^\r\n]*(?:[\r\n]+[^:\r\n][^\r\n]*){0,4}[\r\n]+[ \t]*:/.exec(head) ?? [];
    if (before === undefined) continue;
    const data = at + before.length;
    const close = text.indexOf(colon, data);
    const stop = close < 0 ? end : close + 1;
    files.push({ start: found, end: stop, open: close < 0 });
    at = stop;
  }
  return { files, more: true };
}

/** Six bits a character, between the colons; stops at whatever is none of the alphabet. */
function sixBits(raw: Buffer, from: number): Buffer {
  const out = Buffer.allocUnsafe(Math.ceil(((raw.length - from) * 3) / 4) + 3);
  let written = 0;
  let bits = 0;
  let held = 0;
  for (let at = from; at < raw.length; at++) {
    const value = meaning[raw[at] as number] as number;
    if (value === foreign) break;
    if (value === blank) continue;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[written++] = bits >> held;
  }
  return out.subarray(0, written);
}

interface Unpacked {
  readonly octets: Buffer;
  readonly full: boolean;
}

/** `90 n` repeats the octet before it, `90 00` is 90 itself. At most `most` octets come out. */
function unpackRuns(packed: Buffer, most: number): Unpacked {
  let out = Buffer.allocUnsafe(Math.min(most, packed.length + 1024));
  let written = 0;
  const put = (octet: number, times: number): boolean => {
    const fits = Math.min(times, most - written);
    if (written + fits > out.length) {
      const larger = Buffer.allocUnsafe(Math.min(most, (written + fits) * 2));
      out.copy(larger, 0, 0, written);
      out = larger;
    }
    out.fill(octet, written, written + fits);
    written += fits;
    return fits === times;
  };
  for (let at = 0; at < packed.length; at++) {
    const octet = packed[at] as number;
    const count = octet === repeat ? packed[++at] : undefined;
    const fits =
      count === undefined
        ? octet === repeat || put(octet, 1)
        : count === 0
          ? put(repeat, 1)
          : put(out[written - 1] ?? 0, count - 1);
    if (!fits) return { octets: out.subarray(0, written), full: true };
  }
  return { octets: out.subarray(0, written), full: false };
}

/** Where the data start: behind the first colon that opens a line. */
function dataStart(raw: Buffer): number {
  const file = findBinhexFiles(raw, 0, raw.length).files[0];
  return raw.indexOf(colon, file ? file.start + announcement.length : 0) + 1;
}

/** The first file in `raw`; null if there is none. Never more than `most` octets in all. */
export function decodeBinhex(raw: Buffer, most: number): BinhexContent | null {
  const start = dataStart(raw);
  if (start === 0) return null;
  const { octets, full } = unpackRuns(sixBits(raw, start), most);
  const nameLength = octets[0] ?? 0;
  const sizes = 1 + nameLength + 1 + 4 + 4 + 2;
  if (nameLength === 0 || nameLength > 63 || octets.length < sizes + 10) return null;
  const dataAt = sizes + 10;
  const dataLength = octets.readUInt32BE(sizes);
  const resourceAt = dataAt + dataLength + 2;
  const end = resourceAt + octets.readUInt32BE(sizes + 4);
  return {
    name: octets.toString("latin1", 1, 1 + nameLength),
    data: octets.subarray(dataAt, dataAt + dataLength),
    resource: octets.subarray(Math.min(resourceAt, octets.length), end),
    cut: end <= octets.length ? null : full ? "limit" : "end",
  };
}
