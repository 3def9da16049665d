/** TNEF streams ("winmail.dat"): attributes in order, and the MAPI properties that some of them hold. [MS-OXTNEF] §2.1 */
import { ids, kinds, type Property } from "./mapi.ts";

const signature = 0x223e9f78;
const headBytes = 6;
const mostProperties = 4096;

/** [MS-OXTNEF] §2.1.3.2 */
export const attributes = {
  codePage: 0x00069007,
  body: 0x0002800c,
  messageProperties: 0x00069003,
  attachmentBegins: 0x00069002,
  attachmentData: 0x0006800f,
  attachmentTitle: 0x00018010,
  attachmentTransportName: 0x00069001,
  attachmentProperties: 0x00069005,
} as const;

export interface Attribute {
  readonly level: number;
  readonly id: number;
  readonly data: Buffer;
  /** The sum behind the data is not theirs. */
  readonly wrongSum: boolean;
}

export const isTnef = (bytes: Buffer): boolean => bytes.length >= headBytes && bytes.readUInt32LE(0) === signature;

function sumOf(data: Buffer): number {
  let sum = 0;
  for (const octet of data) sum = (sum + octet) & 0xffff;
  return sum;
}

/** Ends where the octets end or are no attributes any more; returns whether that was at the last octet. */
export function* readAttributes(bytes: Buffer): Generator<Attribute, boolean> {
  let at = headBytes;
  while (at + 11 <= bytes.length) {
    const level = bytes[at] ?? 0;
    if (level !== 1 && level !== 2) return false;
    const id = bytes.readUInt32LE(at + 1);
    const start = at + 9;
    const end = start + bytes.readUInt32LE(at + 5);
    const whole = end + 2 <= bytes.length;
    const data = bytes.subarray(start, Math.min(end, bytes.length));
    yield { level, id, data, wrongSum: whole && sumOf(data) !== bytes.readUInt16LE(end) };
    if (!whole) return false;
    at = end + 2;
  }
  return bytes.length - at < 4;
}

/** Octets of a value of fixed size, by its type. [MS-OXCDATA] §2.11.1 */
const fixedBytes: ReadonlyMap<number, number> = new Map([
  ...[0x0000, 0x0001].map((kind) => [kind, 0] as const),
  ...[0x0002, 0x0003, 0x0004, 0x000a, 0x000b].map((kind) => [kind, 4] as const),
  ...[0x0005, 0x0006, 0x0007, 0x0014, 0x0040].map((kind) => [kind, 8] as const),
  [0x0048, 16],
]);

const isVariable = (kind: number): boolean =>
  kind === kinds.text8 || kind === kinds.text16 || kind === kinds.binary || kind === kinds.object;
const padded = (length: number): number => (length + 3) & ~3;

/** Reads on from a place; beyond the end it has nothing, and says that it broke off. */
class Reader {
  readonly #bytes: Buffer;
  at = 0;
  broken = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.broken || this.at >= this.#bytes.length;
  }

  take(length: number): Buffer {
    this.broken ||= this.at + length > this.#bytes.length;
    const taken = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  number(): number {
    const raw = this.take(4);
    return raw.length === 4 ? raw.readUInt32LE(0) : 0;
  }

  skipName(): void {
    this.take(16);
    if (this.number() === 0) this.take(4);
    else this.take(padded(this.number()));
  }
}

function readValues(reader: Reader, kind: number): Buffer[] {
  const isMany = (kind & 0x1000) !== 0;
  const base = kind & ~0x1000;
  const fixed = fixedBytes.get(base) ?? 0;
  if (!isVariable(base) && !fixedBytes.has(base)) {
    reader.broken = true;
    return [];
  }
  const values: Buffer[] = [];
  const count = isMany || isVariable(base) ? reader.number() : 1;
  for (let i = 0; i < count && !reader.broken && i < mostProperties; i++) {
    const length = isVariable(base) ? reader.number() : fixed;
    const value = reader.take(length);
    values.push(value);
    if (isVariable(base)) reader.take(padded(length) - length);
  }
  return values;
}

/** The properties in one attribute. `whole`: all of them could be read. [MS-OXTNEF] §2.1.3.4 */
export function readProperties(data: Buffer): { readonly properties: readonly Property[]; readonly whole: boolean } {
  const reader = new Reader(data);
  const properties: Property[] = [];
  let left = reader.number();
  while (left-- > 0 && !reader.isAtEnd && properties.length < mostProperties) {
    const tag = reader.take(4);
    if (tag.length < 4) break;
    const [kind, id] = [tag.readUInt16LE(0), tag.readUInt16LE(2)];
    if (id >= 0x8000) reader.skipName();
    for (const value of readValues(reader, kind)) properties.push({ id, kind: kind & ~0x1000, value });
  }
  return { properties, whole: !reader.broken && left < 0 };
}

const messageInterface = Buffer.from("0703020000000000c000000000000046", "hex");
const anyInterface = Buffer.from("00000000c000000000000046", "hex");

/** What is attached as an object begins with the id of its interface: a message in TNEF again, or an OLE storage. [MS-OXTNEF] §2.1.3.4.2 */
export function attachedObject({
  id,
  kind,
  value,
}: Property): { readonly bytes: Buffer; readonly isMessage: boolean } | null {
  if (id !== ids.attachData) return null;
  if (kind === kinds.binary) return { bytes: value, isMessage: false };
  if (kind !== kinds.object) return null;
  const isMessage = value.subarray(0, 16).equals(messageInterface);
  const hasId = isMessage || value.subarray(4, 16).equals(anyInterface);
  return { bytes: hasId ? value.subarray(16) : value, isMessage };
}
