/** Deflate within bounds: how much came out, how much went in, and why it ended. RFC 1951, RFC 1950 */
import { constants, inflateRawSync } from "node:zlib";

export type Inflated =
  | { readonly kind: "whole"; readonly bytes: Buffer; readonly used: number }
  /** The stream breaks off; this much could be had. */
  | { readonly kind: "cut"; readonly bytes: Buffer; readonly used: number }
  | { readonly kind: "damaged" }
  | { readonly kind: "limit" };

const leastChunk = 16 * 1024;
const mostChunk = 4 * 1024 * 1024;

interface WithInfo {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

const errorCode = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);

function run(data: Buffer, room: number, expected: number, finishFlush: number): WithInfo {
  // One chunk of the declared size saves joining; it is a hint only, and nothing is allocated beyond its bound.
  const chunkSize = Math.min(Math.max(expected + 1, leastChunk), mostChunk);
  return inflateRawSync(data, { maxOutputLength: room, chunkSize, finishFlush, info: true }) as unknown as WithInfo;
}

/** `expected` is what a header says; it only saves memory. Octets after the end of the stream are left alone. */
export function inflate(data: Buffer, room: number, expected = 0): Inflated {
  if (room < 1) return { kind: "limit" };
  if (data.length === 0) return { kind: "damaged" };
  try {
    const { buffer, engine } = run(data, room, expected, constants.Z_FINISH);
    return { kind: "whole", bytes: buffer, used: engine.bytesWritten };
  } catch (error) {
    if (errorCode(error) === "ERR_BUFFER_TOO_LARGE") return { kind: "limit" };
    if (errorCode(error) !== "Z_BUF_ERROR") return { kind: "damaged" };
  }
  try {
    const { buffer, engine } = run(data, room, expected, constants.Z_SYNC_FLUSH);
    return { kind: "cut", bytes: buffer, used: engine.bytesWritten };
  } catch (error) {
    return { kind: errorCode(error) === "ERR_BUFFER_TOO_LARGE" ? "limit" : "damaged" };
  }
}

const headerBytes = 2;

/** With a zlib header, or what is left of one: its checksum is not asked, since readers do not. RFC 1950 §2.2 */
export function inflateZlib(data: Buffer, room: number): Inflated {
  const [method = 0, flags = 0] = data;
  const hasHeader = (method & 15) === 8 && ((method << 8) | flags) % 31 === 0;
  const first = inflate(hasHeader ? data.subarray(headerBytes) : data, room);
  if (hasHeader) return first;
  // Readers pass over a header that is wrong, and over line ends in front of it; what is no stream at all seems to break off.
  if (first.kind === "whole" || first.kind === "limit") return first;
  const start = data.subarray(0, 8).findIndex((octet) => octet !== 10 && octet !== 13);
  const second = inflate(data.subarray(Math.max(0, start) + headerBytes), room);
  return second.kind === "cut" ? { kind: "damaged" } : second;
}
