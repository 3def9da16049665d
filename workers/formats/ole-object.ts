/** Objects within documents: packaged files, links, classes, and the older form in which RTF carries them. [MS-OLEDS] §2 */
import { decodeName } from "../extractors/names.ts";
import { classId } from "./cfb-directory.ts";

export interface Packaged {
  /** Every name that the package has for its file, without folders first. */
  readonly names: readonly string[];
  readonly bytes: Buffer;
  /** The file is shorter than declared. */
  readonly cut: boolean;
}

/** Object of version 1 as \objdata has it. §2.2 */
export interface OldObject {
  readonly className: string;
  /** What it is linked to; "" if it is embedded. */
  readonly topic: string;
  readonly native: Buffer;
}

const longestText = 4096;

/** Up to the zero that ends it; null if there is none near. */
function textAt(bytes: Buffer, at: number): { readonly raw: Buffer; readonly end: number } | null {
  const zero = bytes.subarray(at, at + longestText).indexOf(0);
  return zero < 0 ? null : { raw: bytes.subarray(at, at + zero), end: at + zero + 1 };
}

const baseOf = (path: string): string => path.slice(Math.max(path.lastIndexOf("\\"), path.lastIndexOf("/")) + 1);

/** The names in UTF-16 that newer packages have behind their file: counted in characters. */
function wideNames(bytes: Buffer, from: number): string[] {
  const found: string[] = [];
  for (let at = from; at + 4 <= bytes.length && found.length < 3; ) {
    const length = bytes.readUInt32LE(at) * 2;
    if (length === 0 || length > longestText || at + 4 + length > bytes.length) break;
    found.push(bytes.toString("utf16le", at + 4, at + 4 + length).replace(/\0.*$/s, ""));
    at += 4 + length;
  }
  return found;
}

/** The file in a package: label, path, path of the temporary copy, octets. Null if it is built otherwise. */
function readPackage(bytes: Buffer): Packaged | null {
  const label = textAt(bytes, 2);
  const path = label && textAt(bytes, label.end);
  if (!path || path.end + 8 > bytes.length) return null;
  // Two marks, the length of the copy's path, the path itself.
  const copyLength = bytes.readUInt32LE(path.end + 4);
  const sizeAt = path.end + 8 + copyLength;
  if (copyLength > longestText || sizeAt + 4 > bytes.length) return null;
  const size = bytes.readUInt32LE(sizeAt);
  const start = sizeAt + 4;
  const copy = textAt(bytes, path.end + 8)?.raw ?? Buffer.alloc(0);
  const told = [label.raw, path.raw, copy].flatMap((raw) => decodeName(raw, false));
  const names = [...told, ...wideNames(bytes, start + size)].map(baseOf).filter((name) => name !== "");
  return { names: [...new Set(names)], bytes: bytes.subarray(start, start + size), cut: start + size > bytes.length };
}

/** The stream "\x01Ole10Native": a length, then a package; anything else is given as it stands. §2.3.6 */
export function readOle10Native(stream: Buffer): Packaged | null {
  if (stream.length < 5) return null;
  const body = stream.subarray(4);
  const packed = readPackage(body);
  if (packed) return packed;
  const declared = stream.readUInt32LE(0);
  return { names: [], bytes: body.subarray(0, declared), cut: declared > body.length };
}

export const readOldPackage = readPackage;

/** A text with its length in front, the closing zero counted. §2.1.4 */
function countedText(bytes: Buffer, at: number): { readonly text: string; readonly end: number } | null {
  if (at + 4 > bytes.length) return null;
  const length = bytes.readUInt32LE(at);
  if (length > longestText || at + 4 + length > bytes.length) return null;
  return { text: bytes.toString("latin1", at + 4, at + 4 + length).replace(/\0.*$/s, ""), end: at + 4 + length };
}

const linked = 1;
const embedded = 2;

/** Null if the octets are no such object. The version in front is free: Word looks at none of it. */
export function readOldObject(bytes: Buffer): OldObject | null {
  if (bytes.length < 12) return null;
  const format = bytes.readUInt32LE(4);
  if (format !== linked && format !== embedded) return null;
  const className = countedText(bytes, 8);
  const topic = className && countedText(bytes, className.end);
  const item = topic && countedText(bytes, topic.end);
  if (!item) return null;
  if (format === linked) return { className: className.text, topic: topic.text, native: Buffer.alloc(0) };
  const start = item.end + 4;
  const size = start <= bytes.length ? bytes.readUInt32LE(item.end) : 0;
  return { className: className.text, topic: "", native: bytes.subarray(start, start + size) };
}

const urlMoniker = "79eac9e0-baf9-11ce-8c82-00aa004ba90b";

/** Addresses of URL monikers in the stream "\x01Ole". §2.3.3; [MS-OSHARED] §2.3.7.6 */
export function monikerUrls(stream: Buffer): readonly string[] {
  const found: string[] = [];
  const mark = Buffer.from("e0c9ea79f9bace118c8200aa004ba90b", "hex");
  for (let at = stream.indexOf(mark); at >= 0 && found.length < 16; at = stream.indexOf(mark, at + 16)) {
    if (classId(stream.subarray(at, at + 16)) !== urlMoniker || at + 20 > stream.length) continue;
    const length = Math.min(stream.readUInt32LE(at + 16), longestText * 2);
    const url = stream.toString("utf16le", at + 20, at + 20 + length).replace(/\0.*$/s, "");
    if (url !== "") found.push(url);
  }
  return found;
}

/** Class ids of monikers that run what they name. */
const acting = [
  "c7b0abec197fd211978e0000f8757e2a",
  "c6afabec197fd211978e0000f8757e2a",
  "d30b2906aa48d2118432006008c3fbfc",
];
export const runsMoniker = (stream: Buffer): boolean => acting.some((id) => stream.includes(Buffer.from(id, "hex")));

/** Classes that documents need not have, and exploits do. */
const notable: Readonly<Record<string, string>> = {
  "0002ce02-0000-0000-c000-000000000046": "Equation Editor 3.0",
  "0002ce03-0000-0000-c000-000000000046": "MathType",
  "0004a6b0-0000-0000-c000-000000000046": "Equation Editor 2.0",
  "25336920-03f9-11cf-8fd0-00aa00686f13": "HTML document",
  "8856f961-340a-11d0-a96b-00c04fd705a2": "web browser",
  "eab22ac3-30c1-11cf-a7eb-0000c05bae0b": "web browser",
  "06290bd3-48aa-11d2-8432-006008c3fbfc": "scriptlet",
  "ecabafc9-7f19-11d2-978e-0000f8757e2a": "composite moniker",
  "bdd1f04b-858b-11d1-b16a-00c0f0283628": "ListView control",
  "c74190b6-8589-11d1-b16a-00c0f0283628": "TreeView control",
  "996bf5e0-8044-4650-adeb-0b013914e99c": "ListView control",
  "d27cdb6e-ae6d-11cf-96b8-444553540000": "Flash",
  "f20da720-c02f-11ce-927b-0800095ae340": "Package",
  "0003000c-0000-0000-c000-000000000046": "Package",
};

export const classLabel = (id: string): string | null => notable[id] ?? null;

/** Its name in a document: "Equation.3" and its like. */
export const isEquation = (name: string): boolean => /^equation/i.test(name);

/** The longest name that the editor has room for; what is longer overwrote its stack. CVE-2017-11882 */
const longestFont = 40;
const fontRecord = 8;
const equationHeader = 28;

/** Whether an equation names a font as only exploits do. */
export function isOverlongEquation(stream: Buffer): boolean {
  const records = stream.subarray(equationHeader, equationHeader + 64);
  for (let at = 5; at < records.length; at++) {
    if (records[at] !== fontRecord) continue;
    const name = stream.subarray(equationHeader + at + 3, equationHeader + at + 3 + longestFont);
    if (name.length === longestFont && !name.includes(0)) return true;
  }
  return false;
}
