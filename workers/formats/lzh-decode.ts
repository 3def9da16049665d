/** The methods -lh4- to -lh7- of LHA: a sliding window and blocks of static Huffman codes. LHA for UNIX, "lzh format" notes */

export type Unpacked =
  | { readonly kind: "bytes"; readonly bytes: Buffer; readonly whole: boolean }
  | { readonly kind: "limit" };

/** Bits of the window; symbols of the code for distances, and bits of their number. */
const shapes: Readonly<Record<string, readonly [window: number, distances: number, bits: number]>> = {
  lh4: [12, 14, 4],
  lh5: [13, 14, 4],
  lh6: [15, 16, 5],
  lh7: [16, 17, 5],
};

const lengths = { symbols: 510, bits: 9 } as const;
const helpers = { symbols: 19, bits: 5, gapAfter: 3 } as const;
const shortest = 3;
const longestCode = 16;

/** The data end, or are none of these. */
class Damaged extends Error {}

/** Most significant bit first. */
class Bits {
  readonly #bytes: Buffer;
  #at = 0;
  #held = 0;
  #count = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(count: number): number {
    while (this.#count < count) {
      const octet = this.#bytes[this.#at++];
      if (octet === undefined) throw new Damaged();
      this.#held = ((this.#held << 8) | octet) & 0xffffff;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#held >>> this.#count) & ((1 << count) - 1);
  }
}

/** A canonical code: symbols in the order of their lengths. */
class Code {
  readonly #counts = new Uint16Array(longestCode + 1);
  readonly #symbols: Uint16Array;
  readonly #only: number | null;

  constructor(codeLengths: Uint8Array, only: number | null = null) {
    this.#only = only;
    this.#symbols = new Uint16Array(codeLengths.length);
    if (only !== null) return;
    for (const length of codeLengths) if (length > 0) this.#count(length);
    const next = new Uint16Array(longestCode + 2);
    let room = 1;
    for (let length = 1; length <= longestCode; length++) {
      const count = this.#counts[length] ?? 0;
      next[length + 1] = (next[length] ?? 0) + count;
      room = room * 2 - count;
      if (room < 0) throw new Damaged();
    }
    for (const [symbol, length] of codeLengths.entries())
      if (length > 0) this.#symbols[next[length] ?? 0] = this.#taken(next, length, symbol);
  }

  #count(length: number): void {
    if (length > longestCode) throw new Damaged();
    this.#counts[length] = (this.#counts[length] ?? 0) + 1;
  }

  #taken(next: Uint16Array, length: number, symbol: number): number {
    next[length] = (next[length] ?? 0) + 1;
    return symbol;
  }

  read(bits: Bits): number {
    if (this.#only !== null) return this.#only;
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= longestCode; length++) {
      code |= bits.read(1);
      const count = this.#counts[length] ?? 0;
      if (code - first < count) return this.#symbols[index + code - first] ?? 0;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Damaged();
  }
}

/** The lengths of a code, each in three bits, or in unary from seven on. */
function readPlainCode(bits: Bits, symbols: number, numberBits: number, gapAfter: number): Code {
  const codeLengths = new Uint8Array(symbols);
  const count = bits.read(numberBits);
  if (count === 0) return new Code(codeLengths, bits.read(numberBits));
  if (count > symbols) throw new Damaged();
  for (let symbol = 0; symbol < count; ) {
    let length = bits.read(3);
    if (length === 7) while (length <= longestCode && bits.read(1) === 1) length++;
    codeLengths[symbol++] = length;
    if (symbol === gapAfter) symbol += bits.read(2);
  }
  return new Code(codeLengths);
}

/** The lengths of the main code, themselves in a code, with runs of zeros. */
function readMainCode(bits: Bits, helper: Code): Code {
  const codeLengths = new Uint8Array(lengths.symbols);
  const count = bits.read(lengths.bits);
  if (count === 0) return new Code(codeLengths, bits.read(lengths.bits));
  if (count > lengths.symbols) throw new Damaged();
  for (let symbol = 0; symbol < count; ) {
    const told = helper.read(bits);
    if (told > 2) codeLengths[symbol++] = told - 2;
    else symbol += told === 0 ? 1 : told === 1 ? bits.read(4) + 3 : bits.read(9) + 20;
  }
  return new Code(codeLengths);
}

/** What has come out so far, within its room. */
class Output {
  #octets: Buffer;
  length = 0;
  constructor(expected: number) {
    this.#octets = Buffer.alloc(expected);
  }

  push(octet: number): void {
    if (this.length === this.#octets.length) this.#octets = Buffer.concat([this.#octets], this.length * 2);
    this.#octets[this.length++] = octet;
  }

  /** In front of the first octet the window holds blanks. */
  copy(distance: number, count: number): void {
    for (let left = count; left > 0; left--) this.push(this.#octets[this.length - distance] ?? 0x20);
  }

  get bytes(): Buffer {
    return this.#octets.subarray(0, this.length);
  }
}

function readBlock(bits: Bits, out: Output, until: number, [window, distances, numberBits]: readonly number[]): void {
  const symbols = bits.read(16);
  const helper = readPlainCode(bits, helpers.symbols, helpers.bits, helpers.gapAfter);
  const main = readMainCode(bits, helper);
  const far = readPlainCode(bits, distances ?? 0, numberBits ?? 0, -1);
  for (let left = symbols; left > 0 && out.length < until; left--) {
    const symbol = main.read(bits);
    if (symbol < 256) {
      out.push(symbol);
      continue;
    }
    const power = far.read(bits);
    if (power > (window ?? 0)) throw new Damaged();
    const distance = power === 0 ? 1 : (1 << (power - 1)) + bits.read(power - 1) + 1;
    out.copy(distance, Math.min(symbol - 256 + shortest, until - out.length));
  }
}

const firstRoom = 64 * 1024;

export const isLzhPacked = (method: string): boolean => method in shapes;

/** As many octets as declared, if there is room for them; what could be had if the data are damaged. */
export function unpackLzh(method: string, packed: Buffer, size: number, room: number): Unpacked {
  const shape = shapes[method];
  const until = Math.min(size, room + 1);
  const out = new Output(Math.max(1, Math.min(until, firstRoom)));
  const bits = new Bits(packed);
  try {
    while (shape && out.length < until) readBlock(bits, out, until, shape);
  } catch (error) {
    if (!(error instanceof Damaged)) throw error;
  }
  return out.length > room ? { kind: "limit" } : { kind: "bytes", bytes: out.bytes, whole: out.length === size };
}

const table = Uint16Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xa001 : value >>> 1;
  return value;
});

/** CRC-16 with the polynomial 0x8005, reflected. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const octet of bytes) crc = (crc >>> 8) ^ (table[(crc ^ octet) & 0xff] ?? 0);
  return crc;
}
