/** LZW as PDF and TIFF have it: most significant bit first, codes of 9 to 12 bits. ISO 32000-2 §7.4.4 */

const clear = 256;
const end = 257;
const firstCode = 258;
const most = 4096;

/** Octets that grow up to a bound. */
class Output {
  length = 0;
  #bytes: Buffer;
  readonly #room: number;

  constructor(expected: number, room: number) {
    this.#room = room;
    this.#bytes = Buffer.allocUnsafe(Math.max(0, Math.min(room, expected)));
  }

  fits(more: number): boolean {
    const wanted = this.length + more;
    if (wanted > this.#room) return false;
    if (wanted > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#room, Math.max(this.#bytes.length * 2, wanted)));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    return true;
  }

  push(octet: number): void {
    this.#bytes[this.length++] = octet;
  }

  /** Octet by octet: the last one may be the first that this writes. */
  repeat(from: number, size: number): void {
    const bytes = this.#bytes;
    for (let i = 0, to = this.length; i < size; i++, to++) bytes[to] = bytes[from + i] ?? 0;
    this.length += size;
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** What codes stand for lies in the output already: each is a place in it and a length. */
class Table {
  next = firstCode;
  readonly #starts = new Uint32Array(most);
  readonly #lengths = new Uint32Array(most);
  #previousStart = 0;
  #previousLength = 0;

  reset(): void {
    this.next = firstCode;
    this.#previousLength = 0;
  }

  /** The place of what the code stands for; null if it stands for nothing. */
  find(code: number): readonly [start: number, length: number] | null {
    if (code < this.next) return [this.#starts[code] ?? 0, this.#lengths[code] ?? 0];
    return code === this.next && this.#previousLength > 0 ? [this.#previousStart, this.#previousLength + 1] : null;
  }

  /** The last code's octets, and the first of this one's, which follow them in the output. */
  add(start: number, length: number): void {
    if (this.#previousLength > 0 && this.next < most) {
      this.#starts[this.next] = this.#previousStart;
      this.#lengths[this.next] = this.#previousLength + 1;
      this.next++;
    }
    this.#previousStart = start;
    this.#previousLength = length;
  }

  width(isEarly: boolean): number {
    const limit = this.next + (isEarly ? 1 : 0);
    return limit >= 2048 ? 12 : limit >= 1024 ? 11 : limit >= 512 ? 10 : 9;
  }
}

/** Codes as they come; -1 at the end. */
function reader(raw: Buffer): (width: number) => number {
  let [at, held, bits] = [0, 0, 0];
  return (width) => {
    while (bits < width && at < raw.length) {
      held = ((held << 8) | (raw[at++] ?? 0)) & 0xff_ffff;
      bits += 8;
    }
    if (bits < width) return -1;
    bits -= width;
    return (held >> bits) & ((1 << width) - 1);
  };
}

/** A code that stands for nothing ends the data, as it does in readers. Null if there is no room. */
export function lzwDecode(raw: Buffer, isEarly: boolean, room: number): Buffer | null {
  const out = new Output(Math.max(1024, raw.length * 4), room);
  const table = new Table();
  const read = reader(raw);
  for (let code = read(9); code >= 0 && code !== end; code = read(table.width(isEarly))) {
    if (code === clear) {
      table.reset();
      continue;
    }
    const start = out.length;
    const found = code < clear ? ([start, 1] as const) : table.find(code);
    if (!found) break;
    if (!out.fits(found[1])) return null;
    if (code < clear) out.push(code);
    else out.repeat(...found);
    table.add(start, found[1]);
  }
  return out.done();
}
