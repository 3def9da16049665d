/** Binary workbooks: sheets, formulas of macros, links, text; as a stream of records, in a compound file or bare. [MS-XLS] §2.1.4, §2.4 */
import { columnName, type Dialect, formulaText } from "./excel-formula.ts";

export interface BiffSink {
  sheet(name: string, hidden: boolean, isMacro: boolean): void;
  /** A formula of a macro sheet, with its cell. */
  formula(line: string): void;
  /** A name by which a macro starts with the workbook. */
  start(name: string): void;
  text(piece: string): void;
  /** Another program that the workbook is linked to over DDE: program and topic. */
  dde(command: string): void;
  url(target: string): void;
}

const record = {
  formula: [0x0006, 0x0206, 0x0406],
  name: [0x0018, 0x0218],
  bof: [0x0009, 0x0209, 0x0409, 0x0809],
  continued: 0x003c,
  sheet: 0x0085,
  externalBook: 0x01ae,
  externalSheet: 0x0017,
  label: [0x0004, 0x0204],
  strings: 0x00fc,
  hyperlink: 0x01b8,
};
const macroSheet = 0x40;
const mostRecords = 2_000_000;
const encryptedMark = 0x2f;
const builtIn: Readonly<Record<number, string>> = {
  1: "Auto_Open",
  2: "Auto_Close",
  10: "Auto_Activate",
  11: "Auto_Deactivate",
};

interface State {
  readonly sink: BiffSink;
  dialect: Dialect;
  /** Of the sheet that is read now. */
  inMacros: boolean;
  readonly names: string[];
}

const u16 = (data: Buffer, at: number): number => (at + 2 <= data.length ? data.readUInt16LE(at) : 0);

/** A text whose length and width stand in front. §2.5.294, §2.5.268 */
function shortText(data: Buffer, at: number, dialect: Dialect): string {
  const length = data[at] ?? 0;
  if (dialect === "old") return data.toString("latin1", at + 1, at + 1 + length);
  const wide = ((data[at + 1] ?? 0) & 1) !== 0;
  return data.toString(wide ? "utf16le" : "latin1", at + 2, at + 2 + length * (wide ? 2 : 1));
}

/** §2.4.21: what kind of sheet begins, and in which version. */
function begin(state: State, id: number, data: Buffer): void {
  const version = u16(data, 0);
  state.dialect = id === 0x0809 && version >= 0x0600 ? "biff8" : "old";
  state.inMacros = u16(data, 2) === macroSheet;
}

/** Row, column, format, value of eight octets, flags; since BIFF5 four octets more; then the expression. §2.4.127 */
function takeFormula({ sink, dialect, inMacros, names }: State, id: number, data: Buffer): void {
  if (!inMacros) return;
  const at = id === 0x0006 ? 20 : 16;
  const body = data.subarray(at + 2, at + 2 + u16(data, at));
  const cell = `${columnName(u16(data, 2) & 0x3fff)}${u16(data, 0) + 1}`;
  sink.formula(`${cell}: =${formulaText(body, dialect, names)}`);
}

/** §2.4.150; in BIFF5 the same without the width of the name. */
function takeName({ sink, dialect, names }: State, data: Buffer): void {
  const flags = u16(data, 0);
  const length = data[3] ?? 0;
  const wide = dialect === "biff8" && ((data[14] ?? 0) & 1) !== 0;
  const from = dialect === "biff8" ? 15 : 14;
  const name = data.toString(wide ? "utf16le" : "latin1", from, from + length * (wide ? 2 : 1));
  const known = (flags & 0x20) !== 0 ? builtIn[name.charCodeAt(0)] : undefined;
  names.push(known ?? name);
  // Excel goes by how a name begins.
  if (known !== undefined || /^auto_?(?:open|close|activate)/i.test(name)) sink.start(known ?? name);
}

/** §2.4.28 */
function takeSheet({ sink, dialect }: State, data: Buffer): void {
  const hidden = ((data[4] ?? 0) & 3) !== 0;
  sink.sheet(shortText(data, 6, dialect), hidden, data[5] === 1);
}

/** A program and its topic are parted by 0x03. §2.4.271, §2.5.277 */
function takeLink({ sink }: State, path: string): void {
  const [program = "", topic] = path.split("\x03");
  if (topic !== undefined) sink.dde(`${program} ${topic}`.trim());
  else if (/^[\x01-\x06]?.*(?:\/\/|\\\\)/.test(path)) sink.url(path.replaceAll(/[\x00-\x1f]/g, ""));
}

function takeExternal(state: State, data: Buffer): void {
  const length = u16(data, 2);
  // 0x0401 and 0x3a01: the workbook itself, or an add-in.
  if (length === 0 || length > 0xff) return;
  const wide = ((data[4] ?? 0) & 1) !== 0;
  takeLink(state, data.toString(wide ? "utf16le" : "latin1", 5, 5 + length * (wide ? 2 : 1)));
}

/** Reads on from one record to those that continue it. */
class Pieces {
  readonly #pieces: readonly Buffer[];
  #piece = 0;
  #at = 0;

  constructor(pieces: readonly Buffer[], at: number) {
    this.#pieces = pieces;
    this.skip(at);
  }

  get #data(): Buffer {
    return this.#pieces[this.#piece] ?? Buffer.alloc(0);
  }

  get isOver(): boolean {
    return this.#piece >= this.#pieces.length;
  }

  skip(count: number): void {
    this.#at += count;
    while (!this.isOver && this.#at >= this.#data.length) {
      this.#at -= this.#data.length;
      this.#piece++;
    }
  }

  number(size: 1 | 2 | 4): number {
    const data = this.#data;
    const value = this.#at + size <= data.length ? data.readUIntLE(this.#at, size) : 0;
    this.skip(size);
    return value;
  }

  /** Where a text goes on in the next record, that begins with the width of its characters. */
  text(length: number, isWide: boolean): string {
    let size = isWide ? 2 : 1;
    let out = "";
    for (let left = length; left > 0 && !this.isOver; ) {
      const data = this.#data;
      const here = Math.min(left, Math.floor((data.length - this.#at) / size));
      out += data.toString(size === 2 ? "utf16le" : "latin1", this.#at, this.#at + here * size);
      left -= here;
      const before = this.#piece;
      this.skip(Math.max(here, left > 0 ? 1 : 0) * size);
      if (left > 0 && this.#piece === before) this.skip(data.length - this.#at);
      if (left > 0) size = (this.number(1) & 1) !== 0 ? 2 : 1;
    }
    return out;
  }
}

/** Texts of all cells, over as many records as it takes. §2.4.265, §2.5.293 */
function takeStrings({ sink }: State, records: readonly Buffer[]): void {
  const pieces = new Pieces(records, 8);
  while (!pieces.isOver) {
    const length = pieces.number(2);
    const flags = pieces.number(1);
    const runs = (flags & 8) !== 0 ? pieces.number(2) : 0;
    const extra = (flags & 4) !== 0 ? pieces.number(4) : 0;
    sink.text(`${pieces.text(length, (flags & 1) !== 0)}\n`);
    pieces.skip(runs * 4 + extra);
  }
}

/** Records by their number; what a record goes on with in the next ones is only of interest for texts. */
export function readBiff(bytes: Buffer, sink: BiffSink): void {
  const state: State = { sink, dialect: "old", inMacros: false, names: [] };
  let at = 0;
  for (let left = mostRecords; at + 4 <= bytes.length && left > 0; left--) {
    const id = bytes.readUInt16LE(at);
    const size = bytes.readUInt16LE(at + 2);
    const data = bytes.subarray(at + 4, at + 4 + size);
    at += 4 + size;
    // The rest is encrypted.
    if (id === encryptedMark && size > 2) return;
    if (id === record.strings) {
      const pieces = [data];
      for (
        ;
        at + 4 <= bytes.length && bytes.readUInt16LE(at) === record.continued;
        at += 4 + bytes.readUInt16LE(at + 2)
      )
        pieces.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt16LE(at + 2)));
      takeStrings(state, pieces);
    } else takers.get(id)?.(state, data, id);
  }
}

const takers: ReadonlyMap<number, (state: State, data: Buffer, id: number) => void> = new Map([
  ...record.bof.map((id) => [id, (state: State, data: Buffer) => begin(state, id, data)] as const),
  ...record.formula.map((id) => [id, (state: State, data: Buffer) => takeFormula(state, id, data)] as const),
  ...record.name.map((id) => [id, takeName] as const),
  ...record.label.map((id) => [id, takeLabel] as const),
  [record.sheet, takeSheet],
  [record.externalBook, takeExternal],
  [record.externalSheet, takeOldExternal],
  [record.hyperlink, ({ sink }: State, data: Buffer) => hyperlinks(data).forEach((url) => sink.url(url))],
]);

function takeLabel({ sink }: State, data: Buffer): void {
  sink.text(`${data.toString("latin1", 8).replaceAll(/[\x00-\x1f]/g, "")}\n`);
}

function takeOldExternal(state: State, data: Buffer): void {
  if (state.dialect === "old") takeLink(state, data.toString("latin1", 2, 2 + (data[0] ?? 0)));
}

/** Addresses within a hyperlink, in UTF-16. [MS-OSHARED] §2.3.7.1 */
const hyperlinks = (data: Buffer): readonly string[] =>
  data.toString("utf16le").match(/(?:https?|ftp|file|mailto):[\x21-\x7e]{3,1000}/g) ??
  (data.length % 2 === 0 ? [] : hyperlinks(data.subarray(1)));

/** Whether bare records of a workbook begin here, as Excel opens them without a compound file around. §2.4.21 */
export function isBareBiff(bytes: Buffer): boolean {
  if (bytes.length < 10 || !record.bof.includes(u16(bytes, 0))) return false;
  const size = u16(bytes, 2);
  const kind = u16(bytes, 6);
  return (
    (size === 4 || size === 6 || size === 8 || size === 16) && [0x05, 0x06, 0x10, 0x20, 0x40, 0x0100].includes(kind)
  );
}
