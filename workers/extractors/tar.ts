/** Tar: old, ustar, pax and GNU headers; reads on behind the end mark, as some readers do. POSIX.1-2017 pax, "ustar Interchange Format" */
import { hasTarChecksum } from "../identify/magic.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { decodeName } from "./names.ts";

const block = 512;
const mostPax = 1024 * 1024;

interface Header {
  readonly name: Buffer;
  readonly size: number;
  readonly type: string;
  /** The sum over the header is right. */
  readonly isSound: boolean;
}

/** What extended headers said about the next file. */
interface Pending {
  names: Buffer[];
  size: number | null;
  sparse: boolean;
}

const nothing = (): Pending => ({ names: [], size: null, sparse: false });

function text(bytes: Buffer, from: number, length: number): Buffer {
  const field = bytes.subarray(from, from + length);
  const zero = field.indexOf(0);
  return zero < 0 ? field : field.subarray(0, zero);
}

/** Octal digits, or 256-based with the highest bit set (GNU). NaN if neither. */
function number(bytes: Buffer, from: number, length: number): number {
  if (((bytes[from] ?? 0) & 0x80) !== 0)
    return Number(BigInt(`0x${bytes.subarray(from + 4, from + length).toString("hex")}`));
  const digits = bytes
    .toString("latin1", from, from + length)
    .replace(/\0/g, " ")
    .trim();
  return digits === "" ? 0 : /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number.NaN;
}

function readHeader(bytes: Buffer, at: number): Header | null {
  if (at + block > bytes.length) return null;
  const isUstar = bytes.toString("latin1", at + 257, at + 262) === "ustar";
  const isSound = hasTarChecksum(bytes, at);
  if (!isUstar && !isSound) return null;
  const name = text(bytes, at, 100);
  const prefix = isUstar && bytes[at + 263] === 0x30 ? text(bytes, at + 345, 155) : Buffer.alloc(0);
  return {
    name: prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : name,
    size: number(bytes, at + 124, 12),
    type: String.fromCharCode(bytes[at + 156] ?? 0),
    isSound,
  };
}

const zeros = Buffer.alloc(block);
const isZero = (bytes: Buffer, at: number): boolean => bytes.compare(zeros, 0, block, at, at + block) === 0;

/** "27 path=some/name\n" … */
function readPax(data: Buffer, pending: Pending): void {
  for (let at = 0; at < data.length; ) {
    const length = Number.parseInt(data.toString("latin1", at, at + 12), 10);
    if (!(length > 4) || at + length > data.length) return;
    const record = data.subarray(at, at + length - 1);
    const key = record.toString("latin1", record.indexOf(0x20) + 1, Math.max(0, record.indexOf(0x3d)));
    const value = record.subarray(record.indexOf(0x3d) + 1);
    if (key === "path" || key === "GNU.sparse.name") pending.names.unshift(value);
    if (key === "size") pending.size = Number.parseInt(value.toString("latin1"), 10);
    if (key.startsWith("GNU.sparse")) pending.sparse = true;
    at += length;
  }
}

/** Headers that speak of the next one; true if this was such a header. */
function readExtended(type: string, data: Buffer, pending: Pending): boolean {
  if (type === "x" || type === "X" || type === "g") readPax(data.subarray(0, mostPax), pending);
  else if (type === "L" || type === "N") pending.names.unshift(text(data, 0, Math.min(data.length, 64 * 1024)));
  else return type === "K" || type === "V";
  return true;
}

const isLinkOrFolder = (type: string): boolean => /[1-6D]/.test(type);

interface Walk {
  readonly bytes: Buffer;
  readonly budget: Budget;
  readonly broken: Set<string>;
  /** Readers would take other octets for headers than we do. */
  odd: string | null;
}

/** The content of one file, or why it cannot be had. */
function* openFile(
  { budget, broken }: Walk,
  header: Header,
  pending: Pending,
  data: Buffer,
  size: number,
): Generator<Yielded> {
  if (data.length === 0 && isLinkOrFolder(header.type)) return;
  const names = [...new Set([...pending.names, header.name].flatMap((raw) => decodeName(raw, false)))].slice(0, 32);
  budget.spend({ members: 1 });
  if (data.length < size) broken.add("a file breaks off");
  if (!header.isSound) broken.add("the checksum of a header is wrong");
  if (header.type === "S" || header.type === "M" || pending.sparse) {
    yield { names, why: "unsupported", text: "A sparse file, or a piece of one", bytes: data };
  } else if (data.length > budget.memberRoom) {
    yield { names, why: "limit", text: "The file is larger than the limit" };
  } else {
    budget.spend({ bytes: data.length });
    yield { names, declaredTypes: [], bytes: data };
  }
}

/** Behind the end mark: another archive, or something else. */
function* afterEnd(walk: Walk, from: number): Generator<Yielded, number> {
  let at = from;
  while (at + block <= walk.bytes.length && isZero(walk.bytes, at)) at += block;
  if (readHeader(walk.bytes, at)) {
    yield { rule: "tar.trailing", severity: "medium", text: "Another archive stands behind the end of the tar file" };
    return at;
  }
  const rest = walk.bytes.subarray(at);
  if (rest.length >= block || rest.some((octet) => octet !== 0)) {
    walk.budget.spend({ members: 1, bytes: rest.length });
    yield { names: [], declaredTypes: [], bytes: rest };
    yield { rule: "tar.trailing", severity: "medium", text: "Other data stand behind the end of the tar file" };
  }
  return walk.bytes.length;
}

function* walkAll(walk: Walk): Generator<Yielded> {
  const { bytes } = walk;
  let pending = nothing();
  let at = 0;
  while (at < bytes.length) {
    const header = readHeader(bytes, at);
    if (!header) {
      at = yield* afterEnd(walk, at);
      continue;
    }
    const told = /[xXgLNKV]/.test(header.type) ? header.size : (pending.size ?? header.size);
    const size = Number.isSafeInteger(told) && told >= 0 ? told : 0;
    if (told !== header.size) walk.odd = "two sizes are declared for a file";
    if (size !== told) walk.broken.add("a size is no number");
    const data = bytes.subarray(at + block, at + block + size);
    if (!readExtended(header.type, data, pending)) {
      yield* openFile(walk, header, pending, data, size);
      pending = nothing();
    }
    at += block + Math.ceil(size / block) * block;
  }
}

export const tarExtractor: Extractor = {
  name: "tar",
  version: "1",
  wants: (part) => part.types.includes("application/x-tar"),
  *extract(_part, bytes, budget) {
    const walk: Walk = {
      bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      budget,
      broken: new Set(),
      odd: null,
    };
    if (!readHeader(walk.bytes, 0)) throw new Stop("malformed", "No tar file begins here");
    yield* walkAll(walk);
    if (walk.odd !== null)
      yield { rule: "tar.contradiction", severity: "high", text: `Readers of the tar file would differ: ${walk.odd}` };
    if (walk.broken.size > 0)
      yield { names: [], why: "malformed", text: `The tar file is damaged: ${[...walk.broken].join("; ")}` };
  },
};
