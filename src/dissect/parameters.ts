/** Parameters of Content-Type and Content-Disposition: RFC 2045 §5.1 and RFC 2231, and the ways in which both are done wrong. */

export interface Parameter {
  /** Lower case, without the marks of RFC 2231. */
  readonly name: string;
  /** Every value that a reader may take it for, as octets (latin1), the most plausible first. */
  readonly values: readonly string[];
  /** The charset that RFC 2231 states; null if the value is plain. */
  readonly charset: string | null;
}

export interface Parameters {
  /** Before the first semicolon, without comments, as it is written. */
  readonly main: string;
  readonly list: readonly Parameter[];
  /** More parameters than are read; the rest was left out. */
  readonly overflow: boolean;
}

const mostParameters = 500;

interface RawParameter {
  readonly name: string;
  readonly values: readonly string[];
}

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
export function stripComments(text: string): string {
  if (!text.includes("(")) return text;
  let out = "";
  let from = 0;
  for (let i = 0; i < text.length; ) {
    if (text[i] === '"') i = readQuoted(text, i)?.end ?? text.length;
    else if (text[i] === "(") {
      const end = skipComment(text, i);
      if (end < 0) break;
      out += `${text.slice(from, i)} `;
      from = i = end;
    } else i++;
  }
  return out + text.slice(from);
}

function readValue(text: string, at: number): { readonly end: number; readonly values: readonly string[] } {
  const semicolon = text.indexOf(";", at);
  const end = semicolon < 0 ? text.length : semicolon;
  const plain = text.slice(at, end).trim();
  if (text[at] !== '"') {
    const cut = /^[^\s,"]*/.exec(plain)?.[0] ?? "";
    // A comma list, a blank in an unquoted name: some readers stop there, others do not.
    return { end, values: cut === "" || cut === plain ? [plain] : [plain, cut] };
  }
  const quoted = readQuoted(text, at);
  if (!quoted) return { end, values: [plain.replace(/^"|"$/g, "")] };
  const next = text.indexOf(";", quoted.end);
  const behind = text.slice(quoted.end, next < 0 ? text.length : next).trim();
  const raw = text.slice(at + 1, quoted.end - 1);
  const values = [quoted.value, raw, ...(behind === "" ? [] : [quoted.value + behind.replace(/"$/, "")])];
  return { end: next < 0 ? text.length : next, values };
}

/** Where the value starts; blanks around the equals sign are forgiven. */
function valueStart(text: string, equals: number): number {
  let from = equals + 1;
  while (text[from] === " " || text[from] === "\t") from++;
  return from;
}

function readRaw(text: string): { readonly list: readonly RawParameter[]; readonly overflow: boolean } {
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
    const name = /[^\s,]*$/.exec(text.slice(Math.max(at, equals - 200), equals).trimEnd())?.[0] ?? "";
    const { end, values } = readValue(text, valueStart(text, equals));
    list.push({ name: name.toLowerCase().replaceAll("\0", ""), values });
    at = end + 1;
  }
  return { list, overflow: false };
}

/** `%41` to the octet it stands for. */
export const unescapePercent = (text: string): string =>
  text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

interface Section {
  readonly index: number;
  readonly extended: boolean;
  readonly text: string;
}

/** `name*0*`, `name*1` … to one value; the charset stands in front of the first extended section. RFC 2231 §3, §4. */
function join(name: string, sections: readonly Section[]): Parameter {
  let charset: string | null = null;
  const ordered = [...sections].sort((a, b) => a.index - b.index);
  let value = "";
  let escaped = "";
  for (const { extended, text } of ordered) {
    if (extended) {
      const start: readonly string[] = charset === null ? (/^([^']*)'[^']*'/.exec(text) ?? []) : [];
      charset ??= start[1] ?? "";
      // Not unescaped yet: some senders cut inside of `%41`.
      escaped += text.slice(start[0]?.length ?? 0);
    } else {
      value += unescapePercent(escaped) + text;
      escaped = "";
    }
  }
  return { name, values: [value + unescapePercent(escaped)], charset };
}

/** Plain parameters, and the sections of extended ones by name; the same section twice is two claims, not one longer value. */
function sort(raw: readonly RawParameter[]): readonly [readonly Parameter[], readonly Parameter[]] {
  const plain: Parameter[] = [];
  const sections = new Map<string, Section[]>();
  for (const { name, values } of raw) {
    const [, base, index, star] = /^([^*]+)\*(?:(\d{1,4})(\*?))?$/.exec(name) ?? [];
    if (base === undefined) {
      plain.push({ name, values, charset: null });
      continue;
    }
    const extended = index === undefined || star === "*";
    const section = { index: Number(index ?? 0), extended, text: values[0] ?? "" };
    const list = sections.get(base) ?? [];
    if (list.some((other) => other.index === section.index)) sections.set(`${base}*${sections.size}`, [section]);
    else sections.set(base, [...list, section]);
  }
  return [[...sections].map(([name, list]) => join(name.split("*")[0] ?? name, list)), plain];
}

/** Where the parameters start: at the first semicolon, or at a blank where that semicolon is missing. */
function mainEnd(text: string): number {
  const semicolon = text.indexOf(";");
  const main = semicolon < 0 ? text : text.slice(0, semicolon);
  const lost = semicolon < 0 || main.includes("=") ? main.search(/\s/) : -1;
  return lost < 0 ? main.length : lost;
}

/** Splits a field's value (octets as latin1). Extended parameters come before plain ones, since readers prefer them. Total. */
export function parseParameters(field: string): Parameters {
  const text = stripComments(field).trim();
  const end = mainEnd(text);
  const { list, overflow } = readRaw(text.slice(end));
  const [extended, plain] = sort(list);
  return { main: text.slice(0, end).trim(), list: [...extended, ...plain], overflow };
}
