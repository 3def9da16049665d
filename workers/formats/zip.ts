/** Records of a zip file and where they lie; no content is opened here. PKWARE APPNOTE 6.3.10 §4.3. */

/** What a header says of one file: a local header, or an entry of the central directory. */
export interface ZipHeader {
  readonly name: Buffer;
  readonly extra: Buffer;
  readonly flags: number;
  readonly method: number;
  /** Of the last change, as MS-DOS has it. */
  readonly time: number;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Central: where the local header is. Local: where the data begin. */
  readonly offset: number;
}

export interface ZipDirectory {
  readonly entries: readonly ZipHeader[];
  /** First octet of the directory. */
  readonly start: number;
  /** After the end record, without its comment. */
  readonly end: number;
  /** Octets in front of the archive: to be added to every offset. */
  readonly base: number;
  /** The directory ends earlier, or holds more or fewer entries, than the end record says. */
  readonly damaged: boolean;
}

const localSignature = Buffer.from("PK\x03\x04", "latin1");
const endSignature = Buffer.from("PK\x05\x06", "latin1");
const centralMagic = 0x02014b50;
const localMagic = 0x04034b50;
const endBytes = 22;
const unknown32 = 0xffffffff;
/** An end record may be followed by a comment of 64 KiB; as much again for what was appended. */
const tailBytes = 128 * 1024;
/** More entries than any job may unpack. */
const mostEntries = 100_000;

export const isEncrypted = (header: ZipHeader): boolean => (header.flags & 0x2041) !== 0;
/** Sizes and CRC follow the data, §4.3.9. */
export const isStreamed = (header: ZipHeader): boolean => (header.flags & 0x8) !== 0;
export const hasUtf8Name = (header: ZipHeader): boolean => (header.flags & 0x800) !== 0;
export const isDirectory = (header: ZipHeader): boolean =>
  header.size === 0 && header.compressedSize <= 2 && header.name.at(-1) === 0x2f;

/** One field of the extra data by its id, or null. §4.5.1 */
export function extraField(extra: Buffer, id: number): Buffer | null {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === id) return extra.subarray(at + 4, Math.min(extra.length, at + 4 + length));
    at += 4 + length;
  }
  return null;
}

/** Values that did not fit into 32 bits, in this order. §4.5.3 */
function widen(values: readonly number[], extra: Buffer): number[] {
  if (!values.includes(unknown32)) return [...values];
  const field = extraField(extra, 1);
  let at = 0;
  return values.map((value) => {
    if (value !== unknown32 || !field || at + 8 > field.length) return value;
    at += 8;
    return Number(field.readBigUInt64LE(at - 8));
  });
}

/** The local header at this offset, or null if there is none that could be one. §4.3.7 */
export function readLocal(bytes: Buffer, at: number): ZipHeader | null {
  if (at < 0 || at + 30 > bytes.length || bytes.readUInt32LE(at) !== localMagic) return null;
  const nameEnd = at + 30 + bytes.readUInt16LE(at + 26);
  const offset = nameEnd + bytes.readUInt16LE(at + 28);
  if (offset > bytes.length) return null;
  const extra = bytes.subarray(nameEnd, offset);
  const [size = 0, compressedSize = 0] = widen([bytes.readUInt32LE(at + 22), bytes.readUInt32LE(at + 18)], extra);
  return {
    name: bytes.subarray(at + 30, nameEnd),
    extra,
    flags: bytes.readUInt16LE(at + 6),
    method: bytes.readUInt16LE(at + 8),
    time: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 14),
    compressedSize,
    size,
    offset,
  };
}

/** Whether this can be a header of a real file, and not four chance octets. */
function isPlausible(bytes: Buffer, at: number): boolean {
  if (at + 30 > bytes.length) return false;
  const method = bytes.readUInt16LE(at + 8);
  const nameBytes = bytes.readUInt16LE(at + 26);
  return nameBytes > 0 && nameBytes < 4096 && (method <= 20 || (method >= 93 && method <= 99));
}

/** Offset of the next local header at or after `from` that can be one, or -1. */
export function nextLocal(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(localSignature, from);
  while (at >= 0 && !isPlausible(bytes, at)) at = bytes.indexOf(localSignature, at + 4);
  return at;
}

interface Walk {
  readonly entries: readonly ZipHeader[];
  readonly stop: number;
}

/** Entries of the central directory, as long as there are any. §4.3.12 */
function readEntries(bytes: Buffer, start: number, end: number): Walk {
  const entries: ZipHeader[] = [];
  let at = start;
  while (at + 46 <= end && entries.length < mostEntries && bytes.readUInt32LE(at) === centralMagic) {
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const stop = extraEnd + bytes.readUInt16LE(at + 32);
    if (stop > end) break;
    const extra = bytes.subarray(nameEnd, extraEnd);
    const sizes = [bytes.readUInt32LE(at + 24), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)];
    const [size = 0, compressedSize = 0, offset = 0] = widen(sizes, extra);
    entries.push({
      name: bytes.subarray(at + 46, nameEnd),
      extra,
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      time: bytes.readUInt16LE(at + 12),
      crc: bytes.readUInt32LE(at + 16),
      compressedSize,
      size,
      offset,
    });
    at = stop;
  }
  return { entries, stop: at };
}

interface End {
  readonly count: number;
  readonly size: number;
  readonly offset: number;
  /** Where the directory must stop. */
  readonly before: number;
}

/** The end record, or the zip64 one that it points to. §4.3.14–16 */
function readEnd(bytes: Buffer, at: number): End {
  const end = {
    count: bytes.readUInt16LE(at + 10),
    size: bytes.readUInt32LE(at + 12),
    offset: bytes.readUInt32LE(at + 16),
    before: at,
  };
  const locator = at - 20;
  if (locator < 56 || bytes.readUInt32LE(locator) !== 0x07064b50) return end;
  const told = Number(bytes.readBigUInt64LE(locator + 8));
  const record = [told, locator - 56].find(
    (place) => place + 56 <= locator && bytes.readUInt32LE(place) === 0x06064b50,
  );
  if (record === undefined) return end;
  return {
    count: Number(bytes.readBigUInt64LE(record + 32)),
    size: Number(bytes.readBigUInt64LE(record + 40)),
    offset: Number(bytes.readBigUInt64LE(record + 48)),
    before: record,
  };
}

const isCentral = (bytes: Buffer, at: number): boolean =>
  at >= 0 && at + 46 <= bytes.length && bytes.readUInt32LE(at) === centralMagic;

/** The directory that the end record at `at` speaks of, or null if there is none. */
function directoryAt(bytes: Buffer, at: number): ZipDirectory | null {
  const end = readEnd(bytes, at);
  if (end.count === 0 && end.size === 0)
    return { entries: [], start: end.before, end: at + endBytes, base: 0, damaged: false };
  // Where it says, or right in front of the end record when something was put before the archive.
  const start = [end.before - end.size, end.offset].find((place) => isCentral(bytes, place));
  if (start === undefined) return null;
  const { entries, stop } = readEntries(bytes, start, end.before);
  const damaged = stop !== end.before || (entries.length & 0xffff) !== (end.count & 0xffff);
  return { entries, start, end: at + endBytes, base: start - end.offset, damaged };
}

/** The directory whose end record comes last, and whether its comment reaches to the last octet; null if there is none. */
export function findDirectory(bytes: Buffer): (ZipDirectory & { readonly closes: boolean }) | null {
  const before = Math.max(0, bytes.length - tailBytes);
  const tail = bytes.subarray(before);
  let tries = 64;
  for (
    let found = tail.lastIndexOf(endSignature);
    found >= 0 && tries-- > 0;
    found = tail.subarray(0, found).lastIndexOf(endSignature)
  ) {
    const at = before + found;
    if (at + endBytes > bytes.length) continue;
    const directory = directoryAt(bytes, at);
    if (directory) return { ...directory, closes: at + endBytes + bytes.readUInt16LE(at + 20) === bytes.length };
  }
  return null;
}
