/** Opens one file of a zip by one header's word: stored or deflated, checked by its CRC; by the other method if that is the one that fits. */
import { crc32 } from "node:zlib";
import { inflate } from "../formats/inflate.ts";
import type { ZipHeader } from "../formats/zip.ts";
import { isForeign, unpackForeign } from "./zip-foreign.ts";

export type Opened =
  | {
      readonly kind: "bytes";
      readonly readings: readonly Buffer[];
      readonly end: number;
      readonly problem?: string;
      /** Octets of deflated data that gave nothing. */
      readonly vain?: number;
    }
  | { readonly kind: "unsupported"; readonly sealed: Buffer; readonly text: string }
  | { readonly kind: "limit" };

/** APPNOTE 6.3.10 §4.4.5 */
const methods: Readonly<Record<number, string>> = {
  1: "shrink",
  6: "implode",
  9: "Deflate64",
  12: "bzip2",
  14: "LZMA",
  20: "Zstandard",
  93: "Zstandard",
  94: "MP3",
  95: "xz",
  96: "JPEG",
  97: "WavPack",
  98: "PPMd",
  99: "AES",
};

/** Whether these octets are what the header promises. */
const keepsPromise = (bytes: Buffer, { crc, size }: ZipHeader): boolean =>
  bytes.length === size && crc32(bytes) === crc;

/** A reader that goes by the stream, and not by the declared size, reads on to its end. */
function inflateAt(zip: Buffer, from: number, header: ZipHeader, room: number) {
  const bounded =
    header.compressedSize > 0 ? inflate(zip.subarray(from, from + header.compressedSize), room, header.size) : null;
  if (bounded && bounded.kind !== "cut") return { ...bounded, overran: false };
  const free = inflate(zip.subarray(from), room, header.size);
  if (free.kind === "whole") return { ...free, overran: bounded !== null };
  return { ...(bounded ?? free), overran: false };
}

function openDeflated(zip: Buffer, from: number, header: ZipHeader, room: number): Opened {
  const told = from + header.compressedSize;
  const got = inflateAt(zip, from, header, room);
  if (got.kind === "limit") return got;
  if (got.kind === "damaged") {
    const raw = zip.subarray(from, told);
    if (raw.length > room) return { kind: "limit" };
    return { kind: "bytes", readings: [raw], end: told, problem: "a file cannot be inflated", vain: raw.length };
  }
  const end = Math.max(told, from + got.used);
  if (got.kind === "cut") return { kind: "bytes", readings: [got.bytes], end, problem: "a file breaks off" };
  if (got.overran) return { kind: "bytes", readings: [got.bytes], end, problem: "a file is longer than declared" };
  const kept = keepsPromise(got.bytes, header);
  return {
    kind: "bytes",
    readings: [got.bytes],
    end,
    ...(!kept && { problem: "a file does not have the declared checksum or size" }),
  };
}

/** Stored; if it is not what was promised, it may be deflated all the same (VU#976247: scanners believed the header, loaders did not). */
function openStored(zip: Buffer, from: number, header: ZipHeader, room: number): Opened {
  const end = from + header.compressedSize;
  const raw = zip.subarray(from, end);
  if (raw.length > room) return { kind: "limit" };
  if (keepsPromise(raw, header)) return { kind: "bytes", readings: [raw], end };
  const problem = "a stored file does not have the declared checksum or size";
  const other = inflate(raw, room - raw.length, header.size);
  if (other.kind === "whole" && other.bytes.length > 0)
    return { kind: "bytes", readings: [raw, other.bytes], end, problem };
  return { kind: "bytes", readings: [raw], end, problem, vain: raw.length };
}

function openForeign(zip: Buffer, from: number, header: ZipHeader, room: number): Opened {
  const end = from + header.compressedSize;
  const sealed = zip.subarray(from, end);
  const got = isForeign(header.method) ? unpackForeign(sealed, header, room) : ({ kind: "unsupported" } as const);
  if (got.kind === "limit") return got;
  if (got.kind === "unsupported")
    return {
      kind: "unsupported",
      sealed,
      text: `Compressed with ${methods[header.method] ?? `method ${header.method}`}`,
    };
  const problem = "a file does not have the declared checksum or size, or breaks off";
  if (got.whole) return { kind: "bytes", readings: [got.bytes], end };
  if (got.bytes.length > 0) return { kind: "bytes", readings: [got.bytes], end, problem };
  return sealed.length > room ? { kind: "limit" } : { kind: "bytes", readings: [sealed], end, problem };
}

/** `from` is where the data begin. All readings together fit into `room`. */
export function openEntry(zip: Buffer, from: number, header: ZipHeader, room: number): Opened {
  if (header.method === 8) return openDeflated(zip, from, header, room);
  if (header.method === 0) return openStored(zip, from, header, room);
  return openForeign(zip, from, header, room);
}
