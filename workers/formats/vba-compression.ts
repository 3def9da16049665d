/** The compression of VBA source and of the project's directory. [MS-OVBA] §2.4.1 */
import type { Bytes } from "../../src/core/message.ts";

export interface Decompressed {
  readonly bytes: Buffer;
  /** "whole": up to the end of the octets. "cut": the rest is no chunk. "full": there is more than was asked for. */
  readonly end: "whole" | "cut" | "full";
}

const containerMark = 1;
const chunkBytes = 4096;
/** How a container begins that holds a module: three octets of marks, then "Attribute VB_Name" in literals. */
const moduleStart = Buffer.from("\0Attribut\0e VB_Nam", "latin1");
const beforeStart = 3;

/** Copies by a token what came before it in the chunk. Returns where the output ends, -1 if it would begin before the chunk. §2.4.1.3.19 */
function copyBack(out: Buffer, to: number, token: number): number {
  // The further in the chunk, the more bits the offset has.
  const offsetBits = Math.max(4, 32 - Math.clz32(Math.max(0, to - 1)));
  const back = (token >>> (16 - offsetBits)) + 1;
  if (back > to) return -1;
  const end = Math.min(out.length, to + (token & (0xffff >>> offsetBits)) + 3);
  for (let at = to; at < end; at++) out[at] = out[at - back] ?? 0;
  return end;
}

/** One chunk, by its tokens. Returns the length of the output. §2.4.1.3.5 */
function unpackChunk(data: Buffer, out: Buffer): number {
  let to = 0;
  let at = 0;
  while (at < data.length) {
    const flags = data[at++] ?? 0;
    for (let bit = 0; bit < 8 && at < data.length && to < out.length; bit++) {
      if ((flags & (1 << bit)) === 0) {
        out[to++] = data[at++] ?? 0;
        continue;
      }
      const end = at + 2 <= data.length ? copyBack(out, to, data.readUInt16LE(at)) : -1;
      if (end < 0) return to;
      to = end;
      at += 2;
    }
    if (to >= out.length) break;
  }
  return to;
}

/** The container at `at`, or null if there is none. At most `room` octets come out. */
export function decompress(bytes: Buffer, at: number, room: Bytes): Decompressed | null {
  if (bytes[at] !== containerMark || at + 3 > bytes.length) return null;
  const pieces: Buffer[] = [];
  let produced = 0;
  const ended = (end: Decompressed["end"]): Decompressed => ({ bytes: Buffer.concat(pieces), end });
  let next = at + 1;
  while (next + 2 <= bytes.length) {
    const header = bytes.readUInt16LE(next);
    // Bits 12 to 14 are always 011. §2.4.1.1.5
    if ((header & 0x7000) !== 0x3000) return pieces.length > 0 ? ended("cut") : null;
    const data = bytes.subarray(next + 2, next + (header & 0x0fff) + 3);
    const out = Buffer.alloc(chunkBytes);
    const length = header & 0x8000 ? unpackChunk(data, out) : data.copy(out);
    if (produced + length > room) {
      pieces.push(out.subarray(0, room - produced));
      return ended("full");
    }
    pieces.push(out.subarray(0, length));
    produced += length;
    next += (header & 0x0fff) + 3;
  }
  return ended("whole");
}

/** Where containers with the source of a module seem to begin, whatever surrounds them. */
export function* modulesIn(bytes: Buffer): Generator<number> {
  for (let at = bytes.indexOf(moduleStart); at >= 0; at = bytes.indexOf(moduleStart, at + moduleStart.length))
    if (at >= beforeStart && bytes[at - beforeStart] === containerMark) yield at - beforeStart;
}
