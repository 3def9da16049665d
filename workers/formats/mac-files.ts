/** Files of two forks in one: AppleSingle, AppleDouble, MacBinary I to III. RFC 1740 appendices A and B; MacBinary III specification (1996) */

export interface MacFile {
  /** As octets, in a charset of the old Mac OS or in UTF-8; empty if there is none. */
  readonly name: Buffer;
  readonly data: Buffer;
  readonly resources: Buffer;
  /** Something that it speaks of is not there. */
  readonly cut: boolean;
  /** First octet behind it. */
  readonly end: number;
}

const single = 0x00051600;
const double = 0x00051607;
const entryIds = { data: 1, resources: 2, name: 3 } as const;
const mostEntries = 256;

export const isAppleFile = (bytes: Buffer): boolean => {
  if (bytes.length < 26) return false;
  const magic = bytes.readUInt32BE(0);
  return (magic === single || magic === double) && bytes.readUInt16BE(24) <= mostEntries;
};

/** RFC 1740 appendix A. Null if none begins here. */
export function readAppleFile(bytes: Buffer): MacFile | null {
  if (!isAppleFile(bytes)) return null;
  const count = bytes.readUInt16BE(24);
  const found = new Map<number, Buffer>();
  let cut = false;
  let end = 26 + 12 * count;
  for (let at = 26, left = count; left > 0; left--, at += 12) {
    if (at + 12 > bytes.length) {
      cut = true;
      break;
    }
    const offset = bytes.readUInt32BE(at + 4);
    const stop = offset + bytes.readUInt32BE(at + 8);
    cut ||= stop > bytes.length;
    end = Math.max(end, stop);
    const id = bytes.readUInt32BE(at);
    if (!found.has(id)) found.set(id, bytes.subarray(offset, stop));
  }
  const none = Buffer.alloc(0);
  const {
    data = none,
    resources = none,
    name = none,
  } = {
    data: found.get(entryIds.data),
    resources: found.get(entryIds.resources),
    name: found.get(entryIds.name),
  };
  return { name, data, resources, cut, end: Math.min(end, bytes.length) };
}

const blockBytes = 128;
const padded = (length: number): number => Math.ceil(length / blockBytes) * blockBytes;

/** CRC-16 with the polynomial 0x1021, from zero, as XMODEM has it. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const octet of bytes) {
    crc ^= octet << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/** A header of any version: zeros where they must be, a name, and a sum, a mark, or more zeros. */
function isMacBinaryHeader(head: Buffer): boolean {
  const length = head[1] ?? 0;
  if (head[0] !== 0 || head[74] !== 0 || head[82] !== 0 || length < 1 || length > 63) return false;
  if (head.subarray(2, 2 + length).some((octet) => octet < 0x20)) return false;
  if (head.toString("latin1", 102, 106) === "mBIN") return true;
  const sum = head.readUInt16BE(124);
  if (sum !== 0 && sum === crc16(head.subarray(0, 124))) return true;
  // The first version had nothing but zeros behind its dates; what is all zeros behind its name is no file.
  return (
    head.subarray(99, blockBytes).every((octet) => octet === 0) && head.subarray(65, 73).some((octet) => octet !== 0)
  );
}

/** Null if none begins here, or one that speaks of more than is there by far: chance. */
export function readMacBinary(bytes: Buffer): MacFile | null {
  if (bytes.length < blockBytes || bytes[0] !== 0 || !isMacBinaryHeader(bytes.subarray(0, blockBytes))) return null;
  const dataLength = bytes.readUInt32BE(83);
  const resourceLength = bytes.readUInt32BE(87);
  if (dataLength + resourceLength === 0 || dataLength > 0x7fffffff || resourceLength > 0x7fffffff) return null;
  const dataAt = blockBytes + padded(bytes.readUInt16BE(120));
  const resourcesAt = dataAt + padded(dataLength);
  const end = resourceLength > 0 ? resourcesAt + padded(resourceLength) : resourcesAt;
  const cut = (resourceLength > 0 ? resourcesAt + resourceLength : dataAt + dataLength) > bytes.length;
  if (cut && dataAt >= bytes.length) return null;
  return {
    name: bytes.subarray(2, 2 + (bytes[1] ?? 0)),
    data: bytes.subarray(dataAt, dataAt + dataLength),
    resources: bytes.subarray(resourcesAt, resourcesAt + resourceLength),
    cut,
    end: Math.min(end, bytes.length),
  };
}
