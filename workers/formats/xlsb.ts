/** Binary parts of xlsb workbooks: formulas of macro sheets, names, hidden sheets, texts. [MS-XLSB] §2.1.4, §2.3 */
import { columnName, formulaText } from "./excel-formula.ts";
import type { BiffSink } from "./biff.ts";

const record = { row: 0, name: 39, text: 19, sheet: 156, book: 360 };
/** Cells with a formula, and how many octets their value has; -1: a text. §2.4.672–676 */
const formulas: ReadonlyMap<number, number> = new Map([
  [8, -1],
  [9, 8],
  [10, 1],
  [11, 1],
]);
const mostRecords = 2_000_000;
/** What only macros may call. */
const macroOnly =
  /\b(?:EXEC|CALL|REGISTER|HALT|GOTO|RETURN|FOPEN|FWRITE(?:LN)?|SET\.(?:NAME|VALUE)|FORMULA|RUN|ALERT|COMMAND\.\d+|GET\.\w+|INITIATE|EXECUTE)\(/;

/** A number of up to so many octets of seven bits, and where it ends. §2.1.4 */
function sevenBits(bytes: Buffer, at: number, most: number): readonly [value: number, end: number] {
  let value = 0;
  for (let i = 0; i < most; i++) {
    const octet = bytes[at + i] ?? 0;
    value += (octet & 0x7f) * 2 ** (7 * i);
    if (octet < 0x80) return [value, at + i + 1];
  }
  return [value, at + most];
}

/** A text with its length in front. §2.5.169 */
function wideText(data: Buffer, at: number): readonly [text: string, end: number] {
  const length = at + 4 <= data.length ? data.readUInt32LE(at) : 0;
  if (length === 0xffffffff) return ["", at + 4];
  const end = Math.min(data.length, at + 4 + length * 2);
  return [data.toString("utf16le", at + 4, end), end];
}

const u32 = (data: Buffer, at: number): number => (at + 4 <= data.length ? data.readUInt32LE(at) : 0);

/** How a workbook, a sheet, the texts and a link begin: by their record in octets. */
const beginnings = new Set([0x0183, 0x0181, 0x019f, 0x02e8]);
export const isXlsbPart = (bytes: Buffer): boolean => bytes.length > 8 && beginnings.has(bytes.readUInt16LE(0));

/** §2.4.675: value, flags, expression. */
function expression(id: number, data: Buffer): Buffer {
  const size = formulas.get(id) ?? 0;
  const at = size < 0 ? wideText(data, 8)[1] : 8 + size;
  return data.subarray(at + 6, at + 6 + u32(data, at + 2));
}

function takeName(data: Buffer, sink: BiffSink): string {
  const [name] = wideText(data, 9);
  if (/^(?:_xlnm\.)?auto_?(?:open|close|activate)/i.test(name)) sink.start(name);
  return name;
}

interface State {
  readonly sink: BiffSink;
  readonly names: string[];
  readonly lines: string[];
  row: number;
}

function takeRecord({ sink, names, lines, row }: State, id: number, data: Buffer): void {
  if (id === record.name) names.push(takeName(data, sink));
  else if (id === record.text) sink.text(`${wideText(data, 1)[0]}\n`);
  else if (id === record.sheet && (u32(data, 0) & 3) !== 0) sink.sheet("", true, false);
  else if (id === record.book && data.length > 2 && data.readUInt16LE(0) === 1) {
    const [program, end] = wideText(data, 2);
    sink.dde(`${program} ${wideText(data, end)[0]}`);
  } else if (formulas.has(id)) {
    const cell = `${columnName(u32(data, 0) & 0x3fff)}${row + 1}`;
    lines.push(`${cell}: =${formulaText(expression(id, data), "xlsb", names)}`);
  }
}

/** Sheets of macros look like any other: they are told by functions that only macros may call. */
export function readXlsb(bytes: Buffer, sink: BiffSink): void {
  const state: State = { sink, names: [], lines: [], row: 0 };
  let at = 0;
  for (let left = mostRecords; at < bytes.length && left > 0; left--) {
    const [id, sizeAt] = sevenBits(bytes, at, 2);
    const [size, from] = sevenBits(bytes, sizeAt, 4);
    const data = bytes.subarray(from, from + size);
    at = from + size;
    if (id === record.row) state.row = u32(data, 0);
    else takeRecord(state, id, data);
  }
  if (state.lines.some((line) => macroOnly.test(line))) for (const line of state.lines) sink.formula(line);
}
