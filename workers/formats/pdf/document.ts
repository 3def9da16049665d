/** All objects of a PDF file, found by looking for them everywhere: no cross-reference table is believed. ISO 32000-2 §7.5 */
import { openEncryption, type PdfDecryptor } from "../pdf-crypt.ts";
import { type Decoded, decode, type Meter } from "./filters.ts";
import { Lexer } from "./lexer.ts";
import { findObjects, isStructure, mostObjects, objectWork, type PdfObject } from "./objects.ts";
import { type Dict, isDict, nameOf, numberOf, Ref, type Value, Word } from "./values.ts";

/** References to references, and no further. */
const longestChain = 8;

const isObjectStream = ({ value, stream }: PdfObject): boolean =>
  stream !== null &&
  isDict(value) &&
  (nameOf(value.get("Type")) === "ObjStm" || (value.has("First") && value.has("N")));

export class PdfDocument {
  readonly objects: PdfObject[];
  readonly trailers: Dict[] = [];
  /** Object streams that could not be read: there may be more objects than these. */
  readonly closed: { readonly why: "malformed" | "unsupported" | "limit"; readonly text: string }[] = [];
  /** The candidate that fits; null where none does, or none is needed. */
  password: string | null = null;
  /** Encrypted, and no candidate fits: strings and streams are unreadable, names and structure are not. */
  isSealed = false;
  readonly #bytes: Buffer;
  readonly #meter: Meter;
  readonly #byNumber = new Map<number, PdfObject>();
  #decryptor: PdfDecryptor | null = null;

  constructor(bytes: Buffer, meter: Meter, candidates: Iterable<string>) {
    this.#bytes = bytes;
    this.#meter = meter;
    this.objects = findObjects(bytes, meter);
    for (const object of this.objects) this.#byNumber.set(object.number, object);
    this.#readTrailers();
    this.#unlock(candidates);
    for (const object of this.objects.filter(isObjectStream)) this.#openObjectStream(object);
  }

  /** What a reference leads to; of several definitions the last. Anything else is itself. */
  get(value: Value | undefined): Value | undefined {
    let found = value;
    for (let i = 0; found instanceof Ref && i < longestChain; i++) found = this.#byNumber.get(found.to)?.value;
    return found instanceof Ref ? undefined : found;
  }

  object(number: number): PdfObject | undefined {
    return this.#byNumber.get(number);
  }

  /** A string as it was before encryption. */
  clear(string: Buffer, { number, generation, isPacked }: PdfObject): Buffer {
    return this.#decryptor && !isPacked ? this.#decryptor.string(string, number, generation) : string;
  }

  decode(object: PdfObject, isEmbedded = false): Decoded {
    const { value, stream, number, generation } = object;
    if (!stream || !isDict(value)) return { kind: "damaged", filter: "none" };
    const raw = this.#bytes.subarray(stream.start, this.#endOf(object));
    const isPlain = !this.#decryptor || nameOf(value.get("Type")) === "XRef";
    const filter = isPlain ? null : this.#cryptFilter(value);
    const clear = isPlain ? raw : this.#decryptor?.stream(raw, number, generation, filter, isEmbedded);
    return decode(clear ?? raw, value, (one) => this.get(one), this.#meter);
  }

  /** Where a stream says that it ends, if the keyword stands there; else where the next keyword is. §7.3.8 */
  #endOf({ value, stream }: PdfObject): number {
    if (!stream || !isDict(value)) return 0;
    const stated = stream.start + numberOf(this.get(value.get("Length")), -1);
    if (stated < stream.start || stated > this.#bytes.length) return stream.end;
    const behind = this.#bytes.toString("latin1", stated, stated + 16);
    return /^\s{0,4}endstream/.test(behind) ? stated : stream.end;
  }

  /** §7.4.10 */
  #cryptFilter(dict: Dict): string | null {
    const first = this.get(dict.get("Filter"));
    const isCrypt = nameOf(Array.isArray(first) ? this.get(first[0]) : first) === "Crypt";
    if (!isCrypt) return null;
    const given = this.get(dict.get("DecodeParms"));
    const parms = Array.isArray(given) ? this.get(given[0]) : given;
    return isDict(parms) ? nameOf(parms.get("Name")) || "Identity" : "Identity";
  }

  #readTrailers(): void {
    const bytes = this.#bytes;
    for (let at = bytes.indexOf("trailer"); at >= 0; at = bytes.indexOf("trailer", at + 7)) {
      const lexer = new Lexer(bytes, at + 7);
      const value = lexer.next();
      this.#meter.work(lexer.at - at + objectWork);
      if (isDict(value) && value.size > 0) this.trailers.push(value);
    }
    for (const { value } of this.objects)
      if (isDict(value) && nameOf(value.get("Type")) === "XRef") this.trailers.push(value);
  }

  /** All that Encrypt can lead to, in the order of the file's revisions; the last that fits counts. */
  #unlock(candidates: Iterable<string>): void {
    const found = this.trailers.filter((trailer) => trailer.has("Encrypt"));
    if (found.length === 0) return;
    const words = [...candidates];
    for (const trailer of found.slice(-4).reverse()) {
      const dict = this.#flat(this.get(trailer.get("Encrypt")));
      const ids = this.get(trailer.get("ID"));
      const id = Array.isArray(ids) ? this.get(ids[0]) : undefined;
      this.#decryptor ??= dict && openEncryption(dict, Buffer.isBuffer(id) ? id : Buffer.alloc(0), words);
    }
    this.isSealed = this.#decryptor === null;
    this.password = this.#decryptor?.password ?? null;
  }

  /** A dictionary whose values are no references, two levels deep. */
  #flat(value: Value | undefined, depth = 0): Dict | null {
    if (!isDict(value)) return null;
    return new Map(
      [...value].map(([key, one]): [string, Value] => {
        const got = this.get(one) ?? null;
        return [key, (depth < 2 && isDict(got) ? this.#flat(got, depth + 1) : null) ?? got];
      }),
    );
  }

  /** §7.5.7 */
  #openObjectStream(object: PdfObject): void {
    if (this.isSealed || !isDict(object.value)) return;
    const got = this.decode(object);
    if (got.kind === "limit") {
      this.closed.push({ why: "limit", text: "The objects in a stream are larger than the limit" });
    } else if (got.kind === "damaged" || got.kind === "opaque") {
      const why = got.kind === "damaged" ? "malformed" : "unsupported";
      this.closed.push({ why, text: `Objects in a stream cannot be read (${got.filter.slice(0, 40)})` });
    } else {
      if (got.kind === "cut") this.closed.push({ why: "malformed", text: "A stream of objects breaks off" });
      this.#readPacked(got.bytes, numberOf(this.get(object.value.get("First")), 0));
    }
  }

  #readPacked(bytes: Buffer, first: number): void {
    const head = new Lexer(bytes, 0, Math.min(bytes.length, Math.max(0, first)));
    const read = new Set<number>();
    for (;;) {
      const [number, offset] = [head.next(), head.next()];
      if (typeof number !== "number" || typeof offset !== "number") return;
      const from = first + offset;
      // Two numbers for the same octets would only be the same again.
      if (!(from >= 0 && from < bytes.length) || read.has(from)) continue;
      read.add(from);
      const lexer = new Lexer(bytes, from);
      const value = lexer.next();
      this.#meter.work(lexer.at - from + objectWork);
      if (value === undefined || value instanceof Word || isStructure(value)) continue;
      if (this.objects.length >= mostObjects) this.#meter.exhaust(`More than ${mostObjects} objects in the document`);
      const object: PdfObject = { number, generation: 0, value, stream: null, isPacked: true };
      this.objects.push(object);
      if (!this.#byNumber.has(number)) this.#byNumber.set(number, object);
    }
  }
}
