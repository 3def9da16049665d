/** From the codes of a font to text: by its ToUnicode map, a known encoding of Japanese, Chinese or Korean, or the names of its letters. ISO 32000-2 §9.6, §9.7, §9.10 */
import iconv from "iconv-lite";
import type { PdfDocument } from "./document.ts";
import { Lexer } from "./lexer.ts";
import { type Dict, isDict, Name, nameOf, Ref, type Value, Word } from "./values.ts";

export interface Font {
  text(codes: Buffer): string;
}

/** Names of ASCII characters that are longer than one letter, from the Adobe Glyph List. */
const glyphs: ReadonlyMap<string, string> = new Map(
  (
    "space  exclam ! quotedbl \" numbersign # dollar $ percent % ampersand & quotesingle ' quoteright ' quoteleft ` parenleft ( parenright ) " +
    "asterisk * plus + comma , hyphen - minus - period . slash / zero 0 one 1 two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 colon : " +
    "semicolon ; less < equal = greater > question ? at @ bracketleft [ backslash \\ bracketright ] asciicircum ^ underscore _ grave ` braceleft { " +
    "bar | braceright } asciitilde ~ fi fi fl fl ff ff"
  )
    .split(" ")
    .reduce((pairs: [string, string][], word, index, words) => {
      if (index % 2 === 0) pairs.push([word, words[index + 1] || " "]);
      return pairs;
    }, []),
);

/** Predefined maps whose codes are text in a charset of its own. §9.7.5.2 */
const charsets: readonly (readonly [RegExp, string])[] = [
  [/^Uni.*UTF16|^Uni.*UCS2/, "utf-16be"],
  [/^Uni.*UTF8/, "utf-8"],
  [/RKSJ/, "cp932"],
  [/^EUC-[HV]$/, "euc-jp"],
  [/^GBK|^GB-EUC|^GBKp/, "gbk"],
  [/^B5|^ETen/, "big5"],
  [/^KSC/, "cp949"],
];

const mostMapped = 100_000;
const mapBytes = 1024 * 1024;

const codeOf = (bytes: Value | undefined): number =>
  Buffer.isBuffer(bytes) && bytes.length >= 1 && bytes.length <= 4 ? bytes.readUIntBE(0, bytes.length) : -1;

const unicode = (bytes: Buffer): string =>
  Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString("utf16le");

/** The text after this one: the last unit is counted up. */
function following(first: Buffer, by: number): string {
  if (first.length < 2) return "";
  const copy = Buffer.from(first);
  copy.writeUInt16BE((copy.readUInt16BE(copy.length - 2) + by) & 0xffff, copy.length - 2);
  return unicode(copy);
}

function mapRange(texts: Map<number, string>, [from, to, target]: readonly (Value | undefined)[]): void {
  const [first, last] = [codeOf(from), codeOf(to)];
  if (first < 0 || last < first) return;
  for (let code = first; code <= last && texts.size < mostMapped; code++) {
    const one = Array.isArray(target) ? target[code - first] : target;
    if (!Buffer.isBuffer(one)) return;
    texts.set(code, Array.isArray(target) ? unicode(one) : following(one, code - first));
  }
}

function mapCharacters(texts: Map<number, string>, held: readonly (Value | undefined)[]): void {
  for (let i = 0; i + 1 < held.length && texts.size < mostMapped; i += 2) {
    const target = held[i + 1];
    if (Buffer.isBuffer(target)) texts.set(codeOf(held[i]), unicode(target));
  }
}

/** §9.10.3: the two operators that matter, wherever they stand. */
function readCodeMap(bytes: Buffer): Map<number, string> {
  const lexer = new Lexer(bytes, 0, Math.min(bytes.length, mapBytes));
  const texts = new Map<number, string>();
  let held: (Value | undefined)[] = [];
  for (let value = lexer.next(); value !== undefined; value = lexer.next()) {
    if (!(value instanceof Word)) {
      held.push(value);
      continue;
    }
    if (value.text === "endbfchar") mapCharacters(texts, held);
    if (value.text === "endbfrange") for (let i = 0; i + 2 < held.length; i += 3) mapRange(texts, held.slice(i, i + 3));
    held = [];
  }
  return texts;
}

function byMap(texts: ReadonlyMap<number, string>, bytesPerCode: 1 | 2, otherwise: (code: number) => string): Font {
  return {
    text(codes) {
      let out = "";
      for (let at = 0; at + bytesPerCode <= codes.length; at += bytesPerCode) {
        const code = codes.readUIntBE(at, bytesPerCode);
        out += texts.get(code) ?? otherwise(code);
      }
      return out;
    },
  };
}

/** Differences from the standard letters, by the names of glyphs. §9.6.5.1 */
function differences(items: readonly Value[]): Map<number, string> {
  const texts = new Map<number, string>();
  let code = 0;
  for (const item of items) {
    if (typeof item === "number") code = item;
    else if (item instanceof Name) {
      const hex = /^uni([0-9A-F]{4})$/.exec(item.text)?.[1];
      const text =
        item.text.length === 1
          ? item.text
          : (glyphs.get(item.text) ?? (hex && String.fromCharCode(Number.parseInt(hex, 16))));
      if (text !== undefined) texts.set(code, text);
      code++;
    }
  }
  return texts;
}

const windowsLetters = iconv.decode(Buffer.from(Array.from({ length: 256 }, (_, code) => code)), "windows-1252");
const windows = (code: number): string => windowsLetters[code] ?? "";
export const plainFont: Font = { text: (codes) => iconv.decode(codes, "windows-1252") };
/** Numbers of glyphs, which only the font's own program could turn into text. */
const unreadable: Font = { text: () => "" };

function byCharset(encoding: string): Font | null {
  const charset = charsets.find(([pattern]) => pattern.test(encoding))?.[1];
  return charset === undefined ? null : { text: (codes) => iconv.decode(codes, charset) };
}

/** §9.10.2 */
function byUnicodeMap(pdf: PdfDocument, map: Value | undefined, isComposite: boolean): Font | null {
  const object = map instanceof Ref ? pdf.object(map.to) : undefined;
  const got = object?.stream ? pdf.decode(object) : null;
  if (!got || !("bytes" in got)) return null;
  const texts = readCodeMap(got.bytes);
  return texts.size === 0 ? null : byMap(texts, isComposite ? 2 : 1, isComposite ? () => "" : windows);
}

export function readFont(pdf: PdfDocument, dict: Dict): Font {
  const isComposite = nameOf(pdf.get(dict.get("Subtype"))) === "Type0";
  const font = byUnicodeMap(pdf, dict.get("ToUnicode"), isComposite);
  if (font) return font;
  const encoding = pdf.get(dict.get("Encoding"));
  if (isComposite) return byCharset(nameOf(encoding)) ?? unreadable;
  const named = isDict(encoding) ? pdf.get(encoding.get("Differences")) : undefined;
  return Array.isArray(named) ? byMap(differences(named), 1, windows) : plainFont;
}
