/** Parameters of Content-Type and Content-Disposition: RFC 2045 §5.1 and RFC 2231, and the ways in which both are done wrong. */
import { joinSections, type Parameter, type RawParameter } from "./continuations.ts";

export interface Parameters {
  /** Before the first semicolon, without comments, as it is written. */
  readonly main: string;
  readonly list: readonly Parameter[];
  /** More parameters than are read; the rest was left out. */
  readonly overflow: boolean;
}

const mostParameters = 500;

/** The end of a comment that starts at `at`; comments nest. RFC 5322 §3.2.2. */
function skipComment(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const char = text[i];
    if (char === "\\") i++;
    else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return i + 1;
  }
  return -1;
}

/** First octets of Shift_JIS pairs. The second one may be a backslash (of 表, 申, ソ …), which then quotes nothing. */
const isLead = (char: string): boolean => (char >= "\x81" && char <= "\x9f") || (char >= "\xe0" && char <= "\xfc");
const endOfUtf8 = /(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})$/;
const isPair = (text: string, at: number): boolean =>
  text[at + 1] === "\\" && isLead(text[at] ?? "") && !endOfUtf8.test(text.slice(Math.max(0, at - 3), at + 1));

/** A quoted value that opens at `at`: its end (behind the closing quote), and its text without quoting. */
function readQuoted(text: string, at: number): { readonly end: number; readonly value: string } | null {
  let value = "";
  for (let i = at + 1; i < text.length; i++) {
    const char = text[i] as string;
    if (char === '"') return { end: i + 1, value };
    const pair = isPair(text, i);
    if (pair || (char === "\\" && i + 1 < text.length)) value += (pair ? char : "") + text[++i];
    else value += char;
  }
  return null;
}

/** Without comments outside of quotes; a comment that never ends is text. */
export function stripComments(text: string, instead = " "): string {
  if (!text.includes("(")) return text;
  let out = "";
  let from = 0;
  for (let i = 0; i < text.length; ) {
    if (text[i] === '"') i = readQuoted(text, i)?.end ?? text.length;
    else if (text[i] === "(") {
      const end = skipComment(text, i);
      if (end < 0) break;
      out += `${text.slice(from, i)}${instead}`;
      from = i = end;
    } else i++;
  }
  return out + text.slice(from);
}

interface Value {
  /** Where the next parameter may start. */
  readonly end: number;
  readonly values: readonly string[];
}

/** A comma list, a blank in an unquoted name: some readers stop there, others do not. Behind a blank there may be a parameter whose semicolon is missing. */
function readPlain(text: string, at: number, semicolon: number): Value {
  const plain = text.slice(at, semicolon).trim();
  const cut = /^[^\s,"]*/.exec(plain)?.[0] ?? "";
  const lost = /\s[\w*.-]+\s*=/.exec(plain);
  const end = lost ? at + text.slice(at, semicolon).indexOf(plain) + lost.index - 1 : semicolon;
  return { end, values: cut === "" || cut === plain ? [plain] : [plain, cut] };
}

function readValue(text: string, at: number): Value {
  const semicolon = text.indexOf(";", at);
  const end = semicolon < 0 ? text.length : semicolon;
  if (text[at] !== '"') return readPlain(text, at, end);
  const quoted = readQuoted(text, at);
  if (!quoted) {
    const plain = text.slice(at, end).trim();
    return { end, values: [...new Set([plain.replace(/^"|"$/g, ""), plain, text.slice(at + 1).trim()])] };
  }
  const next = text.indexOf(";", quoted.end);
  const behind = text.slice(quoted.end, next < 0 ? text.length : next).trim();
  const raw = text.slice(at + 1, quoted.end - 1);
  const more = behind === "" ? [] : [quoted.value + behind.replace(/"$/, ""), behind, `"${raw}"${behind}`];
  const lost = /^[\s,]*[\w*.-]+\s*=/.test(behind);
  return { end: lost ? quoted.end - 1 : next < 0 ? text.length : next, values: [quoted.value, raw, ...more] };
}

/** Where the value starts; blanks around the equals sign are forgiven. */
function valueStart(text: string, equals: number): number {
  let from = equals + 1;
  while (text[from] === " " || text[from] === "\t") from++;
  return from;
}

function readRaw(
  text: string,
  doubtful: boolean,
): { readonly list: readonly RawParameter[]; readonly overflow: boolean } {
  const list: RawParameter[] = [];
  let equals = -1;
  for (let at = 0; at < text.length; ) {
    if (list.length === mostParameters) return { list, overflow: true };
    // Not searched again until it is behind us: many semicolons before one sign must not cost a search each.
    if (equals < at) equals = text.indexOf("=", at);
    if (equals < 0) break;
    const semicolon = text.indexOf(";", at);
    if (semicolon >= 0 && semicolon < equals) {
      at = semicolon + 1;
      continue;
    }
    // A missing semicolon leaves words in front of the name: the last one counts.
    const name = /[^\s,"]*$/.exec(text.slice(Math.max(at, equals - 200), equals).trimEnd())?.[0] ?? "";
    const { end, values } = readValue(text, valueStart(text, equals));
    list.push({ name: name.toLowerCase().replaceAll("\0", ""), values, doubtful });
    at = Math.max(end + 1, equals + 1);
  }
  return { list, overflow: false };
}

/** Readers that know no quotes, and those that know no comments, see other parameters where either holds a sign of the grammar. */
function otherTexts(field: string, text: string): readonly string[] {
  const others: string[] = [];
  if (field !== text && !field.includes("\\")) others.push(field);
  if (/"[^"]*;[^"]*=/.test(text.slice(0, 4000))) others.push(text.replaceAll('"', ""));
  return others;
}

/** Where the parameters start: at the first semicolon, or at a blank where that semicolon is missing. */
function mainEnd(text: string): number {
  const semicolon = text.indexOf(";");
  const main = semicolon < 0 ? text : text.slice(0, semicolon);
  const lost = semicolon < 0 || main.includes("=") ? main.search(/\s/) : -1;
  return lost < 0 ? main.length : lost;
}

const keyOf = ({ name, values }: RawParameter): string => `${name}=${values[0] ?? ""}`;

/** Splits a field's value (octets as latin1). Extended parameters come before plain ones, since readers prefer them. Total. */
export function parseParameters(field: string): Parameters {
  const text = stripComments(field).trim();
  const end = mainEnd(text);
  const first = readRaw(text.slice(end), false);
  const known = new Set(first.list.map(keyOf));
  const others = otherTexts(field, text).flatMap((other) =>
    readRaw(other.slice(mainEnd(other)), true).list.filter((raw) => !known.has(keyOf(raw))),
  );
  return {
    main: text.slice(0, end).trim(),
    list: joinSections([...first.list, ...others]),
    overflow: first.overflow,
  };
}
