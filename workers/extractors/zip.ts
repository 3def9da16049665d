/** Zip and all that is zip inside (Office, Java, OpenDocument): the union of what readers by directory and readers by local header see. */
import { crc32 } from "node:zlib";
import type { Part } from "../../src/core/message.ts";
import type { PasswordSource } from "../../src/core/password.ts";
import { payForDamage, payForOverflow } from "../budget.ts";
import {
  findDirectory,
  hasUtf8Name,
  extraField,
  isDirectory,
  isEncrypted,
  isStreamed,
  nextLocal,
  readLocal,
  type ZipDirectory,
  type ZipHeader,
} from "../formats/zip.ts";
import { emptyKeyring, type Keyring } from "../keyring.ts";
import { canonical } from "../identify/type-aliases.ts";
import { isZipType } from "../identify/zip-family.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { decodeName } from "./names.ts";
import { OfficeNotes } from "./office-notes.ts";
import { readOfficePart } from "./office-xml.ts";
import { openEntry, type Opened } from "./zip-entry.ts";
import { openSealed } from "./zip-sealed.ts";

interface Span {
  readonly start: number;
  readonly end: number;
}

/** One extraction: the archive, its purse, what is covered so far, and what does not fit together. */
interface Walk {
  readonly zip: Buffer;
  readonly budget: Budget;
  readonly keyring: Keyring;
  readonly spans: Span[];
  /** Could not be read as declared. */
  readonly broken: Set<string>;
  /** Readers would differ; all readings were given. */
  readonly odd: Set<string>;
  /** What its parts say together, if it is a document. */
  readonly notes: OfficeNotes;
}

const unicodePath = 0x7075;
/** Between entries nothing but data descriptors should lie; shorter gaps cannot hold a local header with a name. */
const leastGap = 31;

const opensByName =
  /\.(?:zip|jar|docx|docm|dotx|dotm|xlsx|xlsm|xlsb|xltx|xltm|xlam|pptx|pptm|ppsx|ppsm|potx|odt|ods|odp|epub|apk)[\s.]*$/i;

function candidates(header: ZipHeader): readonly string[] {
  const unicode = extraField(header.extra, unicodePath);
  const told = unicode && unicode.length > 5 ? decodeName(unicode.subarray(5), true) : [];
  return [...told, ...decodeName(header.name, hasUtf8Name(header))];
}

const namesOf = (headers: readonly ZipHeader[]): readonly string[] =>
  [...new Set(headers.flatMap(candidates))].slice(0, 32);

/** Whether a reader by local header and one by directory would read different files. */
function disagreement(central: ZipHeader, local: ZipHeader): string | null {
  if (!central.name.equals(local.name)) return "directory and local header name a file differently";
  if (isEncrypted(central) !== isEncrypted(local)) return "directory and local header disagree on encryption";
  if (central.method !== local.method) return "directory and local header name different methods";
  if (isStreamed(local) || local.compressedSize === 0 || local.compressedSize >= 0xffffffff) return null;
  return central.compressedSize === local.compressedSize && central.crc === local.crc
    ? null
    : "directory and local header declare different sizes or checksums";
}

/** Behind one of the passwords, if one fits. Returns what came out; null if it stays closed. */
function* openBehind(walk: Walk, names: readonly string[], header: ZipHeader, sealed: Buffer): Generator<Yielded> {
  const got = openSealed(sealed, header, walk.budget.memberRoom, walk.keyring);
  if (!got) {
    yield { names, why: "encrypted", text: walk.keyring.closed("The file is encrypted"), bytes: sealed };
    return;
  }
  yield* give(walk, names, got.opened, got.password.from);
}

/** What has come out of one file. */
function* give(walk: Walk, names: readonly string[], opened: Opened, by?: PasswordSource): Generator<Yielded> {
  const { budget } = walk;
  switch (opened.kind) {
    case "limit":
      payForOverflow(budget);
      yield { names, why: "limit", text: "The file is larger than the limit" };
      return;
    case "unsupported":
      yield { names, why: "unsupported", text: opened.text, bytes: opened.sealed };
      return;
    case "bytes":
      if (opened.problem) walk.broken.add(opened.problem);
      for (const [index, reading] of opened.readings.entries()) {
        budget.spend({ bytes: reading.length, members: index > 0 ? 1 : 0 });
        yield { names, declaredTypes: [], bytes: reading, ...(by ? { opened: by } : {}) };
        readOfficePart(reading, walk.notes);
      }
      if (opened.vain) payForDamage(budget, opened.vain);
  }
}

/** One file by one header's word. Returns where its data end. */
function* openBy(walk: Walk, names: readonly string[], header: ZipHeader, from: number): Generator<Yielded, number> {
  const { zip, budget } = walk;
  const told = from + header.compressedSize;
  budget.spend({ members: 1 });
  if (isEncrypted(header)) {
    yield* openBehind(walk, names, header, zip.subarray(from, told));
    return told;
  }
  const opened = openEntry(zip, from, header, budget.memberRoom);
  yield* give(walk, names, opened);
  return opened.kind === "bytes" ? opened.end : told;
}

/** One file, by every header that speaks of it. */
function* openFile(walk: Walk, headers: readonly ZipHeader[], from: number): Generator<Yielded, number> {
  const names = namesOf(headers);
  let end = from;
  const seen = new Set<string>();
  for (const header of headers) {
    const key = `${isEncrypted(header)} ${header.method} ${header.compressedSize} ${header.crc}`;
    // A streamed local header declares nothing that could differ.
    if (seen.has(key) || (seen.size > 0 && header.compressedSize === 0)) continue;
    seen.add(key);
    end = Math.max(end, yield* openBy(walk, names, header, from));
  }
  return end;
}

/** Where the data of an entry begin, by its local header. */
function locate(zip: Buffer, at: number, base: number): { readonly start: number; readonly local: ZipHeader } | null {
  for (const start of base === 0 ? [at] : [at + base, at]) {
    const local = readLocal(zip, start);
    if (local) return { start, local };
  }
  return null;
}

function* byDirectory(walk: Walk, directory: ZipDirectory): Generator<Yielded> {
  const { zip, spans, odd, broken, budget } = walk;
  spans.push({ start: directory.start, end: directory.end });
  if (directory.damaged) broken.add("the directory does not hold what its end record says");
  const byOffset = new Map<number, ZipHeader[]>();
  for (const header of directory.entries) {
    const same = byOffset.get(header.offset);
    if (same) same.push(header);
    else byOffset.set(header.offset, [header]);
  }
  for (const [offset, headers] of byOffset) {
    const place = locate(zip, offset, directory.base);
    if (!place) {
      budget.spend({ members: 1 });
      yield { names: namesOf(headers), why: "malformed", text: "The directory points to no file" };
      continue;
    }
    if (headers.length > 1) odd.add("several entries of the directory share one file");
    const { start, local } = place;
    const differs = headers.map((central) => disagreement(central, local)).find((text) => text !== null);
    if (differs) odd.add(differs);
    const end = headers.every(isDirectory)
      ? local.offset
      : yield* openFile(walk, differs ? [...headers, local] : headers, local.offset);
    spans.push({ start, end });
  }
}

/** Local headers between what is covered: files that the directory keeps quiet about. */
function* inGap(walk: Walk, gap: Span, told: string): Generator<Yielded> {
  const { zip, odd } = walk;
  let at = nextLocal(zip, gap.start);
  while (at >= 0 && at + leastGap <= gap.end) {
    const header = readLocal(zip, at);
    let end = at + 4;
    if (header) {
      odd.add(told);
      end = isDirectory(header) ? header.offset : yield* openFile(walk, [sized(zip, header, gap.end)], header.offset);
    }
    at = nextLocal(zip, Math.max(end, at + 4));
  }
}

/** A stored file of unknown length reaches to the next record. */
function sized(zip: Buffer, header: ZipHeader, limit: number): ZipHeader {
  if (!isStreamed(header) || header.compressedSize > 0 || header.method === 8) return header;
  const next = zip.indexOf("PK", header.offset, "latin1");
  const compressedSize = (next < 0 ? limit : next) - header.offset;
  if (header.method !== 0) return { ...header, compressedSize };
  const crc = crc32(zip.subarray(header.offset, header.offset + compressedSize));
  return { ...header, compressedSize, size: compressedSize, crc };
}

/** What lies between the spans, and whether some overlap. */
function gaps(walk: Walk): Span[] {
  const free: Span[] = [];
  let at = 0;
  for (const { start, end } of walk.spans.toSorted((a, b) => a.start - b.start)) {
    if (start < at) walk.odd.add("files overlap");
    if (start - at >= leastGap) free.push({ start: at, end: start });
    at = Math.max(at, end);
  }
  if (walk.zip.length - at >= leastGap) free.push({ start: at, end: walk.zip.length });
  return free;
}

function* walkAll(walk: Walk): Generator<Yielded> {
  const directory = findDirectory(walk.zip);
  if (directory) yield* byDirectory(walk, directory);
  else walk.odd.add("there is no directory");
  const told = directory ? "there are files that the directory does not list" : "there is no directory";
  for (const gap of gaps(walk)) yield* inGap(walk, gap, told);
}

function* complaints({ broken, odd, notes }: Walk): Generator<Yielded> {
  const all = (texts: ReadonlySet<string>) => [...texts].join("; ").slice(0, 250);
  yield* notes.findings();
  if (odd.size > 0)
    yield { rule: "zip.contradiction", severity: "high", text: `Readers of the zip archive would differ: ${all(odd)}` };
  if (broken.size > 0) yield { names: [], why: "malformed", text: `The zip archive is damaged: ${all(broken)}` };
}

export const zipExtractor: Extractor = {
  name: "zip",
  version: "2",
  wants(part: Part, bytes: Uint8Array) {
    if (part.types.some(isZipType)) return true;
    const claims =
      part.declaredTypes.some((type) => isZipType(canonical(type))) ||
      part.names.some((name) => opensByName.test(name));
    return claims && nextLocal(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0) >= 0;
  },
  *extract(_part, bytes, budget, keyring = emptyKeyring()) {
    const walk: Walk = {
      zip: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
      budget,
      keyring,
      spans: [],
      broken: new Set(),
      odd: new Set(),
      notes: new OfficeNotes(),
    };
    try {
      yield* walkAll(walk);
      yield* walk.notes.artefacts(budget);
    } catch (error) {
      if (error instanceof Stop) yield* complaints(walk);
      throw error;
    }
    yield* complaints(walk);
  },
};
