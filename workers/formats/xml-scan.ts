/** Walks through XML without building anything: tags and the text between them, however damaged. No DTD, no entities but the five and numbers. XML 1.0 §2.3–2.4, §4.1 */

export interface XmlTag {
  /** Without its prefix. */
  readonly name: string;
  readonly closing: boolean;
  /** Ends at once. */
  readonly empty: boolean;
  /** What stands between name and end. */
  readonly raw: string;
  /** Where it begins, and the first character behind it. */
  readonly start: number;
  readonly end: number;
}

/** What to do with what comes; `false` ends the walk. */
export interface XmlReader {
  tag(tag: XmlTag): boolean;
  text(raw: string): boolean;
}

const longestTag = 256 * 1024;
const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function character(code: number): string {
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
}

export function unescapeXml(raw: string): string {
  if (!raw.includes("&")) return raw;
  return raw.replaceAll(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(\w{2,4}));/g, (all, decimal, hex, name) => {
    if (decimal !== undefined) return character(Number(decimal));
    if (hex !== undefined) return character(Number.parseInt(String(hex), 16));
    return named[String(name)] ?? String(all);
  });
}

const value = /=\s*(?:"([^"]*)"|'([^']*)')/g;
const longestName = 100;

/** The value of an attribute by its name without prefix, "" if there is none. Goes by the equals signs, whatever else stands in the tag. */
export function attribute({ raw }: Pick<XmlTag, "raw">, name: string): string {
  for (const found of raw.matchAll(value)) {
    const before = raw.slice(Math.max(0, found.index - longestName), found.index).trimEnd();
    if (!before.endsWith(name) || /[\w.-]$/.test(before.slice(0, -name.length))) continue;
    return unescapeXml(found[1] ?? found[2] ?? "");
  }
  return "";
}

/** The end of a tag: behind the first ">" that stands in no value. */
function endOfTag(text: string, from: number): number {
  let quote = "";
  const last = Math.min(text.length, from + longestTag);
  for (let at = from; at < last; at++) {
    const one = text.charAt(at);
    if (quote !== "") quote = one === quote ? "" : quote;
    else if (one === ">") return at + 1;
    else if (one === '"' || one === "'") quote = one;
  }
  // A quote that nothing closes: readers differ; the first end is taken.
  const first = text.indexOf(">", from);
  return first < 0 ? text.length : first + 1;
}

/** What begins with "<!" or "<?": character data is text, all else is skipped. Returns where it ends. */
function special(text: string, at: number, reader: XmlReader): number {
  const isData = text.startsWith("<![CDATA[", at);
  const closes = isData ? "]]>" : text.startsWith("<!--", at) ? "-->" : text.startsWith("<?", at) ? "?>" : ">";
  const found = text.indexOf(closes, at + 2);
  const end = found < 0 ? text.length : found + closes.length;
  const stop = isData && !reader.text(text.slice(at + 9, found < 0 ? text.length : found).replaceAll("&", "&amp;"));
  return stop ? text.length + 1 : end;
}

const nameEnd = /[\s/>]/g;

function readTag(text: string, start: number): XmlTag {
  const closing = text.charAt(start + 1) === "/";
  const from = start + (closing ? 2 : 1);
  nameEnd.lastIndex = from;
  const to = nameEnd.exec(text)?.index ?? text.length;
  const full = text.slice(from, Math.min(to, from + 200));
  const end = text.charAt(to) === ">" ? to + 1 : endOfTag(text, to);
  const empty = text.charAt(end - 2) === "/";
  return { name: full.slice(full.indexOf(":") + 1), closing, empty, raw: text.slice(to, end - 1), start, end };
}

export function walkXml(text: string, reader: XmlReader): void {
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf("<", at);
    if (start !== at && !reader.text(text.slice(at, start < 0 ? text.length : start))) return;
    if (start < 0) return;
    const next = text.charCodeAt(start + 1);
    if (next === 0x21 || next === 0x3f) {
      at = special(text, start, reader);
      continue;
    }
    const tag = readTag(text, start);
    if (!reader.tag(tag)) return;
    at = tag.end;
  }
}

/** The name of the outermost element, without prefix; "" if the text does not begin with one. */
export function rootOf(text: string): string {
  let name = "";
  walkXml(
    text
      .slice(0, 16_384)
      .replace(/^\uFEFF/, "")
      .trimStart(),
    {
      tag: (tag) => {
        name = tag.name;
        return false;
      },
      text: (raw) => raw.trim() === "",
    },
  );
  return name;
}
