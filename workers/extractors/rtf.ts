/** RTF: objects in every way of writing them, text, fields, templates. RTF 1.9.1, [MS-OLEDS] §2.2 */
import type { Part } from "../../src/core/message.ts";
import { isEquation, isOverlongEquation, readOldObject, readOldPackage } from "../formats/ole-object.ts";
import { carve } from "../formats/rtf-objects.ts";
import { rtf } from "../identify/types.ts";
import { type Budget, type Extractor, type Yielded } from "./extractor.ts";
import { isRemote, OfficeNotes } from "./office-notes.ts";
import { type FoundObject, readRtf } from "./rtf-reader.ts";

interface Walk {
  readonly budget: Budget;
  readonly notes: OfficeNotes;
  /** In hexadecimal: readings often give the same file. */
  readonly given: Set<string>;
}

function* member(walk: Walk, names: readonly string[], bytes: Buffer): Generator<Yielded> {
  if (bytes.length === 0) return;
  const key = `${bytes.length} ${bytes.toString("latin1", 0, 4096)} ${bytes.toString("latin1", Math.max(0, bytes.length - 64))}`;
  if (walk.given.has(key)) return;
  walk.given.add(key);
  walk.budget.spend({ members: 1 });
  if (bytes.length > walk.budget.memberRoom) {
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  walk.budget.spend({ bytes: bytes.length });
  yield { names, declaredTypes: [], bytes };
}

function takeEquation({ notes }: Walk, native: Buffer): void {
  if (isOverlongEquation(native)) notes.odd("ole.equation-exploit", "high");
  else notes.odd("ole.equation-object", "medium");
}

/** One reading of an object; false if it is none. */
function* takeReading(walk: Walk, bytes: Buffer): Generator<Yielded, boolean> {
  const { notes } = walk;
  const object = readOldObject(bytes);
  if (!object) return false;
  const { className, topic, native } = object;
  if (topic !== "") notes.fetches("ole.remote-link", topic, "high");
  if (isEquation(className)) takeEquation(walk, native);
  const packed = /^package/i.test(className) ? readOldPackage(native) : null;
  if (packed) {
    notes.odd("ole.packaged-file", "info", packed.names[0]);
    yield* member(walk, packed.names, packed.bytes);
    return true;
  }
  yield* member(walk, className === "" ? [] : [className], native);
  return true;
}

function* takeObject(walk: Walk, { readings, isHidden }: FoundObject): Generator<Yielded> {
  const { notes } = walk;
  if (isHidden) notes.odd("rtf.obfuscated-object", "high");
  let isRead = false;
  for (const bytes of readings) isRead = (yield* takeReading(walk, bytes)) || isRead;
  if (isRead && !isHidden) return;
  for (const bytes of readings) yield* member(walk, [], carve(bytes) ?? (isRead ? Buffer.alloc(0) : bytes));
}

const header = /^\s*\{\\rt/;
/** As programs write it. */
const honest = /^\s*\{\\rtf1?[\s\\{}]/;

export const rtfExtractor: Extractor = {
  name: "rtf",
  version: "1",
  wants: ({ types, role }: Part, bytes) =>
    role !== "artefact" &&
    role !== "body" &&
    role !== "message" &&
    (types.includes(rtf) ||
      header.test(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(64, bytes.length)).toString("latin1"))),
  *extract(_part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const walk: Walk = { budget, notes: new OfficeNotes(), given: new Set() };
    const { notes } = walk;
    const read = readRtf(buffer, notes);
    for (const object of read.objects) yield* takeObject(walk, object);
    if (read.objects.length > 0 && !honest.test(buffer.toString("latin1", 0, 64)))
      notes.odd("rtf.obfuscated-object", "high", "header");
    if (read.updates && read.objects.length > 0) notes.odd("rtf.auto-update", read.isLinked ? "low" : "high");
    for (const template of read.templates)
      notes.fetches("rtf.remote-template", template, isRemote(template) ? "high" : "info");
    yield* notes.give(budget);
    if (read.isCut) yield { names: [], why: "malformed", text: "The document breaks off within an object" };
  },
};
