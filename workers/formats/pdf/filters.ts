/** The filters of PDF streams that are no pictures, in chains, each within what room there is. ISO 32000-2 §7.4 */
import { inflateZlib } from "../inflate.ts";
import { lzwDecode } from "./lzw.ts";
import { predict } from "./predictor.ts";
import { type Dict, isDict, nameOf, numberOf, type Value } from "./values.ts";

/** Pays for what is done on behalf of a document. Throws whatever ends the job. */
export interface Meter {
  /** Octets that one result may have. */
  readonly room: number;
  /** Octets that came out. */
  spend(bytes: number): void;
  /** Octets that were read. */
  work(bytes: number): void;
  /** Throws in any case. */
  exhaust(text: string): never;
}

export type Decoded =
  | { readonly kind: "whole" | "cut"; readonly bytes: Buffer }
  /** What is left is a picture, or in a filter that nobody knows. */
  | { readonly kind: "opaque"; readonly bytes: Buffer; readonly filter: string }
  | { readonly kind: "damaged"; readonly filter: string }
  | { readonly kind: "limit" };

const longestChain = 32;

/** §7.4.2; anything that is no digit is passed over, as readers do. */
function asciiHex(raw: Buffer): Buffer {
  const end = raw.indexOf(0x3e);
  const digits = raw.toString("latin1", 0, end < 0 ? raw.length : end).replace(/[^0-9a-f]+/gi, "");
  return Buffer.from(digits.length % 2 === 0 ? digits : `${digits}0`, "hex");
}

/** §7.4.3 */
function ascii85(raw: Buffer): Buffer {
  const begin = raw.subarray(0, 64).toString("latin1").search(/<~/);
  const out = Buffer.allocUnsafe(raw.length * 4 + 8);
  let length = 0;
  let group = 0;
  let count = 0;
  for (let at = begin < 0 ? 0 : begin + 2; at < raw.length; at++) {
    const octet = raw[at] ?? 0;
    if (octet === 0x7e) break;
    if (octet === 0x7a && count === 0) {
      out.writeUInt32BE(0, length);
      length += 4;
    } else if (octet >= 0x21 && octet <= 0x75) {
      group = group * 85 + octet - 0x21;
      if (++count < 5) continue;
      out.writeUInt32BE(group % 0x1_0000_0000, length);
      length += 4;
      [group, count] = [0, 0];
    }
  }
  if (count > 1) {
    for (let i = count; i < 5; i++) group = group * 85 + 84;
    out.writeUInt32BE(group % 0x1_0000_0000, length);
    length += count - 1;
  }
  return Buffer.from(out.subarray(0, length));
}

/** §7.4.5; null if there is no room. */
function runLength(raw: Buffer, room: number): Buffer | null {
  const pieces: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < raw.length; ) {
    const length = raw[at++] ?? 128;
    if (length === 128) break;
    const piece =
      length < 128 ? raw.subarray(at, at + length + 1) : Buffer.alloc(at < raw.length ? 257 - length : 0, raw[at] ?? 0);
    at += length < 128 ? length + 1 : 1;
    size += piece.length;
    if (size > room) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const names: Readonly<Record<string, string>> = {
  Fl: "FlateDecode",
  LZW: "LZWDecode",
  A85: "ASCII85Decode",
  AHx: "ASCIIHexDecode",
  RL: "RunLengthDecode",
};

const whole = (bytes: Buffer | null): Decoded => (bytes ? { kind: "whole", bytes } : { kind: "limit" });

function predicted(got: Decoded, parms: Dict | null): Decoded {
  if (!parms || !("bytes" in got)) return got;
  const number = (key: string, otherwise: number) => numberOf(parms.get(key), otherwise);
  const bytes = predict(got.bytes, {
    predictor: number("Predictor", 1),
    colors: number("Colors", 1),
    bits: number("BitsPerComponent", 8),
    columns: number("Columns", 1),
  });
  return { ...got, bytes };
}

function one(filter: string, raw: Buffer, parms: Dict | null, room: number): Decoded {
  switch (filter) {
    case "FlateDecode":
      return predicted(inflateStream(raw, room), parms);
    case "LZWDecode":
      return predicted(whole(lzwDecode(raw, numberOf(parms?.get("EarlyChange"), 1) !== 0, room)), parms);
    case "ASCII85Decode":
      return raw.length > room ? { kind: "limit" } : whole(ascii85(raw));
    case "ASCIIHexDecode":
      return raw.length > room * 2 ? { kind: "limit" } : whole(asciiHex(raw));
    case "RunLengthDecode":
      return whole(runLength(raw, room));
    case "Crypt":
      return whole(raw);
    default:
      return { kind: "opaque", bytes: raw, filter };
  }
}

function inflateStream(raw: Buffer, room: number): Decoded {
  const got = inflateZlib(raw, room);
  return got.kind === "damaged" ? { kind: "damaged", filter: "FlateDecode" } : got;
}

const list = (value: Value | undefined): Value[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

type Resolve = (value: Value | undefined) => Value | undefined;

interface Step {
  readonly filter: string;
  readonly parms: Dict | null;
}

function steps(dict: Dict, resolve: Resolve): readonly Step[] {
  const parms = list(resolve(dict.get("DecodeParms") ?? dict.get("DP")));
  return list(resolve(dict.get("Filter") ?? dict.get("F")))
    .map((one, index): Step => {
      const name = nameOf(resolve(one));
      const parm = resolve(parms[index]);
      return { filter: names[name] ?? name, parms: isDict(parm) ? parm : null };
    })
    .filter(({ filter }) => filter !== "");
}

/** `resolve` follows references, which filters and parameters may be. */
export function decode(raw: Buffer, dict: Dict, resolve: Resolve, meter: Meter): Decoded {
  const chain = steps(dict, resolve);
  if (chain.length > longestChain) return { kind: "limit" };
  let bytes = raw;
  let isCut = false;
  for (const { filter, parms } of chain) {
    meter.work(bytes.length);
    const next = one(filter, bytes, parms, meter.room);
    if (next.kind !== "whole" && next.kind !== "cut") return next;
    meter.spend(next.bytes.length);
    isCut ||= next.kind === "cut";
    bytes = next.bytes;
  }
  return { kind: isCut ? "cut" : "whole", bytes };
}
