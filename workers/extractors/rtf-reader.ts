/** Gathers from RTF what it says to people and to Word: text in its charsets, fields, templates, data of objects. RTF 1.9.1 */
import iconv from "iconv-lite";
import { fieldBegin, fieldEnd, fieldResult } from "../formats/office-fields.ts";
import { ObjectData } from "../formats/rtf-objects.ts";
import { type RtfReader, walkRtf } from "../formats/rtf-scan.ts";
import type { OfficeNotes } from "./office-notes.ts";

export interface FoundObject {
  readonly readings: readonly Buffer[];
  readonly isHidden: boolean;
}

export interface ReadRtf {
  readonly objects: readonly FoundObject[];
  readonly templates: readonly string[];
  /** \objupdate, \objautlink */
  readonly updates: boolean;
  readonly isLinked: boolean;
  readonly isCut: boolean;
}

type Destination = "text" | "skip" | "field" | "template" | "fonts";

interface Group {
  destination: Destination;
  /** Characters that stand for one of Unicode, for readers that know none. */
  fallback: number;
  codePage: number;
}

const mostGroups = 5000;
const mostObjects = 500;
const mostText = 256 * 1024;
/** Groups of object data within each other that are read on their own. */
const mostNested = 2;
const data = new Set(["objdata", "datastore"]);
const skipped = new Set(
  "colortbl stylesheet info pict themedata colorschememapping latentstyles generator listtable rsidtbl xmlnstbl objclass objname blipuid".split(
    " ",
  ),
);
const breaks = new Set(["par", "line", "tab", "cell", "row", "page", "sect"]);
/** \fcharset of fonts whose text is not in the charset of the document. RTF 1.9.1 "Font Table" */
const charsets: Readonly<Record<number, number>> = {
  128: 932,
  129: 949,
  134: 936,
  136: 950,
  161: 1253,
  162: 1254,
  204: 1251,
  238: 1250,
};

class Reader implements RtfReader {
  readonly objects: FoundObject[] = [];
  readonly templates: string[] = [];
  updates = false;
  isLinked = false;
  readonly #raw: string;
  readonly #bytes: Buffer;
  readonly #groups: Group[] = [{ destination: "text", fallback: 1, codePage: 1252 }];
  readonly #open: ObjectData[] = [];
  readonly #fonts = new Map<number, number>();
  readonly #out: string[] = [];
  #size = 0;
  #octets = "";
  #template = "";
  #documentPage = 1252;
  #font = 0;
  #toSkip = 0;
  #isOptional = false;
  #tooDeep = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#raw = bytes.toString("latin1");
  }

  get raw(): string {
    return this.#raw;
  }

  get isCut(): boolean {
    return this.#open.length > 0;
  }

  get #group(): Group {
    return this.#groups.at(-1) ?? { destination: "skip", fallback: 1, codePage: 1252 };
  }

  open(_at: number): void {
    if (this.#groups.length >= mostGroups) this.#tooDeep++;
    else this.#groups.push({ ...this.#group });
    this.#isOptional = false;
  }

  close(at: number): void {
    if (this.#tooDeep > 0) {
      this.#tooDeep--;
      return;
    }
    const inner = this.#group;
    if (this.#groups.length > 1) this.#groups.pop();
    if (this.#open.at(-1)?.depth === this.#groups.length + 1) this.#finish(at);
    const outer = this.#group;
    if (inner.codePage !== outer.codePage) this.#flush(inner.codePage);
    if (inner.destination === outer.destination) return;
    if (inner.destination === "field") this.#mark(fieldResult + fieldEnd, inner.codePage);
    if (inner.destination === "template") this.#endTemplate();
  }

  /** All data that is open, also when the document ends within it. */
  finishAll(): void {
    while (this.#open.length > 0) this.#finish(this.#raw.length);
    this.#flush(this.#group.codePage);
  }

  #finish(at: number): void {
    const done = this.#open.pop();
    if (!done || this.objects.length >= mostObjects) return;
    const readings = done.readings(this.#raw.slice(done.from, at));
    if (readings.length > 0) this.objects.push({ readings, isHidden: done.isHidden });
  }

  #endTemplate(): void {
    if (this.templates.length < 16) this.templates.push(this.#template.trim());
    this.#template = "";
  }

  optional(): void {
    this.#isOptional = true;
  }

  word(name: string, value: number | null, at: number): void {
    const wasOptional = this.#isOptional;
    this.#isOptional = false;
    const object = this.#open.at(-1);
    if (data.has(name) && this.#open.length < mostNested) this.#begin(at, name);
    else if (object) object.isHidden ||= name !== "bin";
    else if (!this.#destination(name, wasOptional)) this.#property(name, value);
  }

  #begin(at: number, name: string): void {
    // Data within data is written by nobody.
    for (const outer of this.#open) outer.isHidden = true;
    this.#open.push(new ObjectData(this.#groups.length, at + 1 + name.length));
    this.#group.destination = "skip";
  }

  /** Words that say what the group is. */
  #destination(name: string, wasOptional: boolean): boolean {
    const group = this.#group;
    if (name === "fldinst") {
      this.#mark(fieldBegin, group.codePage);
      group.destination = "field";
    } else if (name === "template") group.destination = "template";
    else if (name === "fonttbl") group.destination = "fonts";
    else if (skipped.has(name)) group.destination = "skip";
    else if (wasOptional && group.destination !== "fonts") group.destination = "skip";
    else return false;
    return true;
  }

  #property(name: string, value: number | null): void {
    const group = this.#group;
    if (name === "objupdate") this.updates = true;
    if (name === "objautlink" || name === "objlink") this.isLinked = true;
    if (breaks.has(name)) this.#octet("\n");
    if (value === null) return;
    if (name === "u") this.#unicode(value);
    if (name === "uc") group.fallback = Math.min(8, Math.max(0, value));
    if (name === "ansicpg") this.#documentPage = group.codePage = value;
    if (name === "f") this.#selectFont(value);
    if (name === "fcharset") this.#fonts.set(this.#font, value);
  }

  #selectFont(value: number): void {
    const group = this.#group;
    this.#font = value;
    if (group.destination === "fonts") return;
    const page = charsets[this.#fonts.get(value) ?? 0] ?? this.#documentPage;
    if (page !== group.codePage) this.#flush(group.codePage);
    group.codePage = page;
  }

  #unicode(value: number): void {
    const group = this.#group;
    this.#mark(String.fromCharCode(value & 0xffff), group.codePage);
    this.#toSkip = group.fallback;
  }

  octet(value: number): void {
    const object = this.#open.at(-1);
    if (object) object.isHidden = true;
    else if (this.#toSkip > 0) this.#toSkip--;
    else this.#octet(String.fromCharCode(value));
  }

  text(from: number, to: number): void {
    const object = this.#open.at(-1);
    if (object) {
      for (const one of this.#open) one.add(this.#raw.slice(from, to), this.#groups.length);
      return;
    }
    const start = Math.min(to, from + this.#toSkip);
    this.#toSkip -= start - from;
    if (this.#group.destination === "skip" || this.#group.destination === "fonts") return;
    this.#octet(this.#raw.slice(start, to).replaceAll(/[\r\n]/g, ""));
  }

  binary(from: number, to: number): void {
    for (const one of this.#open) one.addBinary(this.#bytes.subarray(from, to), this.#groups.length);
  }

  /** Octets in the charset of the group. */
  #octet(octets: string): void {
    const { destination } = this.#group;
    if (destination === "template") this.#template = (this.#template + octets).slice(0, 4096);
    if (destination !== "text" && destination !== "field") return;
    if (this.#size > mostText && destination === "text") return;
    this.#octets += octets;
    this.#size += octets.length;
  }

  #mark(text: string, codePage: number): void {
    this.#flush(codePage);
    const { destination } = this.#group;
    if (destination === "text" || destination === "field") this.#out.push(text);
  }

  #flush(codePage: number): void {
    if (this.#octets === "") return;
    const name = `cp${codePage}`;
    const raw = Buffer.from(this.#octets, "latin1");
    this.#out.push(iconv.encodingExists(name) ? iconv.decode(raw, name) : this.#octets);
    this.#octets = "";
  }

  get marked(): string {
    return this.#out.join("");
  }
}

export function readRtf(bytes: Buffer, notes: OfficeNotes): ReadRtf {
  const reader = new Reader(bytes);
  walkRtf(reader.raw, reader);
  const { isCut } = reader;
  reader.finishAll();
  notes.fields(reader.marked);
  const { objects, templates, updates, isLinked } = reader;
  return { objects, templates, updates, isLinked, isCut };
}
