/** Headers of LZH (LHA) archives, levels 0 to 3. "LHA header" (H. Okumura, K. Miki), LHA for UNIX header.doc.jp */

export interface LzhHeader {
  readonly method: string;
  readonly level: number;
  /** As declared; the octets of the data as they lie there. */
  readonly packed: number;
  readonly size: number;
  /** Of the content; null where the header has none. */
  readonly crc: number | null;
  /** Every name that a field tells, without folder, as octets of an unknown charset. */
  readonly names: readonly Buffer[];
  readonly folders: readonly Buffer[];
  /** The same in UTF-16. */
  readonly wideNames: readonly string[];
  readonly wideFolders: readonly string[];
  /** Where the data begin. */
  readonly data: number;
  /** What in it does not fit together. */
  readonly problems: readonly string[];
}

interface Extended {
  readonly type: number;
  readonly data: Buffer;
}

interface Chain {
  readonly fields: readonly Extended[];
  /** Octets taken by the fields. */
  readonly bytes: number;
  readonly broken: boolean;
}

const mostFields = 256;
const marks = ["-lh", "-lz", "-pm"] as const;
const method = /^-(?:l[hz][0-9a-z]|pm[0-9s])-$/;

/** Whether a header could begin here. */
export const hasLzhMark = (bytes: Buffer, at: number): boolean =>
  at >= 0 &&
  at + 22 <= bytes.length &&
  (bytes[at + 20] ?? 4) <= 3 &&
  method.test(bytes.toString("latin1", at + 2, at + 7));

/** Each field ends with the length of the next. */
function readChain(bytes: Buffer, from: number, first: number, wide: boolean): Chain {
  const fields: Extended[] = [];
  const tail = wide ? 4 : 2;
  let at = from;
  let length = first;
  while (length !== 0) {
    if (length < tail + 1 || at + length > bytes.length || fields.length === mostFields)
      return { fields, bytes: at - from, broken: true };
    const end = at + length - tail;
    fields.push({ type: bytes[at] ?? 0, data: bytes.subarray(at + 1, end) });
    length = wide ? bytes.readUInt32LE(end) : bytes.readUInt16LE(end);
    at = end + tail;
  }
  return { fields, bytes: at - from, broken: false };
}

const field = { name: 0x01, folder: 0x02, sizes: 0x42, wideName: 0x44, wideFolder: 0x45 } as const;

function collect(base: Buffer | null, { fields }: Chain) {
  const of = (type: number): readonly Buffer[] => fields.filter((one) => one.type === type).map(({ data }) => data);
  const wide = (type: number): readonly string[] => of(type).map((data) => data.toString("utf16le"));
  const sizes = of(field.sizes).find((data) => data.length >= 16);
  return {
    names: [...(base && base.length > 0 ? [base] : []), ...of(field.name)],
    folders: of(field.folder),
    wideNames: wide(field.wideName),
    wideFolders: wide(field.wideFolder),
    sizes: sizes ? { packed: Number(sizes.readBigUInt64LE(0)), size: Number(sizes.readBigUInt64LE(8)) } : null,
  };
}

/** What all levels have in the same place. */
interface Base {
  readonly method: string;
  readonly level: number;
  readonly packed: number;
  readonly size: number;
}

function assemble(base: Base, own: Buffer | null, chain: Chain, rest: Pick<LzhHeader, "crc" | "data" | "problems">) {
  const { sizes, ...names } = collect(own, chain);
  const problems = [...rest.problems];
  if (chain.broken) problems.push("a header is cut or damaged");
  if (sizes && base.packed < 0xffffffff && sizes.packed !== base.packed)
    problems.push("two sizes are declared for a file");
  return { ...base, ...sizes, ...names, ...rest, problems };
}

/** Of all octets behind the first two. */
function hasSum(bytes: Buffer, at: number, end: number): boolean {
  let sum = 0;
  for (let i = at + 2; i < end; i++) sum += bytes[i] ?? 0;
  return (sum & 0xff) === bytes[at + 1];
}

const noChain: Chain = { fields: [], bytes: 0, broken: false };

/** Levels 0 and 1: length and sum in the first two octets. */
function readOld(bytes: Buffer, at: number, base: Base): LzhHeader | null {
  const end = at + 2 + (bytes[at] ?? 0);
  const nameEnd = at + 22 + (bytes[at + 21] ?? 0);
  if (end < at + 22 || Math.max(nameEnd, end) > bytes.length) return null;
  const problems = hasSum(bytes, at, end) ? [] : ["the sum of a header is wrong"];
  // Where the name is longer than the header says it is, readers go by either.
  if (nameEnd > end) problems.push("a name reaches out of its header");
  const name = bytes.subarray(at + 22, nameEnd);
  const crc = nameEnd + 2 <= end ? bytes.readUInt16LE(nameEnd) : null;
  const first = base.level === 1 && end - 2 >= nameEnd ? bytes.readUInt16LE(end - 2) : 0;
  const chain = first > 0 ? readChain(bytes, end, first, false) : noChain;
  const packed = Math.max(0, base.packed - chain.bytes);
  return assemble({ ...base, packed }, name, chain, { crc, data: end + chain.bytes, problems });
}

/** Levels 2 and 3: the length of all headers together; every name is in a field. */
function readNew(bytes: Buffer, at: number, base: Base): LzhHeader | null {
  const wide = base.level === 3;
  const start = at + (wide ? 32 : 26);
  if (start > bytes.length) return null;
  const total = wide ? bytes.readUInt32LE(at + 24) : bytes.readUInt16LE(at);
  const first = wide ? bytes.readUInt32LE(at + 28) : bytes.readUInt16LE(at + 24);
  const chain = readChain(bytes, start, first, wide);
  const end = start + chain.bytes;
  // One octet may fill up, so that a level 2 header does not begin with a zero.
  const told = at + total;
  const fits = told >= end && told <= end + 1;
  const problems = fits ? [] : ["the length of a header is wrong"];
  const data = told >= end && told <= bytes.length ? told : end;
  return assemble(base, null, chain, { crc: bytes.readUInt16LE(at + 21), data, problems });
}

/** Null if nothing that could be a header begins here. */
export function readLzhHeader(bytes: Buffer, at: number): LzhHeader | null {
  if (!hasLzhMark(bytes, at)) return null;
  const base: Base = {
    method: bytes.toString("latin1", at + 3, at + 6),
    level: bytes[at + 20] ?? 0,
    packed: bytes.readUInt32LE(at + 7),
    size: bytes.readUInt32LE(at + 11),
  };
  return base.level < 2 ? readOld(bytes, at, base) : readNew(bytes, at, base);
}

/** Offset of the next header at or after `from`, or -1. */
export function nextLzh(bytes: Buffer, from: number): number {
  const places = marks.map((mark) => {
    let at = bytes.indexOf(mark, from + 2, "latin1");
    while (at >= 0 && !readLzhHeader(bytes, at - 2)) at = bytes.indexOf(mark, at + 1, "latin1");
    return at;
  });
  const found = places.filter((at) => at >= 0);
  return found.length > 0 ? Math.min(...found) - 2 : -1;
}
