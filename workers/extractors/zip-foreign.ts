/** Files of a zip in methods that Node does not know (Deflate64, bzip2, LZMA, Zstandard, xz, PPMd, implode, shrink): each goes to 7-Zip as a zip of its own. */
import { type Unpacked, unpackSingle } from "../formats/seven-zip/single.ts";
import { isStreamed, type ZipHeader } from "../formats/zip.ts";

/** APPNOTE 6.3.10 §4.4.5, those that 7-Zip opens. */
const methods: ReadonlySet<number> = new Set([1, 6, 9, 12, 14, 20, 93, 95, 98]);
export const isForeign = (method: number): boolean => methods.has(method);

/** Bits that say how the data are packed; those about names, encryption and descriptors are left out. §4.4.4 */
const methodFlags = 0x6;
const name = Buffer.from("file");
/** Of a file whose size stands behind its data, or nowhere. */
const unknownSize = 0xfffffffe;

/** A zip with this one file. */
function alone(data: Buffer, header: ZipHeader): Buffer {
  const { flags, method, crc } = header;
  const size = isStreamed(header) && header.size === 0 ? unknownSize : header.size;
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(63, 0);
  fields.writeUInt16LE(flags & methodFlags, 2);
  fields.writeUInt16LE(method, 4);
  fields.writeUInt32LE(crc, 10);
  fields.writeUInt32LE(data.length, 14);
  fields.writeUInt32LE(Math.min(size, unknownSize), 18);
  fields.writeUInt16LE(name.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04"), fields, name]);
  const central = Buffer.concat([Buffer.from("PK\x01\x02\x3f\0"), fields, Buffer.alloc(14), name]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length + data.length, 16);
  return Buffer.concat([local, data, central, end]);
}

/** Whatever comes out fits into `room`. */
export const unpackForeign = (data: Buffer, header: ZipHeader, room: number): Unpacked =>
  unpackSingle("zip", alone(data, header), room);
