/** Walks through RTF as tolerantly as Word does: groups, control words, binary runs, text between. RTF 1.9.1 "Basic Entities", "Conventions of an RTF Reader" */

export interface RtfReader {
  open(at: number): void;
  close(at: number): void;
  /** `value` is null if the word has no number. */
  word(name: string, value: number | null, at: number): void;
  /** One octet as \'hh. */
  octet(value: number): void;
  text(from: number, to: number): void;
  binary(from: number, to: number): void;
  /** The next word says how to read this group, and may be skipped. */
  optional(): void;
}

const marks = /[{}\\]/g;
const controlWord = /([a-zA-Z]{1,64})(-?\d{1,32})? ?/y;

/** What follows a backslash. Returns where it ends. */
function control(text: string, at: number, reader: RtfReader): number {
  controlWord.lastIndex = at + 1;
  const found = controlWord.exec(text);
  if (!found) return symbol(text, at, reader);
  const [, name = "", digits] = found;
  const end = controlWord.lastIndex;
  const value = digits === undefined ? null : Number(digits);
  reader.word(name, value, at);
  if (name !== "bin" || value === null || value <= 0) return end;
  const stop = Math.min(text.length, end + value);
  reader.binary(end, stop);
  return stop;
}

function symbol(text: string, at: number, reader: RtfReader): number {
  const next = text.charAt(at + 1);
  if (next === "*") reader.optional();
  else if (next === "'") {
    const value = Number.parseInt(text.slice(at + 2, at + 4), 16);
    if (Number.isInteger(value)) reader.octet(value);
    return Math.min(text.length, at + 4);
  } else if (next === "\\" || next === "{" || next === "}") reader.text(at + 1, at + 2);
  return Math.min(text.length, at + 2);
}

/** `text` has one character for each octet. */
export function walkRtf(text: string, reader: RtfReader): void {
  let at = 0;
  while (at < text.length) {
    marks.lastIndex = at;
    const mark = marks.exec(text)?.index ?? text.length;
    if (mark > at) reader.text(at, mark);
    if (mark >= text.length) return;
    const one = text.charAt(mark);
    at = mark + 1;
    if (one === "{") reader.open(mark);
    else if (one === "}") reader.close(mark);
    else at = control(text, mark, reader);
  }
}
