/** Finds every place where an object begins, whether or not anything refers to it: revisions and readers differ about which count. ISO 32000-2 §7.3.10 */
import type { Meter } from "./filters.ts";
import { Lexer } from "./lexer.ts";
import { isDict, nameOf, type Value, Word } from "./values.ts";

export interface PdfObject {
  /** -1 if it cannot be told. */
  readonly number: number;
  readonly generation: number;
  readonly value: Value;
  /** Up to the next keyword that could end it. */
  readonly stream: { readonly start: number; readonly end: number } | null;
  /** It lay in an object stream: its strings are not encrypted on their own. */
  readonly isPacked: boolean;
}

/** Memory has its price too. */
export const mostObjects = 250_000;
/** What an object costs besides its octets. */
export const objectWork = 64;

/** How far before the keyword number and generation are looked for, where there are comments between. */
const lookBack = 256;
const before = /(\d{1,10})\s{1,200}(\d{1,5})\s{0,200}$/;

const isDigit = (octet: number | undefined): boolean => octet !== undefined && octet >= 0x30 && octet <= 0x39;
const isWhite = (octet: number | undefined): boolean =>
  octet === 32 || octet === 10 || octet === 13 || octet === 9 || octet === 0 || octet === 12;

/** From behind to the first octet of a number, and of the blanks before it. */
function backOver(bytes: Buffer, at: number, is: (octet: number | undefined) => boolean): number {
  let start = at;
  const least = Math.max(0, at - lookBack);
  while (start > least && is(bytes[start - 1])) start--;
  return start;
}

const spelled = (bytes: Buffer, start: number, end: number): number => Number(bytes.toString("latin1", start, end));

/** The number and the generation in front of the keyword. */
function numberAt(bytes: Buffer, at: number, meter: Meter): readonly [number: number, generation: number] {
  const generationEnd = backOver(bytes, at, isWhite);
  const generationStart = backOver(bytes, generationEnd, isDigit);
  const numberEnd = backOver(bytes, generationStart, isWhite);
  const numberStart = backOver(bytes, numberEnd, isDigit);
  if (numberStart < numberEnd && numberEnd < generationStart && generationStart < generationEnd)
    return [spelled(bytes, numberStart, numberEnd), spelled(bytes, generationStart, generationEnd)];
  meter.work(lookBack);
  const raw = bytes.toString("latin1", Math.max(0, at - lookBack), at);
  const found = raw.includes("%") ? before.exec(raw.replace(/%[^\r\n]*[\r\n]/g, " ").slice(-64)) : null;
  return found ? [Number(found[1]), Number(found[2])] : [-1, 0];
}

const isLetter = (octet: number | undefined): boolean =>
  octet !== undefined && (octet | 32) >= 0x61 && (octet | 32) <= 0x7a;

/** §14.7.2, table 355 */
const structure = new Set("Type S ID P NS Ref Pg K A C R T Lang Alt E ActualText PhoneticAlphabet Phoneme".split(" "));
/** Structure of tagged text: there are very many of these, and with no other keys nothing happens in them. */
export const isStructure = (value: Value | undefined): boolean =>
  isDict(value) && nameOf(value.get("Type")) === "StructElem" && [...value.keys()].every((key) => structure.has(key));

/** Where a keyword stands next; asked with growing offsets, it reads each octet once. */
function finder(bytes: Buffer, word: string): (from: number) => number {
  let [asked, found] = [-1, -1];
  return (from) => {
    if (asked < 0 || from < asked || (found >= 0 && from > found)) [asked, found] = [from, bytes.indexOf(word, from)];
    return found;
  };
}

/** §7.3.8.1: behind the keyword CR LF or LF; readers take a CR as well. */
function startOfStream(bytes: Buffer, at: number): number {
  if (bytes[at] === 13) return bytes[at + 1] === 10 ? at + 2 : at + 1;
  return bytes[at] === 10 ? at + 1 : at;
}

function withoutLineEnd(bytes: Buffer, start: number, end: number): number {
  if (end - 2 >= start && bytes[end - 2] === 13 && bytes[end - 1] === 10) return end - 2;
  return end - 1 >= start && (bytes[end - 1] === 10 || bytes[end - 1] === 13) ? end - 1 : end;
}

/** Finds where the stream ends that begins here, if one does. */
function streamReader(bytes: Buffer): (at: number) => PdfObject["stream"] {
  const nextEnd = finder(bytes, "endstream");
  const nextObjectEnd = finder(bytes, "endobj");
  return (at) => {
    if (bytes.toString("latin1", at, at + 6) !== "stream") return null;
    const start = startOfStream(bytes, at + 6);
    const end = [nextEnd(start), nextObjectEnd(start)].find((one) => one >= 0) ?? bytes.length;
    return { start, end: withoutLineEnd(bytes, start, Math.max(start, end)) };
  };
}

const saysNothing = (value: Value | undefined): boolean =>
  value === undefined || value instanceof Word || isStructure(value);

export function findObjects(bytes: Buffer, meter: Meter): PdfObject[] {
  const objects: PdfObject[] = [];
  const readStream = streamReader(bytes);
  for (let at = bytes.indexOf("obj"); at >= 0; at = bytes.indexOf("obj", at + 3)) {
    if (isLetter(bytes[at - 1])) continue;
    const [number, generation] = numberAt(bytes, at, meter);
    const lexer = new Lexer(bytes, at + 3);
    const value = lexer.next() ?? null;
    meter.work(lexer.at - at + objectWork);
    if (saysNothing(value)) continue;
    lexer.skipWhite();
    const stream = isDict(value) ? readStream(lexer.at) : null;
    if (!stream && isDict(value) && value.size === 0) continue;
    if (objects.length >= mostObjects) meter.exhaust(`More than ${mostObjects} objects in the document`);
    objects.push({ number, generation, value, stream, isPacked: false });
  }
  return objects;
}
