/** The text that the pages of a document show, in the order in which it is drawn, up to a bound. ISO 32000-2 §9.4 */
import type { PdfDocument } from "./document.ts";
import { type Font, plainFont, readFont } from "./fonts.ts";
import { Lexer } from "./lexer.ts";
import type { PdfObject } from "./objects.ts";
import { type Dict, isDict, Name, nameOf, Ref, type Value, Word } from "./values.ts";

export interface TextBounds {
  /** Characters that are enough. */
  readonly characters: number;
  /** Octets of drawing that are looked through for them. */
  readonly drawing: number;
}

const deepest = 32;
/** What a drawing costs even if it is empty, and how many one page may have: pages may share all of them. */
const leastDrawing = 256;
const mostDrawings = 500;
/** In thousandths of the letter's size: a wider gap is a blank. */
const gap = -180;

class Writer {
  text = "";
  readonly #most: number;
  constructor(most: number) {
    this.#most = most;
  }
  get isFull(): boolean {
    return this.text.length >= this.#most;
  }
  add(piece: string): void {
    this.text += piece;
  }
  breakLine(): void {
    if (this.text !== "" && !this.text.endsWith("\n")) this.text += "\n";
  }
}

/** Fonts by the name they have on this page. Resources may be the parent's. §7.7.3.4 */
function resourcesOf(pdf: PdfDocument, dict: Dict): Dict | null {
  let node: Value | undefined = dict;
  for (let i = 0; i < deepest && isDict(node); i++) {
    const found = pdf.get(node.get("Resources"));
    if (isDict(found)) return found;
    node = pdf.get(node.get("Parent"));
  }
  return null;
}

class Pages {
  readonly #pdf: PdfDocument;
  readonly #fonts = new Map<Value, Font>();
  readonly #writer: Writer;
  #left: number;

  constructor(pdf: PdfDocument, { characters, drawing }: TextBounds) {
    this.#pdf = pdf;
    this.#writer = new Writer(characters);
    this.#left = drawing;
  }

  get isDone(): boolean {
    return this.#writer.isFull || this.#left <= 0;
  }

  get text(): string {
    return this.#writer.text;
  }

  #font(resources: Dict | null, name: string): Font {
    const fonts = this.#pdf.get(resources?.get("Font"));
    const dict = isDict(fonts) ? this.#pdf.get(fonts.get(name)) : undefined;
    if (!isDict(dict)) return plainFont;
    const known = this.#fonts.get(dict);
    if (known) return known;
    const made = readFont(this.#pdf, dict);
    this.#fonts.set(dict, made);
    return made;
  }

  /** A page, or a form that pages draw. */
  draw(object: PdfObject, contents: readonly PdfObject[]): void {
    if (!isDict(object.value)) return;
    const resources = resourcesOf(this.#pdf, object.value);
    const pieces: Buffer[] = [];
    for (const one of contents) {
      if (this.#left <= 0) break;
      const got = this.#pdf.decode(one);
      if (!("bytes" in got) || got.kind === "opaque") continue;
      pieces.push(got.bytes.subarray(0, this.#left), Buffer.from("\n"));
      this.#left -= Math.max(got.bytes.length, leastDrawing);
    }
    this.#run(Buffer.concat(pieces), resources);
    this.#writer.breakLine();
  }

  #run(bytes: Buffer, resources: Dict | null): void {
    const lexer = new Lexer(bytes);
    let font = plainFont;
    let operands: Value[] = [];
    for (let value = lexer.next(); value !== undefined && !this.#writer.isFull; value = lexer.next()) {
      if (!(value instanceof Word)) {
        if (operands.length < 64) operands.push(value);
        continue;
      }
      if (value.text === "Tf") font = this.#font(resources, nameOf(operands.find((one) => one instanceof Name)));
      else if (value.text === "ID") skipPicture(bytes, lexer);
      else operators.get(value.text)?.(operands.at(-1), font, this.#writer);
      operands = [];
    }
  }
}

/** The octets of a picture within the drawing. §8.9.7 */
function skipPicture(bytes: Buffer, lexer: Lexer): void {
  const end = bytes.indexOf("EI", lexer.at);
  lexer.at = end < 0 ? bytes.length : end;
}

type Show = (last: Value | undefined, font: Font, writer: Writer) => void;

const string: Show = (last, font, writer) => {
  if (Buffer.isBuffer(last)) writer.add(font.text(last));
};
const line: Show = (_last, _font, writer) => writer.breakLine();
const lineAndString: Show = (last, font, writer) => {
  writer.breakLine();
  string(last, font, writer);
};
const strings: Show = (last, font, writer) => {
  for (const item of Array.isArray(last) ? last : []) {
    if (Buffer.isBuffer(item)) writer.add(font.text(item));
    else if (typeof item === "number" && item < gap) writer.add(" ");
  }
};
const move: Show = (last, _font, writer) => {
  if (last === 0) writer.add(" ");
  else writer.breakLine();
};

/** §9.4.2, §9.4.3 */
const operators: ReadonlyMap<string, Show> = new Map([
  ["Tj", string],
  ["TJ", strings],
  ["'", lineAndString],
  ['"', lineAndString],
  ["Td", move],
  ["TD", move],
  ["T*", line],
  ["Tm", line],
  ["ET", line],
]);

const isForm = ({ value, stream }: PdfObject): boolean =>
  stream !== null && isDict(value) && nameOf(value.get("Subtype")) === "Form";

/** What Contents leads to: a stream, or several that count as one. §7.8.2 */
function contentsOf(pdf: PdfDocument, dict: Dict): PdfObject[] {
  const given = dict.get("Contents");
  const resolved = pdf.get(given);
  const list = Array.isArray(resolved) ? resolved.slice(0, mostDrawings) : [given];
  return list.flatMap((one) => {
    const object = one instanceof Ref ? pdf.object(one.to) : undefined;
    return object?.stream ? [object] : [];
  });
}

/** Every page that is in the file, whether or not the tree of pages leads to it. */
export function readText(pdf: PdfDocument, bounds: TextBounds): string {
  const pages = new Pages(pdf, bounds);
  for (const object of pdf.objects) {
    if (pages.isDone) break;
    if (!isDict(object.value)) continue;
    if (isForm(object)) pages.draw(object, [object]);
    else if (nameOf(object.value.get("Type")) === "Page") pages.draw(object, contentsOf(pdf, object.value));
  }
  return pages.text;
}
