/** What a PDF document does, by the actions in it: scripts, programs that it starts, addresses, files that it carries. ISO 32000-2 §12.6, §7.11 */
import type { PdfDocument } from "../formats/pdf/document.ts";
import { escapedKeys } from "../formats/pdf/lexer.ts";
import type { PdfObject } from "../formats/pdf/objects.ts";
import { type Dict, isDict, Name, nameOf, Ref, textOf, type Value } from "../formats/pdf/values.ts";

export interface Script {
  readonly text: string;
  /** Runs when the document or a page of it is opened, not when somebody fills in a field. */
  readonly isOnOpen: boolean;
}

export interface Actions {
  readonly scripts: Script[];
  /** Numbers of streams that hold scripts, and whether these run on opening. */
  readonly scriptStreams: Map<number, boolean>;
  readonly urls: Set<string>;
  /** What Launch starts, with its parameters. */
  readonly launches: Set<string>;
  /** Files of other machines or documents that are gone to. */
  readonly remote: Set<string>;
  /** Streams of embedded files, with their names. */
  readonly files: Map<number, string[]>;
  readonly forms: Set<number>;
  readonly formTexts: string[];
  /** Names that decide what happens, written in escapes. */
  readonly hidden: Set<string>;
}

/** Names that only somebody with something to hide writes in escapes. */
const telling = new Set(
  "JS JavaScript Launch OpenAction AA URI SubmitForm ImportData GoToR GoToE EmbeddedFile EmbeddedFiles EF XFA RichMedia Action ObjStm Encrypt AcroForm Names Rendition Filespec Win".split(
    " ",
  ),
);

const withTarget = new Set(["SubmitForm", "ImportData", "GoToR", "GoToE", "Thread"]);
const fileKeys = ["UF", "F", "Unix", "Mac", "DOS"];
const mostOpenActions = 1000;

class Reader {
  readonly #pdf: PdfDocument;
  readonly found: Actions = {
    scripts: [],
    scriptStreams: new Map(),
    urls: new Set(),
    launches: new Set(),
    remote: new Set(),
    files: new Map(),
    forms: new Set(),
    formTexts: [],
    hidden: new Set(),
  };
  /** Actions, or numbers of their objects, that are done without anybody asking. */
  readonly #onOpen = new Set<Dict>();

  constructor(pdf: PdfDocument) {
    this.#pdf = pdf;
    for (const { value } of pdf.objects) if (isDict(value)) this.#readTriggers(value);
    for (const object of pdf.objects) this.#visit(object.value, object);
  }

  #markOpen(action: Value | undefined): void {
    let next: Value | undefined = this.#pdf.get(action);
    for (let i = 0; isDict(next) && !this.#onOpen.has(next) && this.#onOpen.size < mostOpenActions; i++) {
      this.#onOpen.add(next);
      next = this.#pdf.get(next.get("Next"));
    }
  }

  /** The catalogue's and pages' triggers; those of fields wait for somebody. §12.6.3 */
  #readTriggers(dict: Dict): void {
    if (dict.has("OpenAction")) for (const key of ["OpenAction", "OpenAction#2"]) this.#markOpen(dict.get(key));
    const triggers = this.#pdf.get(dict.get("AA"));
    if (isDict(triggers)) for (const trigger of ["O", "PO", "PV"]) this.#markOpen(triggers.get(trigger));
  }

  #visit(value: Value, object: PdfObject): void {
    if (Array.isArray(value)) for (const one of value) this.#visit(one, object);
    if (!isDict(value)) return;
    this.#read(value, object);
    for (const [key, one] of value) if (key !== escapedKeys) this.#visit(one, object);
  }

  /** The text of a string, also behind a reference; octets decrypted. */
  #text(value: Value | undefined, object: PdfObject): string | null {
    const behind = value instanceof Ref ? this.#pdf.object(value.to) : undefined;
    const found = behind ? behind.value : value;
    return Buffer.isBuffer(found) ? textOf(this.#pdf.clear(found, behind ?? object)) : null;
  }

  #read(dict: Dict, object: PdfObject): void {
    const action = this.#pdf.get(dict.get("S"));
    for (const key of ["JS", "JS#2"]) this.#readScript(dict.get(key), dict, object);
    if (dict.has("URI"))
      for (const key of ["URI", "Base"]) this.#note(this.found.urls, this.#text(dict.get(key), object));
    const kind = nameOf(action);
    if (kind === "Launch") this.#readLaunch(dict, object);
    if (withTarget.has(kind)) this.#readTarget(kind, dict, object);
    if (dict.has("EF")) this.#readFile(dict, object);
    if (dict.has("XFA")) this.#readForm(dict.get("XFA"), object);
    this.#readNames([action, dict.get("Type"), dict.get("Subtype")], dict.get(escapedKeys));
  }

  #readNames(values: readonly (Value | undefined)[], keys: Value | undefined): void {
    for (const name of [...values, ...(Array.isArray(keys) ? keys : [])])
      if (name instanceof Name && name.escaped && telling.has(name.text)) this.found.hidden.add(name.text);
  }

  #note(into: Set<string>, text: string | null): void {
    if (text !== null && text.trim() !== "") into.add(text.trim().slice(0, 4096));
  }

  #readScript(value: Value | undefined, action: Dict, object: PdfObject): void {
    if (value === undefined) return;
    const isOnOpen = this.#onOpen.has(action);
    const text = this.#text(value, object);
    if (text !== null) this.found.scripts.push({ text, isOnOpen });
    else if (value instanceof Ref)
      this.found.scriptStreams.set(value.to, isOnOpen || this.found.scriptStreams.get(value.to) === true);
  }

  /** Every name that a file specification has; a string is one. §7.11.3 */
  #fileNames(value: Value | undefined, object: PdfObject): string[] {
    const direct = this.#text(value, object);
    if (direct !== null) return [direct];
    const spec = this.#pdf.get(value);
    if (!isDict(spec)) return [];
    const owner = value instanceof Ref ? (this.#pdf.object(value.to) ?? object) : object;
    return [...new Set(fileKeys.flatMap((key) => this.#text(spec.get(key), owner) ?? []))];
  }

  /** §12.6.4.6 */
  #readLaunch(dict: Dict, object: PdfObject): void {
    const lines = this.#fileNames(dict.get("F"), object);
    for (const system of ["Win", "Mac", "Unix"]) {
      const given = dict.get(system);
      const inner = this.#pdf.get(given);
      if (!isDict(inner)) continue;
      const owner = given instanceof Ref ? (this.#pdf.object(given.to) ?? object) : object;
      const line = ["F", "P", "D"].flatMap((key) => this.#text(inner.get(key), owner) ?? []).join(" ");
      if (line !== "") lines.push(line);
    }
    for (const line of lines.length > 0 ? lines : ["?"]) this.#note(this.found.launches, line);
  }

  #readTarget(kind: string, dict: Dict, object: PdfObject): void {
    for (const name of this.#fileNames(dict.get("F"), object))
      this.#note(kind === "SubmitForm" && /^https?:/i.test(name) ? this.found.urls : this.found.remote, name);
  }

  /** §7.11.4 */
  #readFile(spec: Dict, object: PdfObject): void {
    const streams = this.#pdf.get(spec.get("EF"));
    if (!isDict(streams)) return;
    const names = [...new Set(fileKeys.flatMap((key) => this.#text(spec.get(key), object) ?? []))];
    for (const stream of streams.values())
      if (stream instanceof Ref)
        this.found.files.set(
          stream.to,
          [...new Set([...(this.found.files.get(stream.to) ?? []), ...names])].slice(0, 32),
        );
  }

  /** One stream, or names and streams in turn. §12.7.8 */
  #readForm(value: Value | undefined, object: PdfObject): void {
    const resolved = this.#pdf.get(value);
    for (const one of Array.isArray(resolved) ? resolved : [value]) {
      const target = one instanceof Ref ? this.#pdf.object(one.to) : undefined;
      if (one instanceof Ref && target?.stream) this.found.forms.add(one.to);
      else if (Array.isArray(resolved)) continue;
      else this.found.formTexts.push(this.#text(one, object) ?? "");
    }
  }
}

export const readActions = (pdf: PdfDocument): Actions => new Reader(pdf).found;
