/** Gzip: its members joined, as every reader does, and whatever stands behind them. RFC 1952 */
import { crc32 } from "node:zlib";
import type { Part } from "../../src/core/message.ts";
import { payForDamage, payForOverflow } from "../budget.ts";
import { inflate } from "../formats/inflate.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { decodeName, outerNames } from "./names.ts";
import { isPadding } from "./padding.ts";

interface Header {
  /** Where the deflated data begin. */
  readonly data: number;
  readonly name: Buffer;
}

const trailerBytes = 8;
const mostPieces = 10_000;

const isGzip = (bytes: Buffer, at: number): boolean =>
  bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8;

/** After the zero that ends a text; the end of the octets if there is none. */
function afterText(bytes: Buffer, at: number): number {
  const zero = bytes.indexOf(0, at);
  return zero < 0 ? bytes.length : zero + 1;
}

/** RFC 1952 §2.3 */
function readHeader(bytes: Buffer, at: number): Header | null {
  if (at + 18 > bytes.length || !isGzip(bytes, at)) return null;
  const flags = bytes[at + 3] ?? 0;
  let data = at + 10;
  if (flags & 4) data += 2 + (data + 2 <= bytes.length ? bytes.readUInt16LE(data) : 0);
  const nameStart = data;
  if (flags & 8) data = afterText(bytes, data);
  const name = flags & 8 ? bytes.subarray(nameStart, Math.max(nameStart, data - 1)) : Buffer.alloc(0);
  if (flags & 16) data = afterText(bytes, data);
  if (flags & 2) data += 2;
  return data < bytes.length ? { data, name } : null;
}

interface Read {
  readonly pieces: readonly Buffer[];
  readonly names: readonly string[];
  /** First octet behind the last member. */
  readonly end: number;
  readonly broken: string | null;
}

/** All members from the front, within the budget; null if they are larger than it. */
function readMembers(bytes: Buffer, budget: Budget): Read | null {
  const pieces: Buffer[] = [];
  const names: string[] = [];
  let at = 0;
  let room = budget.memberRoom;
  const ended = (broken: string | null, end = at): Read => ({ pieces, names, end, broken });
  while (pieces.length < mostPieces) {
    const header = readHeader(bytes, at);
    if (!header) return ended(at === 0 ? "its header is cut" : null);
    const got = inflate(bytes.subarray(header.data), room);
    if (got.kind === "limit") {
      payForOverflow(budget);
      return null;
    }
    if (got.kind === "damaged") {
      payForDamage(budget, bytes.length - header.data);
      return ended("its data are damaged", bytes.length);
    }
    names.push(...decodeName(header.name, false));
    budget.spend({ bytes: got.bytes.length });
    room -= got.bytes.length;
    pieces.push(got.bytes);
    const trailer = header.data + got.used;
    at = Math.min(bytes.length, trailer + trailerBytes);
    if (got.kind === "cut" || trailer + trailerBytes > bytes.length) return ended("it breaks off", bytes.length);
    if (bytes.readUInt32LE(trailer) !== crc32(got.bytes)) return ended("its checksum is wrong");
  }
  return ended("it has too many members");
}

function* open(part: Part, bytes: Buffer, budget: Budget): Generator<Yielded> {
  budget.spend({ members: 1 });
  const read = readMembers(bytes, budget);
  if (!read) {
    yield { names: outerNames(part), why: "limit", text: "The file is larger than the limit" };
    return;
  }
  const names = [...new Set([...read.names, ...outerNames(part)])].slice(0, 32);
  if (read.pieces.length > 0) {
    const [only] = read.pieces;
    yield { names, declaredTypes: [], bytes: read.pieces.length === 1 && only ? only : Buffer.concat(read.pieces) };
  }
  if (read.broken !== null) yield { names: [], why: "malformed", text: `The gzip file is damaged: ${read.broken}` };
  const rest = bytes.subarray(read.end);
  if (isPadding(rest)) return;
  budget.spend({ members: 1, bytes: rest.length });
  yield { names: [], declaredTypes: [], bytes: rest };
  yield { rule: "gzip.trailing", severity: "medium", text: "Other data stand behind the end of the gzip file" };
}

export const gzipExtractor: Extractor = {
  name: "gzip",
  version: "1",
  wants: (part) => part.types.includes("application/gzip"),
  *extract(part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!isGzip(buffer, 0)) throw new Stop("malformed", "No gzip file begins here");
    yield* open(part, buffer, budget);
  },
};
