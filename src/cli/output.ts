/** What a command says: tables for people, JSON for programs, and no character of a message that could move a cursor. */
import { styleText } from "node:util";

/** Controls, format characters (bidirectional overrides, joiners, tags), line separators, private use, and letters that look like nothing. */
const hostile = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f\uffa0]/gu;

/** The sender's text, harmless on a terminal: hostile characters are shown by their number. */
export const safe = (text: string): string =>
  text.replaceAll(hostile, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);

const utf16 = (char: string): string =>
  [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");

/** Valid JSON in which the same characters are escaped; JSON itself leaves most of them as they are. */
export const safeJson = (value: unknown): string =>
  JSON.stringify(value, null, 2).replaceAll(hostile, (char) => (char === "\n" ? char : utf16(char)));

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns on a terminal: East Asian wide characters take two, combining marks none (Unicode UAX 11). */
export function width(text: string): number {
  let columns = 0;
  for (const char of text) columns += wide.test(char) ? 2 : /\p{M}/u.test(char) ? 0 : 1;
  return columns;
}

/** As much as fits, with an ellipsis in the place of the rest. The text is harmless already. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let cut = "";
  for (const char of text) {
    if (width(cut + char) >= columns) break;
    cut += char;
  }
  return `${cut}…`;
}

/** On paper, in a pipe, in a window that is wider. */
export const lineColumns = 118;

/** Lines of words, each behind so many blanks; a word that is too long has a line of its own. */
export function wrap(text: string, indent: number, columns: number = lineColumns): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    const longer = last === undefined ? "" : `${last} ${word}`;
    if (last !== undefined && width(safe(longer)) + indent <= columns) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => " ".repeat(indent) + line);
}

export type Cell = string | number | boolean | null;
const cell = (value: Cell): string => (value === null ? "-" : safe(String(value)));

/** Aligned columns, numbers to the right, nothing behind the last one. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [head, ...rows.map((row) => row.map(cell))];
  const widths = head.map((_, c) => Math.max(...lines.map((line) => width(line[c] ?? ""))));
  const isNumber = head.map((_, c) => rows.length > 0 && rows.every((row) => typeof row[c] === "number"));
  const pad = (text: string, c: number): string => {
    const space = " ".repeat((widths[c] ?? 0) - width(text));
    return isNumber[c] ? space + text : text + space;
  };
  return lines.map((line) => line.map(pad).join("  ").trimEnd()).join("\n");
}

/** A stream; of a terminal it says so, and how wide that is. */
export interface Writer {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Colours of whatever the terminal has; styleText of node:util has the words. */
export type Paint = (style: Style, text: string) => string;
export type Style = "plain" | "dim" | "bold" | "red" | "yellow" | "cyan" | "green" | "magenta";
export const noPaint: Paint = (_style, text) => text;
const paint: Paint = (style, text) =>
  style === "plain" || text === "" ? text : styleText(style, text, { validateStream: false });
const narrowest = 60;

export class Output {
  readonly #out: Writer;
  readonly #err: Writer;
  readonly #isJson: () => boolean;

  constructor(out: Writer, err: Writer, isJson: () => boolean) {
    this.#out = out;
    this.#err = err;
    this.#isJson = isJson;
  }

  get isJson(): boolean {
    return this.#isJson();
  }

  /** In colours only on a terminal that wants them (NO_COLOR, https://no-color.org). */
  get paint(): Paint {
    const { NO_COLOR = "", TERM } = process.env;
    return this.#out.isTTY === true && NO_COLOR === "" && TERM !== "dumb" ? paint : noPaint;
  }

  /** Of the terminal, within reason. */
  get columns(): number {
    return Math.min(lineColumns, Math.max(narrowest, this.#out.columns ?? lineColumns));
  }

  /** The result of a command: `value` for programs, `text` for people. The caller has made the text safe. */
  result(value: unknown, text: () => string): void {
    this.#out.write(`${this.isJson ? safeJson(value) : text()}\n`);
  }

  /** One line beside the result, on standard error. */
  note(text: string): void {
    this.#err.write(`${text}\n`);
  }
}
