/** Lzip: where its members lie, and each as an LZMA file, which is the same stream under another header. lzip manual, "File format" */

export interface LzipMember {
  /** With the header of LZMA's own file format. */
  readonly lzma: Buffer;
  readonly crc: number;
  readonly size: number;
}

export interface LzipFile {
  readonly members: readonly LzipMember[];
  /** The trailers do not lead from the end to the beginning: what stands behind the first member is not told. */
  readonly broken: boolean;
}

const mark = Buffer.from("LZIP\x01", "latin1");
const headerBytes = 6;
const trailerBytes = 20;
const mostMembers = 10_000;
/** lc 3, lp 0, pb 2, as lzip always has them. */
const properties = 0x5d;

const beginsAt = (bytes: Buffer, at: number): boolean => at >= 0 && bytes.subarray(at, at + mark.length).equals(mark);

/** The power of two, less some sixteenths of it. */
function dictionarySize(coded: number): number {
  const base = 2 ** Math.min(29, coded & 0x1f);
  return base - (base / 16) * (coded >> 5);
}

function asLzma(member: Buffer): Buffer {
  const header = Buffer.alloc(13, 0xff);
  header[0] = properties;
  header.writeUInt32LE(dictionarySize(member[5] ?? 0), 1);
  return Buffer.concat([header, member.subarray(headerBytes, -trailerBytes)]);
}

const asMember = (member: Buffer): LzipMember => ({
  lzma: asLzma(member),
  crc: member.readUInt32LE(member.length - trailerBytes),
  size: Number(member.readBigUInt64LE(member.length - 16)),
});

/** Null if it is no lzip file. Each trailer tells how long its member is, so they are found from the end. */
export function readLzip(bytes: Buffer): LzipFile | null {
  if (!beginsAt(bytes, 0) || bytes.length < headerBytes + trailerBytes) return null;
  const members: LzipMember[] = [];
  let end = bytes.length;
  while (end >= headerBytes + trailerBytes && members.length < mostMembers) {
    const length = Number(bytes.readBigUInt64LE(end - 8));
    if (length < headerBytes + trailerBytes || !beginsAt(bytes, end - length)) break;
    members.unshift(asMember(bytes.subarray(end - length, end)));
    end -= length;
  }
  return end === 0 ? { members, broken: false } : { members: [asMember(bytes)], broken: true };
}
