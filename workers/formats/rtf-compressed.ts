/** RTF as Outlook keeps it: "LZFu" or stored. [MS-OXRTFCP] §2, §3 */

const preset = Buffer.from(
  "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx",
  "latin1",
);
const windowBytes = 4096;
const headBytes = 16;
const compressed = 0x75465a4c;
const stored = 0x414c454d;

export type Decompressed =
  | { readonly kind: "rtf"; readonly bytes: Buffer; readonly whole: boolean }
  | { readonly kind: "limit" }
  | { readonly kind: "none" };

/** The window, and what has come out of it so far. */
class Unpacking {
  readonly #window = Buffer.alloc(windowBytes, 0x20);
  readonly #out: Buffer;
  #write = preset.length;
  #size = 0;

  constructor(room: number) {
    preset.copy(this.#window);
    this.#out = Buffer.alloc(room);
  }

  get bytes(): Buffer {
    return this.#out.subarray(0, this.#size);
  }

  /** False if there is no room for it. */
  put(octet: number): boolean {
    if (this.#size >= this.#out.length) return false;
    this.#out[this.#size++] = this.#window[this.#write] = octet;
    this.#write = (this.#write + 1) % windowBytes;
    return true;
  }

  /** "end" is a reference to the place that is written next. [MS-OXRTFCP] §3.1.1.2 */
  refer(reference: number): "more" | "end" | "limit" {
    let from = reference >>> 4;
    if (from === this.#write) return "end";
    for (let left = (reference & 15) + 2; left > 0; left--) {
      if (!this.put(this.#window[from] ?? 0)) return "limit";
      from = (from + 1) % windowBytes;
    }
    return "more";
  }
}

/** Two octets give at most 17. */
function unpack(data: Buffer, room: number): Decompressed {
  const made = new Unpacking(Math.min(room, data.length * 9));
  for (let at = 0, control = 0, bit = 8; at < data.length; bit++) {
    if (bit === 8) [control, bit] = [data[at++] ?? 0, 0];
    if (at >= data.length) break;
    if ((control & (1 << bit)) === 0) {
      if (!made.put(data[at++] ?? 0)) return { kind: "limit" };
      continue;
    }
    if (at + 2 > data.length) break;
    const step = made.refer(data.readUInt16BE(at));
    at += 2;
    if (step !== "more") return step === "end" ? { kind: "rtf", bytes: made.bytes, whole: true } : { kind: "limit" };
  }
  return { kind: "rtf", bytes: made.bytes, whole: false };
}

/** Whatever comes out fits into `room`. */
export function decompressRtf(bytes: Buffer, room: number): Decompressed {
  if (bytes.length < headBytes) return { kind: "none" };
  const told = Math.max(0, bytes.readUInt32LE(0) - 12);
  const rawSize = bytes.readUInt32LE(4);
  const how = bytes.readUInt32LE(8);
  const data = bytes.subarray(headBytes, headBytes + told);
  if (how === stored)
    return data.length > room
      ? { kind: "limit" }
      : { kind: "rtf", bytes: data.subarray(0, rawSize), whole: data.length >= rawSize };
  return how === compressed ? unpack(data, room) : { kind: "none" };
}
