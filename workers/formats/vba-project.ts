/** VBA projects in a compound file: their modules with source, and what the compiled form speaks of. [MS-OVBA] §2.2, §2.3 */
import iconv from "iconv-lite";
import type { Bytes } from "../../src/core/message.ts";
import type { Cfb } from "./cfb.ts";
import type { CfbEntry } from "./cfb-directory.ts";
import { decompress, modulesIn } from "./vba-compression.ts";

export interface VbaModule {
  readonly name: string;
  /** Null if there is no readable source. */
  readonly source: string | null;
  /** Octets of compiled code in front of the source. */
  readonly compiled: Bytes;
}

export interface VbaProject {
  /** Path of the storage that holds it. */
  readonly path: readonly string[];
  readonly modules: readonly VbaModule[];
  /** Names that the compiled form refers to, in one text. */
  readonly identifiers: string;
  /** More source than there was room for. */
  readonly full: boolean;
}

interface Told {
  name: string;
  stream: string;
  offset: number;
}

const mostModules = 2000;
const directoryBytes = 4 * 1024 * 1024;
const identifierBytes = 1024 * 1024;
/** A form keeps what it shows, and what its macros read, in streams of its own. [MS-OFORMS] §2.1.1 */
const formStreams = new Set(["o", "f"]);

const id = { codePage: 0x03, version: 0x09, moduleName: 0x19, streamName: 0x1a, offset: 0x31, unicodeStream: 0x32 };

function decode(raw: Buffer, codePage: number): string {
  const name = `cp${codePage}`;
  if (codePage === 65001) return raw.toString("utf8");
  return iconv.encodingExists(name) ? iconv.decode(raw, name) : raw.toString("latin1");
}

function take(record: number, data: Buffer, codePage: number, last: Told): void {
  if (record === id.streamName) last.stream = decode(data, codePage);
  else if (record === id.unicodeStream) last.stream = data.toString("utf16le") || last.stream;
  else if (record === id.offset && data.length >= 4) last.offset = data.readUInt32LE(0);
}

/** Records of the directory stream. §2.3.4.2 */
function readDirectory(raw: Buffer): { readonly told: readonly Told[]; readonly codePage: number } {
  const told: Told[] = [];
  let codePage = 1252;
  let at = 0;
  while (at + 6 <= raw.length && told.length < mostModules) {
    const record = raw.readUInt16LE(at);
    // The version says 4 and has 6. §2.3.4.2.1.11
    const size = record === id.version ? 6 : raw.readUInt32LE(at + 2);
    const data = raw.subarray(at + 6, at + 6 + size);
    if (record === id.codePage && data.length >= 2) codePage = data.readUInt16LE(0);
    if (record === id.moduleName) told.push({ name: decode(data, codePage), stream: "", offset: 0 });
    const last = told.at(-1);
    if (last) take(record, data, codePage, last);
    at += 6 + size;
  }
  return { told, codePage };
}

const isIn = (entry: CfbEntry, path: readonly string[]): boolean =>
  entry.path.length === path.length + 1 && path.every((name, index) => entry.path[index] === name);

/** Source where the directory says; else wherever in the stream it begins. */
function sourceOf(stream: Buffer, offset: number, room: Bytes) {
  const told = decompress(stream, offset, room);
  if (told) return told;
  for (const at of modulesIn(stream)) {
    const found = decompress(stream, at, room);
    if (found) return found;
  }
  return null;
}

/** Text that lies in octets as it is, four characters or more. */
const printable = (raw: Buffer): string =>
  raw
    .toString("latin1")
    .match(/[\t\x20-\x7e]{4,}/g)
    ?.join("\n") ?? "";

/** What the forms of a project say: beside its VBA storage lies one for each. */
function* forms(cfb: Cfb, path: readonly string[]): Generator<VbaModule> {
  const above = path.slice(0, -1);
  for (const entry of cfb.entries) {
    const [name = "", stream = ""] = entry.path.slice(above.length);
    const isForm = entry.path.length > above.length + 1 && above.every((one, index) => entry.path[index] === one);
    if (entry.kind !== "stream" || !isForm || name === "vba" || !formStreams.has(entry.path.at(-1) ?? stream)) continue;
    const source = printable(cfb.read(entry, identifierBytes).bytes);
    if (source !== "") yield { name: `form ${name}`, source, compiled: 0 };
  }
}

/** Not of modules: what is compiled, and how it fits together. */
const ownStreams = /^(?:dir|_vba_project|__srp_\w+)$/;
/** Where nobody says where the source begins. */
const unknown = Number.MAX_SAFE_INTEGER;

/** What the directory tells, and streams that it keeps quiet about. */
function allModules(told: readonly Told[], streams: ReadonlyMap<string, CfbEntry>): readonly Told[] {
  const known = new Set(told.map(({ stream }) => stream.toLowerCase()));
  const quiet = [...streams].filter(([name]) => !known.has(name) && !ownStreams.test(name));
  return [...told, ...quiet.map(([, { name }]) => ({ name, stream: name, offset: unknown }))];
}

function readProject(cfb: Cfb, directory: CfbEntry, room: Bytes): VbaProject {
  const path = directory.path.slice(0, -1);
  const inside = cfb.entries.filter((entry) => entry.kind === "stream" && isIn(entry, path));
  const streams = new Map(inside.map((entry) => [entry.name.toLowerCase(), entry]));
  const content = (name: string, most?: number): Buffer => {
    const entry = streams.get(name);
    return entry ? cfb.read(entry, most).bytes : Buffer.alloc(0);
  };
  const packed = decompress(content("dir", directoryBytes), 0, directoryBytes);
  const { told, codePage } = readDirectory(packed?.bytes ?? Buffer.alloc(0));

  const modules: VbaModule[] = [];
  let left = room;
  let full = false;
  for (const { name, stream, offset } of allModules(told, streams)) {
    const body = content(stream.toLowerCase());
    const found = sourceOf(body, offset, left);
    if (!found && offset === unknown) continue;
    if (found?.end === "full") full = true;
    left -= found?.bytes.length ?? 0;
    const compiled = Math.min(offset, body.length);
    modules.push({ name, source: found && decode(found.bytes, codePage), compiled });
  }
  const identifiers = content("_vba_project", identifierBytes).toString("latin1");
  return { path, modules: [...modules, ...forms(cfb, path)], identifiers, full };
}

/** All projects, wherever they lie: Word keeps one, embedded workbooks may have theirs. */
export function* vbaProjects(cfb: Cfb, room: Bytes): Generator<VbaProject> {
  for (const entry of cfb.entries)
    if (entry.kind === "stream" && entry.name.toLowerCase() === "dir") yield readProject(cfb, entry, room);
}
