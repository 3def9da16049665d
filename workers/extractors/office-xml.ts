/** Reads the XML of Office and OpenDocument, part by part: relationships, text, fields, links, formulas of macros. ECMA-376 part 1, part 2 §9.3; OpenDocument 1.3 part 3 */
import { fieldBegin, fieldEnd, fieldResult } from "../formats/office-fields.ts";
import { attribute, rootOf, unescapeXml, walkXml, type XmlReader, type XmlTag } from "../formats/xml-scan.ts";
import { isXlsbPart, readXlsb } from "../formats/xlsb.ts";
import { transcribed } from "../identify/text.ts";
import { readDefinedName, readSheet } from "./office-macro-sheet.ts";
import type { OfficeNotes } from "./office-notes.ts";
import { workbookSink } from "./office-workbook.ts";
import { readRelationship } from "./office-relationships.ts";

/** Roots of parts whose text people read. */
const textRoots = new Set(
  "document hdr ftr footnotes endnotes comments glossaryDocument sst sld notes cmLst wsDr document-content".split(" "),
);
/** Whole documents in one XML file. */
const flatRoots = new Set(["wordDocument", "Workbook", "document"]);
/** Roots of parts that link, start or fetch. */
const otherRoots = new Set(
  "Relationships workbook worksheet macrosheet dialogsheet externalLink connections customUI settings module document-styles library".split(
    " ",
  ),
);
/** In a sheet there is nothing to read but these; most sheets have none. */
const worksheetMarks = ["inlineStr", "<f", ":f>"];
const fieldMarks = ["instrText", "fldSimple", "fldChar", "delInstrText", "dde-source", "DDE"];
/** A line ends with these. */
const breaks = new Set(["p", "h", "br", "tab", "tr", "si", "line-break", "table-row", "cell", "Row"]);
const textHolders = new Set(["t", "delText"]);
/** Elements that hold a file in base64. */
export const base64: ReadonlySet<string> = new Set(["binaryData", "binData", "binary-data", "docOleData"]);
const instructions = new Set(["instrText", "delInstrText"]);

/** Everything of one part. */
class Reader implements XmlReader {
  readonly #root: string;
  readonly #notes: OfficeNotes;
  /** With the marks of fields. */
  readonly #text: string[] = [];
  readonly #takesAllText: boolean;
  readonly #readsOn: boolean;
  #size = 0;
  #inside = "";
  #inBase64 = false;
  #formula = "";
  #cell = "";

  constructor(root: string, notes: OfficeNotes, readsOn: boolean, isFlat: boolean) {
    this.#root = root;
    this.#notes = notes;
    this.#readsOn = readsOn;
    this.#takesAllText =
      ["document-content", "document-styles", "module"].includes(root) || (isFlat && root !== "wordDocument");
  }

  text(raw: string): boolean {
    if (this.#inBase64) return true;
    if (this.#inside === "f") this.#formula += unescapeXml(raw);
    else if (this.#takesAllText || this.#inside !== "") this.#add(unescapeXml(raw));
    return this.#goesOn();
  }

  tag(tag: XmlTag): boolean {
    const { name, closing, empty } = tag;
    if (base64.has(name)) this.#inBase64 = !closing && !empty;
    if (closing) {
      if (name === this.#inside) this.#leave(name);
      if (breaks.has(name)) this.#add("\n");
    } else {
      if (textHolders.has(name) || instructions.has(name) || name === "f") this.#enter(name, empty);
      if (empty && breaks.has(name)) this.#add("\n");
      this.#special(tag);
    }
    return this.#goesOn();
  }

  #enter(name: string, empty: boolean): void {
    if (!empty) this.#inside = name;
    this.#formula = "";
  }

  #leave(name: string): void {
    this.#inside = "";
    if (name === "f" && this.#formula !== "") readSheet(this.#root, this.#cell, this.#formula, this.#notes);
  }

  #add(piece: string): void {
    this.#text.push(piece);
    this.#size += piece.length;
  }

  #goesOn(): boolean {
    return this.#readsOn || this.#size < 256 * 1024;
  }

  #special(tag: XmlTag): void {
    const handler = handlers[tag.name];
    if (handler) handler(tag, this.#notes, this.#root);
    if (tag.name === "fldChar") this.#add(fieldMark(attribute(tag, "fldCharType")));
    if (tag.name === "fldSimple") this.#add(`${fieldBegin}${attribute(tag, "instr")}${fieldEnd}`);
    if (tag.name === "c") this.#cell = attribute(tag, "r");
  }

  finish(): void {
    const all = this.#text.join("").replaceAll(/\n{2,}/g, "\n");
    if (this.#root === "module") this.#notes.macro(all);
    else if (all.trim() !== "") this.#notes.fields(`${all}\n`);
  }
}

function fieldMark(type: string): string {
  return { begin: fieldBegin, separate: fieldResult, end: fieldEnd }[type] ?? "";
}

type Handler = (tag: XmlTag, notes: OfficeNotes, root: string) => void;

const slideAction: Handler = (tag, notes) => {
  const action = attribute(tag, "action");
  if (!/^ppaction:\/\/(?:program|macro|ole)/i.test(action)) return;
  notes.commands.add(action);
  notes.odd("ooxml.slide-action", /program/i.test(action) ? "medium" : "low", action);
};

const dde =
  (service: string, topic: string, item = ""): Handler =>
  (tag, notes) => {
    const command = [service, topic, item]
      .map((name) => attribute(tag, name))
      .join(" ")
      .trim();
    if (command !== "") notes.dde(`DDE ${command}`);
  };

const address =
  (name: string): Handler =>
  (tag, notes) =>
    notes.urls.add(attribute(tag, name));
const command =
  (...names: readonly string[]): Handler =>
  (tag, notes) => {
    for (const name of names) notes.commands.add(attribute(tag, name));
  };

const handlers: Readonly<Record<string, Handler>> = {
  Relationship: readRelationship,
  definedName: readDefinedName,
  sheet: (tag, notes) => {
    if (/hidden/i.test(attribute(tag, "state"))) notes.sheets.hidden = true;
  },
  macrosheet: (_tag, notes) => {
    notes.sheets.macros = true;
  },
  hlinkClick: slideAction,
  hlinkHover: slideAction,
  hlinkMouseOver: slideAction,
  ddeLink: dde("ddeService", "ddeTopic"),
  "dde-source": dde("dde-application", "dde-topic", "dde-item"),
  webPr: address("url"),
  dbPr: command("connection", "command"),
  hlink: address("dest"),
  attachedTemplate: (tag, notes) => notes.fetches("ooxml.remote-template", attribute(tag, "val"), "medium"),
  template: (tag, notes) => notes.fetches("ooxml.remote-template", attribute(tag, "href"), "medium"),
  "section-source": (tag, notes) => notes.fetches("office.remote-content", attribute(tag, "href"), "medium"),
  "cell-range-source": (tag, notes) => notes.fetches("office.remote-content", attribute(tag, "href"), "low"),
  object: (tag, notes) => notes.fetches("ooxml.remote-object", attribute(tag, "href"), "medium"),
  "object-ole": (tag, notes) => notes.fetches("ooxml.remote-object", attribute(tag, "href"), "medium"),
  image: (tag, notes) => notes.fetches("office.remote-picture", attribute(tag, "href"), "info"),
  a: address("href"),
  customUI: (tag, notes) => {
    const macro = attribute(tag, "onLoad");
    if (macro === "") return;
    notes.commands.add(`onLoad ${macro}`);
    notes.odd("ooxml.interface-macro", "low", macro);
  },
  "event-listener": (tag, notes) => {
    const target = attribute(tag, "href");
    if (!/^(?:vnd\.sun\.star\.script|macro):/i.test(target)) return;
    notes.commands.add(`${attribute(tag, "event-name")} ${target}`);
    notes.odd("odf.macro-event", "low", target);
  },
};

const headBytes = 16 * 1024;
/** A part that is larger is shown to the rules as it is, and read no further. */
const mostXml = 64 * 1024 * 1024;

const begins = /^(?:\xef\xbb\xbf)?\s*</;
/** UTF-16 with its mark, or one whose first character is of ASCII. */
const wide = /^(?:\xff\xfe|\xfe\xff|[^\0]\0|\0)/;

/** Text in UTF-8 or, if its octets say so, UTF-16; null if it does not begin as XML does. */
export function asXml(bytes: Buffer): string | null {
  const head = bytes.toString("latin1", 0, 64);
  if (wide.test(head)) return transcribed(bytes)?.toString("utf8") ?? null;
  return begins.test(head) ? bytes.toString("utf8") : null;
}

const holdsAny = (text: string, marks: readonly string[]): boolean => marks.some((mark) => text.includes(mark));

/** A part of a package: XML, or records of a binary workbook. */
export function readOfficePart(bytes: Buffer, notes: OfficeNotes): void {
  if (isXlsbPart(bytes)) readXlsb(bytes, workbookSink(notes));
  else readOfficeXml(bytes, notes);
}

export function readOfficeXml(bytes: Buffer, notes: OfficeNotes, isFlat = false): void {
  const root = rootOf(asXml(bytes.subarray(0, headBytes)) ?? "");
  const hasText = textRoots.has(root) || (isFlat && flatRoots.has(root));
  if (hasText || otherRoots.has(root)) readKnown(bytes, { root, hasText, isFlat }, notes);
}

interface Known {
  readonly root: string;
  readonly hasText: boolean;
  readonly isFlat: boolean;
}

function readKnown(bytes: Buffer, { root, hasText, isFlat }: Known, notes: OfficeNotes): void {
  const text = asXml(bytes.subarray(0, mostXml)) ?? "";
  if (root === "worksheet" && !holdsAny(text, worksheetMarks)) return;
  const readsOn = !hasText || holdsAny(text, fieldMarks);
  if (!readsOn && !notes.wantsText) return;
  const reader = new Reader(root, notes, readsOn, isFlat);
  walkXml(text, reader);
  reader.finish();
}
