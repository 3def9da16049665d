/** OLE compound files: macros of VBA as source, packaged and embedded files, text of the old Office formats. [MS-CFB], [MS-OVBA], [MS-OLEDS] */
import type { Part } from "../../src/core/message.ts";
import { payForDamage, payForOverflow } from "../budget.ts";
import { readBiff } from "../formats/biff.ts";
import { type Cfb, isCfb, readCfb } from "../formats/cfb.ts";
import type { CfbEntry } from "../formats/cfb-directory.ts";
import {
  classLabel,
  isEquation,
  isOverlongEquation,
  monikerUrls,
  readOle10Native,
  runsMoniker,
} from "../formats/ole-object.ts";
import { inflateObject, presentationRecords } from "../formats/powerpoint.ts";
import { vbaProjects, type VbaProject } from "../formats/vba-project.ts";
import { stomped } from "../formats/vba-stomping.ts";
import { wordText } from "../formats/word-text.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { workbookSink } from "./office-workbook.ts";
import { OfficeNotes } from "./office-notes.ts";

interface Walk {
  readonly cfb: Cfb;
  readonly budget: Budget;
  readonly notes: OfficeNotes;
  /** Could not be read as declared. */
  readonly broken: Set<string>;
}

/** Others open these. */
const foreign = new Set(["application/x-msi", "application/vnd.ms-outlook"]);

/** Beginnings of whole files that a stream may hold, whatever its name. */
const wholeFile =
  /^(?:MZ|PK\x03\x04|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|%PDF-|\{\\rt|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c|L\0\0\0\x01\x14\x02\0|MSCF\0\0\0\0|ITSF\x03)/;
/** Streams that hold a file by their name. */
const fileStreams = new Set(["package", "contents", "equation native"]);

const label = (module: string): string => `' ${module.replaceAll(/[\0-\x1f]/g, " ")}\r\n`;

function takeProject({ notes }: Walk, project: VbaProject): void {
  for (const { name, source } of project.modules) if (source !== null) notes.macro(label(name) + source);
  const odd = stomped(project);
  if (odd) notes.odd("vba.stomped", odd.kind === "gone" ? "high" : "medium", odd.detail);
}

function takeMacros(walk: Walk): void {
  let room = walk.budget.memberRoom;
  for (const project of vbaProjects(walk.cfb, room)) {
    takeProject(walk, project);
    room -= project.modules.reduce((sum, { source }) => sum + (source?.length ?? 0), 0);
    if (project.full) throw new Stop("limit", "The macros are larger than the limit");
  }
}

/** Paid for, then given. */
function* member({ budget }: Walk, names: readonly string[], bytes: Buffer): Generator<Yielded> {
  budget.spend({ members: 1 });
  if (bytes.length > budget.memberRoom) {
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  budget.spend({ bytes: bytes.length });
  yield { names, declaredTypes: [], bytes };
}

function* takePackage(walk: Walk, stream: Buffer): Generator<Yielded> {
  const packed = readOle10Native(stream);
  if (!packed || packed.bytes.length === 0) return;
  if (packed.cut) walk.broken.add("a packaged file breaks off");
  if (packed.names.length > 0) walk.notes.odd("ole.packaged-file", "info", packed.names[0]);
  yield* member(walk, packed.names, packed.bytes);
}

function takeLinks({ notes }: Walk, stream: Buffer): void {
  if (runsMoniker(stream)) notes.odd("ole.remote-link", "high", "a moniker that runs what it names");
  for (const url of monikerUrls(stream)) notes.fetches("ole.remote-link", url, "high");
}

function takeEquation({ notes }: Walk, stream: Buffer): void {
  if (isOverlongEquation(stream)) notes.odd("ole.equation-exploit", "high");
  else notes.odd("ole.equation-object", "info");
}

/** A stream that holds a file, by its name or by how it begins. */
function* takeFile(walk: Walk, entry: CfbEntry, name: string): Generator<Yielded> {
  const isFile = fileStreams.has(name) || wholeFile.test(walk.cfb.read(entry, 8).bytes.toString("latin1"));
  if (!isFile && name !== "\x01ole10native") return;
  const { bytes, whole } = walk.cfb.read(entry);
  if (!whole) walk.broken.add("a stream breaks off");
  if (isEquation(name)) takeEquation(walk, bytes);
  if (!isFile) yield* takePackage(walk, bytes);
  else if (bytes.length > 0) yield* member(walk, [entry.name], bytes);
}

/** Its objects and macros are compound files of their own. */
function* takePresentation(walk: Walk, stream: Buffer): Generator<Yielded> {
  for (const { kind, data, wide } of presentationRecords(stream)) {
    if (kind === "text") walk.notes.text(`${data.toString(wide ? "utf16le" : "latin1")}\n`);
    if (kind === "object") yield* member(walk, [], data);
    if (kind !== "compressed") continue;
    const object = inflateObject(data, walk.budget.memberRoom);
    if (object === "limit") {
      payForOverflow(walk.budget);
      yield { names: [], why: "limit", text: "An object is larger than the limit" };
    } else if (object === "malformed") {
      payForDamage(walk.budget, data.length);
      walk.broken.add("an object cannot be inflated");
    } else yield* member(walk, [], object);
  }
}

function* takeStream(walk: Walk, entry: CfbEntry): Generator<Yielded> {
  const { cfb, notes } = walk;
  const name = entry.path.at(-1) ?? "";
  if (name === "\x01ole") takeLinks(walk, cfb.read(entry, 16_384).bytes);
  if (name === "worddocument" && notes.wantsText) notes.fields(wordText(cfb, entry));
  if (name === "workbook" || name === "book") readBiff(cfb.read(entry).bytes, workbookSink(notes));
  if (name === "powerpoint document") yield* takePresentation(walk, cfb.read(entry).bytes);
  yield* takeFile(walk, entry, name);
}

function takeClass({ notes }: Walk, { classId }: CfbEntry): void {
  const known = classLabel(classId);
  if (known === null || known === "Package") return;
  if (isEquation(known)) notes.odd("ole.equation-object", "info", known);
  else notes.odd("ole.active-object", "low", known);
}

function* walkAll(walk: Walk): Generator<Yielded> {
  takeMacros(walk);
  for (const entry of walk.cfb.entries) {
    takeClass(walk, entry);
    if (entry.kind === "stream" && entry.size > 0) yield* takeStream(walk, entry);
  }
}

export const oleExtractor: Extractor = {
  name: "ole",
  version: "1",
  wants: ({ types, role }: Part, bytes) =>
    role !== "artefact" &&
    !types.some((type) => foreign.has(type)) &&
    isCfb(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
  *extract(_part, bytes, budget) {
    const cfb = readCfb(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (!cfb) throw new Stop("malformed", "The header of the compound file is damaged");
    const walk: Walk = { cfb, budget, notes: new OfficeNotes(), broken: new Set() };
    if (cfb.damaged || cfb.entries.length === 0) walk.broken.add("its directory is not whole");
    yield* walkAll(walk);
    yield* walk.notes.give(budget);
    if (walk.broken.size > 0)
      yield { names: [], why: "malformed", text: `The compound file is damaged: ${[...walk.broken].join("; ")}` };
  },
};
