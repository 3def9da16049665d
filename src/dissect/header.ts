/** A header block to fields, loosely: what any reader might take for a field is one. RFC 5322 §2.2. */
import { type Ends, findEnds } from "./header-ends.ts";
import type { Grade } from "./report.ts";

export interface Field {
  /** Lower case. */
  readonly name: string;
  /** Octets as latin1, unfolded, without blanks around. */
  readonly value: string;
  /** Some readers see no such field here. */
  readonly doubtful: boolean;
}

export interface Header {
  readonly fields: readonly Field[];
  /** Where the body starts, from the start of the block. */
  readonly bodyStart: number;
  /** Where it starts for readers that end the header elsewhere. */
  readonly otherStarts: readonly number[];
  /** Octets of the header that were not read because of the limit. */
  readonly unread: number;
  /** What is not as RFC 5322 wants it, as clauses for people, and how odd that is. */
  readonly oddities: ReadonlyMap<string, Grade>;
}

type Oddities = Map<string, Grade>;

const none = "no header";

/** The name before the colon, without the blanks and NULs that some readers forgive; null if this is no field. */
function fieldName(line: string): { readonly name: string; readonly clean: boolean } | null {
  const colon = line.indexOf(":");
  if (colon < 0 || colon > 200) return null;
  const raw = line.slice(0, colon);
  const name = raw.replace(/^(?:\xef\xbb\xbf)?[\s\0]+|^\xef\xbb\xbf|[\s\0]+$/g, "").replaceAll("\0", "");
  if (!/^[!-9;-~]+$/.test(name)) return null;
  return { name: name.toLowerCase(), clean: name === raw };
}

const isFold = (line: string): boolean => line.startsWith(" ") || line.startsWith("\t");
const isMailbox = (line: string): boolean => /^>?From /.test(line);
/** A parameter at the start of a line: a fold whose blank was lost; relays have repaired such fields. */
const lostFold = (line: string, field: { name: string } | undefined): boolean =>
  field?.name.startsWith("content-") === true && /^[\w*-]+\s*=/.test(line);
/** A field of MIME in a fold of another one, with a value that it could have: signatures list the mere names in folds. */
const hiddenField =
  /^[ \t\0]+(content-(?:type(?=[ \t\0]*:\s*["(]?[\w-]+\s*\/)|transfer-encoding(?=[ \t\0]*:\W*(?:base|quoted|x-|uu))|disposition(?=[ \t\0]*:\W*(?:attach|inline))))[ \t\0]*:(.*)$/i;

interface Open {
  readonly name: string;
  readonly value: string[];
  readonly doubtful: boolean;
}

class Reader {
  readonly fields: Open[] = [];
  /** Folded lines that look like fields by themselves. */
  readonly hidden: Open[] = [];
  readonly oddities: Oddities;
  #open = false;
  /** Behind a line that is none of a header some readers see no more fields. */
  #broken = false;

  constructor(oddities: Oddities) {
    this.oddities = oddities;
  }

  line(line: string, index: number): void {
    if (line === "") {
      this.#broken = true;
      return;
    }
    const last = this.fields.at(-1);
    if (this.#open && isFold(line)) {
      this.#fold(line, last);
      return;
    }
    const field = fieldName(line);
    this.#open = field !== null;
    if (field) this.#field(line, field);
    else if (last && lostFold(line, last)) {
      last.value.push(" ", line);
      this.#open = true;
      this.oddities.set("a folded line without its blank", "odd");
    } else if (!isMailbox(line)) {
      this.oddities.set("a line that is no field", "odd");
      this.#broken = true;
    } else if (index > 0) this.#broken = true;
  }

  #field(line: string, { name, clean }: { readonly name: string; readonly clean: boolean }): void {
    if (!clean) this.oddities.set("a field name with blanks, NULs or a byte order mark around it", "odd");
    const value = line.slice(line.indexOf(":") + 1);
    this.fields.push({ name, value: [value], doubtful: !clean || this.#broken });
  }

  #fold(line: string, last: Open | undefined): void {
    last?.value.push(line);
    if (line.trim() === "") this.#broken = true;
    const [, name, value = ""] = hiddenField.exec(line) ?? [];
    if (name === undefined) return;
    this.oddities.set("a folded line that is a field for some readers", "odd");
    this.hidden.push({ name: name.toLowerCase(), value: [value], doubtful: true });
  }
}

function readFields(text: string, oddities: Oddities): readonly Field[] {
  const bare = /\r(?!\n)/.test(text);
  if (bare) oddities.set("a bare CR, which some readers take for a line end", "odd");
  const reader = new Reader(oddities);
  text.split(/\r?\n|\r/).forEach((line, index) => {
    reader.line(line, index);
  });
  return [...reader.fields, ...reader.hidden].map(({ name, value, doubtful }) => ({
    name,
    value: value.join("").trim(),
    doubtful: doubtful || bare,
  }));
}

/** Where the body starts if no empty line ends the header: at the first line that is no field, else at the end. */
function bodyWithoutEmptyLine(text: string): number {
  for (let at = 0; at < text.length; ) {
    const lf = text.indexOf("\n", at);
    const end = lf < 0 ? text.length : lf;
    const line = text.slice(at, end);
    const isField = fieldName(line) !== null || (at > 0 && isFold(line)) || (at === 0 && isMailbox(line));
    if (!isField) return at;
    at = end + 1;
  }
  return text.length;
}

function withoutEmptyLine(bytes: Buffer, maxBytes: number, oddities: Oddities): Header {
  const text = bytes.toString("latin1", 0, Math.min(bytes.length, maxBytes));
  const bodyStart = bodyWithoutEmptyLine(text);
  if (bytes.length > 0) oddities.set(bodyStart > 0 ? "no empty line after the header" : none, "harmless");
  const unread = bodyStart === text.length ? bytes.length - text.length : 0;
  const fields = readFields(text.slice(0, bodyStart), oddities);
  return { fields, bodyStart: bodyStart + unread, otherStarts: [], unread, oddities };
}

function withEnds(bytes: Buffer, ends: Ends, maxBytes: number, oddities: Oddities): Header {
  const { first, others } = ends;
  const last = others.reduce((most, { end }) => Math.max(most, end), first.end);
  const end = Math.min(last, maxBytes);
  const sure = Math.min(first.end, end);
  const more = end > first.bodyStart ? readFields(bytes.toString("latin1", first.bodyStart, end), oddities) : [];
  const fields = [
    ...readFields(bytes.toString("latin1", 0, sure), oddities),
    ...more.map((field) => ({ ...field, doubtful: true })),
  ];
  // Text where a header should be: it is the body, as it stands.
  if (fields.length === 0 && first.end > 0 && last === end)
    return { fields, bodyStart: 0, otherStarts: [], unread: 0, oddities: new Map([[none, "harmless"]]) };
  const otherStarts = others.map(({ bodyStart }) => bodyStart);
  if (otherStarts.length > 0 && oddities.size === 0)
    oddities.set("an end of the header that not all readers see", "odd");
  return { fields, bodyStart: first.bodyStart, otherStarts, unread: last - end, oddities };
}

/** Total: any octets have a header, perhaps an empty one. At most `maxBytes` of it are read. */
export function parseHeader(bytes: Buffer, maxBytes = 1024 * 1024): Header {
  // A delimiter where a header should be: an encoded multipart that was decoded and is read by itself.
  if (bytes[0] === 0x2d && bytes[1] === 0x2d)
    return { fields: [], bodyStart: 0, otherStarts: [], unread: 0, oddities: new Map([[none, "harmless"]]) };
  const ends = findEnds(bytes, maxBytes);
  return ends ? withEnds(bytes, ends, maxBytes, new Map()) : withoutEmptyLine(bytes, maxBytes, new Map());
}

/** All values of one field, in order. */
export const valuesOf = (fields: readonly Field[], name: string): readonly string[] =>
  fields.filter((field) => field.name === name).map((field) => field.value);
