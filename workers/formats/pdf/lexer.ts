/** Reads the objects of PDF from octets, forgiving what readers forgive; each octet once. ISO 32000-2 §7.2, §7.3 */
import { type Dict, Name, Ref, type Value, Word } from "./values.ts";

const white = new Uint8Array(256);
for (const octet of [0, 9, 10, 12, 13, 32]) white[octet] = 1;
/** White space and delimiters: where a name, number or operator ends. §7.2.3 */
const ends = Uint8Array.from(white);
for (const octet of Buffer.from("()<>[]{}/%")) ends[octet] = 1;

const deepest = 64;
const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, f: 12 };
const closed = Symbol("closed");
type Token = Value | typeof closed;

export class Lexer {
  readonly #bytes: Buffer;
  readonly #end: number;
  at: number;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.at = at;
    this.#end = end;
  }

  /** The next object; undefined at the end. A bracket that nothing opened is passed over. */
  next(): Value | undefined {
    for (;;) {
      const token = this.#token(0);
      if (token !== closed) return token;
    }
  }

  skipWhite(): void {
    const bytes = this.#bytes;
    while (this.at < this.#end) {
      const octet = bytes[this.at] ?? 0;
      if (octet === 0x25) this.#comment();
      else if (white[octet] === 1) this.at++;
      else return;
    }
  }

  #comment(): void {
    const bytes = this.#bytes;
    while (this.at < this.#end && bytes[this.at] !== 10 && bytes[this.at] !== 13) this.at++;
  }

  #token(depth: number): Token | undefined {
    this.skipWhite();
    if (this.at >= this.#end) return undefined;
    const octet = this.#bytes[this.at] ?? 0;
    if (ends[octet] !== 1) return this.#plain();
    if (octet === 0x2f) return this.#name();
    if (octet === 0x28) return this.#literal();
    if (octet === 0x5b) return this.#array(depth);
    const isTwice = this.#bytes[this.at + 1] === octet;
    if (octet === 0x3c) return isTwice ? this.#dict(depth) : this.#hex();
    this.at += octet === 0x3e && isTwice ? 2 : 1;
    return closed;
  }

  /** First octet behind a run of regular characters. */
  #regular(): number {
    let at = this.at;
    while (at < this.#end && ends[this.#bytes[at] ?? 0] !== 1) at++;
    return at;
  }

  #name(): Name {
    this.at++;
    const stop = this.#regular();
    const raw = this.#bytes.toString("latin1", this.at, Math.min(stop, this.at + 1000));
    this.at = stop;
    if (!raw.includes("#")) return new Name(raw);
    const text = raw.replace(/#([0-9a-f]{2})/gi, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );
    return new Name(text, /#(?:3[0-9]|[46][1-9a-f]|[57][0-9a])/i.test(raw));
  }

  /** §7.3.4.2 */
  #literal(): Buffer {
    const bytes = this.#bytes;
    const start = ++this.at;
    let open = 1;
    let isPlain = true;
    for (; this.at < this.#end; this.at++) {
      const octet = bytes[this.at];
      if (octet === 0x5c) {
        isPlain = false;
        this.at++;
      } else if (octet === 0x28) open++;
      else if (octet === 0x29 && --open === 0) break;
    }
    const raw = bytes.subarray(start, Math.min(this.at, this.#end));
    this.at = Math.min(this.at + 1, this.#end);
    return isPlain ? raw : unescape(raw);
  }

  /** §7.3.4.3 */
  #hex(): Buffer {
    const found = this.#bytes.indexOf(0x3e, this.at);
    const stop = found < 0 || found > this.#end ? this.#end : found;
    const digits = this.#bytes.toString("latin1", this.at + 1, stop).replace(/[^0-9a-f]+/gi, "");
    this.at = Math.min(stop + 1, this.#end);
    return Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, "hex");
  }

  #array(depth: number): Value[] | null {
    this.at++;
    if (depth >= deepest) return null;
    const items: Value[] = [];
    for (;;) {
      const token = this.#token(depth + 1);
      if (token === undefined || token === closed) return items;
      if (token instanceof Word && isBoundary(token)) return this.#backTo(token, items);
      if (token instanceof Word && token.text === "R") join(items);
      else items.push(token);
    }
  }

  #dict(depth: number): Dict | null {
    this.at += 2;
    if (depth >= deepest) return null;
    const dict: Dict = new Map();
    const items: Value[] = [];
    for (;;) {
      const token = this.#token(depth + 1);
      if (token === undefined || token === closed) break;
      if (token instanceof Word && isBoundary(token)) {
        this.#backTo(token, items);
        break;
      }
      if (token instanceof Word && token.text === "R") join(items);
      else items.push(token);
    }
    fill(dict, items);
    return dict;
  }

  /** An object that was never closed ends where the next thing begins. */
  #backTo<T>(word: Word, items: T): T {
    this.at -= word.text.length;
    return items;
  }

  /** Most of all objects are small whole numbers. */
  #digits(stop: number): number {
    let number = 0;
    for (let at = this.at; at < stop; at++) {
      const digit = (this.#bytes[at] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) return -1;
      number = number * 10 + digit;
    }
    this.at = stop;
    return number;
  }

  #plain(): Value {
    const stop = this.#regular();
    const whole = stop - this.at < 10 ? this.#digits(stop) : -1;
    if (whole >= 0) return whole;
    const text = this.#bytes.toString("latin1", this.at, Math.min(stop, this.at + 200));
    this.at = stop;
    // Digits, sign, point.
    if (/^[0-9+.-]/.test(text)) {
      const number = Number.parseFloat(text.replace(/^[+-]*(?=[+-])/, ""));
      if (!Number.isNaN(number)) return number;
    }
    if (text === "true") return true;
    if (text === "false") return false;
    return text === "null" ? null : new Word(text);
  }
}

/** Under this name a dictionary has those of its keys that were written with escapes. */
export const escapedKeys = "#escaped";

/** What never stands inside an object. */
const boundaries = new Set(["obj", "endobj", "stream", "endstream", "xref", "trailer", "startxref"]);
const isBoundary = ({ text }: Word): boolean => boundaries.has(text);

/** Two numbers and an R are a reference. */
function join(items: Value[]): void {
  const [to, generation] = items.slice(-2);
  if (typeof to !== "number" || typeof generation !== "number") return;
  items.length -= 2;
  items.push(new Ref(to));
}

/** Names and what follows them. Twice the same name: the first counts for some readers, the last for others; the second is kept aside. */
function fill(dict: Dict, items: readonly Value[]): void {
  for (let i = 0; i < items.length; i++) {
    const key = items[i];
    if (!(key instanceof Name)) continue;
    const value = items[i + 1] ?? null;
    i++;
    const isNew = !dict.has(key.text);
    dict.set(isNew ? key.text : `${key.text}#2`, value);
    if (!key.escaped) continue;
    const known = dict.get(escapedKeys);
    if (Array.isArray(known)) known.push(key);
    else dict.set(escapedKeys, [key]);
  }
}

/** §7.3.4.2, table 3 */
function unescape(raw: Buffer): Buffer {
  const text = raw
    .toString("latin1")
    .replace(/\\(\r\n|[0-7]{1,3}|[\s\S])|\r\n?/g, (whole: string, escaped: string | undefined) => {
      if (escaped === undefined) return "\n";
      if (escaped === "\r\n" || escaped === "\n" || escaped === "\r") return "";
      if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8) & 255);
      return String.fromCharCode(escapes[escaped] ?? whole.charCodeAt(1));
    });
  return Buffer.from(text, "latin1");
}
