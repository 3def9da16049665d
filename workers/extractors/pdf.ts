/** PDF: the files that a document carries become members; its scripts, commands, addresses and text become artefacts. ISO 32000-2 */
import type { Part } from "../../src/core/message.ts";
import { PdfDocument } from "../formats/pdf/document.ts";
import type { Decoded, Meter } from "../formats/pdf/filters.ts";
import type { PdfObject } from "../formats/pdf/objects.ts";
import { readText } from "../formats/pdf/text.ts";
import { isDict, nameOf, textOf } from "../formats/pdf/values.ts";
import { artefact } from "./artefacts.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { emptyKeyring, type Keyring } from "../keyring.ts";
import { isPadding } from "./padding.ts";
import { type Actions, readActions, type Script } from "./pdf-actions.ts";
import { damaged, judgeActions, trailing } from "./pdf-rules.ts";

const pdfType = "application/pdf";

/** Octets that may be read on behalf of a document: so many, and this many times its size. Objects may share octets. */
const freeWork = 8 * 1024 * 1024;
const workRatio = 8;

const textBounds = { characters: 128 * 1024, drawing: 2 * 1024 * 1024 };
const leastTail = 32;

function meterOf(budget: Budget, size: number): Meter {
  let left = freeWork + workRatio * size;
  return {
    get room() {
      return Math.max(0, budget.memberRoom);
    },
    spend: (bytes) => budget.spend({ bytes }),
    work(bytes) {
      left -= bytes;
      if (left < 0) throw new Stop("limit", "Objects of the document share the same octets too often");
    },
    exhaust(text) {
      throw new Stop("limit", text);
    },
  };
}

const isEmbedded = ({ value, stream }: PdfObject): boolean =>
  stream !== null && isDict(value) && nameOf(value.get("Type")) === "EmbeddedFile";

function* embeddedFiles(pdf: PdfDocument, { files }: Actions, budget: Budget): Generator<Yielded> {
  for (const object of pdf.objects) {
    const names = files.get(object.number) ?? [];
    if (!object.stream || !(files.has(object.number) || isEmbedded(object))) continue;
    if (pdf.isSealed) continue;
    budget.spend({ members: 1 });
    yield* asMember(pdf.decode(object, true), names, declaredType(object), budget, isFiltered(object));
  }
}

/** Octets that came through a filter are paid for already. */
const isFiltered = ({ value }: PdfObject): boolean => isDict(value) && (value.has("Filter") || value.has("F"));

function declaredType({ value }: PdfObject): readonly string[] {
  const type = isDict(value) ? nameOf(value.get("Subtype")) : "";
  return /^[\w.+-]{1,60}\/[\w.+-]{1,100}$/.test(type) ? [type.toLowerCase()] : [];
}

function* asMember(
  got: Decoded,
  names: readonly string[],
  declaredTypes: readonly string[],
  budget: Budget,
  isPaid: boolean,
): Generator<Yielded> {
  if (got.kind === "limit") {
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  if (got.kind === "damaged" || got.kind === "opaque") {
    const why = got.kind === "damaged" ? "malformed" : "unsupported";
    yield { names, why, text: `The file cannot be read (${got.filter.slice(0, 40)})` };
    return;
  }
  if (!isPaid && got.bytes.length > budget.memberRoom) {
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  if (!isPaid) budget.spend({ bytes: got.bytes.length });
  yield { names, declaredTypes, bytes: got.bytes };
  if (got.kind === "cut") yield { names: [], why: "malformed", text: "A file within the document breaks off" };
}

/** Scripts that stand in streams of their own, and all others. */
function allScripts(pdf: PdfDocument, { scripts, scriptStreams }: Actions): readonly Script[] {
  const found = [...scripts];
  for (const object of pdf.objects) {
    const isOnOpen = scriptStreams.get(object.number);
    if (isOnOpen === undefined || !object.stream) continue;
    const got = pdf.decode(object);
    if ("bytes" in got) found.push({ text: textOf(got.bytes), isOnOpen });
  }
  return found;
}

function formTexts(pdf: PdfDocument, { forms, formTexts: direct }: Actions): readonly string[] {
  const streams = pdf.objects.filter((object) => object.stream && forms.has(object.number));
  const texts = streams.map((object) => {
    const got = pdf.decode(object);
    return "bytes" in got && got.kind !== "opaque" ? got.bytes.toString("utf8") : "";
  });
  return [...direct, ...texts].filter((text) => text !== "");
}

/** Where the last startxref leads: a table, or the object that holds one. §7.5.5 */
function hasTable(bytes: Buffer): boolean {
  const at = bytes.lastIndexOf("startxref");
  const offset = at < 0 ? null : /^startxref\s{1,20}(\d{1,10})/.exec(bytes.toString("latin1", at, at + 48))?.[1];
  if (offset === null || offset === undefined) return false;
  return /^\s{0,20}(?:xref|\d{1,10}\s{1,9}\d{1,5}\s{1,9}obj)/.test(
    bytes.toString("latin1", Number(offset), Number(offset) + 64),
  );
}

function* tail(part: Part, bytes: Buffer, budget: Budget): Generator<Yielded> {
  // With a second meaning another extractor sees what is behind.
  if (part.types.length > 1) return;
  const end = bytes.lastIndexOf("%%EOF");
  const rest = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 5);
  const start = rest.subarray(0, 16).findIndex((octet) => octet !== 10 && octet !== 13 && octet !== 32);
  const data = rest.subarray(Math.max(0, start));
  // Objects behind the last mark of the end are a revision that is not complete, and read as such.
  if (start < 0 || data.length < leastTail || isPadding(data) || data.includes("endobj")) return;
  budget.spend({ members: 1, bytes: data.length });
  yield { names: [], declaredTypes: [], bytes: data };
  yield trailing();
}

function* artefacts(
  pdf: PdfDocument,
  actions: Actions,
  scripts: readonly Script[],
  budget: Budget,
): Generator<Yielded> {
  const { urls, launches, remote } = actions;
  yield* artefact("script", [...scripts.map(({ text }) => text), ...formTexts(pdf, actions)], budget);
  yield* artefact("commands", [...launches, ...remote], budget);
  yield* artefact("urls", [...urls], budget);
  yield* artefact("text", [readText(pdf, textBounds)], budget);
}

/** Hashes of hashes, a few dozen in the newest revision. ISO 32000-2 §7.6.4.3.4 */
const tryCost = 5;

/** Readers open what has an empty password without asking. */
function* candidates(keyring: Keyring): Generator<string> {
  yield "";
  for (const { text } of keyring.tries(tryCost)) yield text;
}

function* open(part: Part, buffer: Buffer, pdf: PdfDocument, budget: Budget, closed: string): Generator<Yielded> {
  const actions = readActions(pdf);
  yield* embeddedFiles(pdf, actions, budget);
  for (const { why, text } of pdf.closed) yield { names: [], why, text };
  if (pdf.isSealed) yield { names: [], why: "encrypted", text: closed };
  const scripts = pdf.isSealed ? actions.scripts : allScripts(pdf, actions);
  yield* judgeActions(actions, scripts);
  if (!hasTable(buffer)) yield damaged();
  yield* tail(part, buffer, budget);
  if (!pdf.isSealed) yield* artefacts(pdf, actions, scripts, budget);
}

export const pdfExtractor: Extractor = {
  name: "pdf",
  version: "2",
  wants: ({ types }) => types.includes(pdfType),
  *extract(part, bytes, budget, keyring = emptyKeyring()) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const pdf = new PdfDocument(buffer, meterOf(budget, buffer.length), candidates(keyring));
    if (pdf.objects.length === 0) throw new Stop("malformed", "The document has no objects");
    const by = pdf.password ? keyring.find(pdf.password) : null;
    if (by) keyring.opened(by);
    for (const item of open(part, buffer, pdf, budget, keyring.closed("The document is encrypted")))
      yield by && ("declaredTypes" in item || "artefact" in item) ? { ...item, opened: by.from } : item;
  },
};
