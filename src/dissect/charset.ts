/** Octets of a header to text: by a declared charset, or by every charset that raw octets may be in. */
import iconv from "iconv-lite";
import { decodeHz, decodeIso2022 } from "./iso-2022.ts";

/** Labels seen in mail that iconv-lite does not know, and those that promise less than their senders use. */
const aliases: Readonly<Record<string, string>> = {
  "x-euc-jp": "euc-jp",
  "eucjp-ms": "euc-jp",
  "eucjp-win": "euc-jp",
  cp51932: "euc-jp",
  "x-mac-japanese": "cp932",
  "sjis-win": "cp932",
  "shift-jis": "cp932",
  shift_jis: "cp932",
  "x-mac-roman": "macintosh",
  "x-mac-cyrillic": "maccyrillic",
  "gb2312-80": "gbk",
  gb2312: "gbk",
  "x-gb18030": "gb18030",
  uhc: "cp949",
  "x-windows-949": "cp949",
  "euc-kr": "cp949",
  "x-unicode-2-0-utf-7": "utf-7",
  utf8mb4: "utf-8",
  utf8mac: "utf-8",
  "iso-8859-1": "windows-1252",
  latin1: "windows-1252",
};

/** iconv-lite also answers to these, which are no charsets. */
const notCharsets = new Set(["base64", "hex", "internal", "binary"]);

const iso2022 = /^(?:cs)?iso-?2022-?(?:jp|kr)|^cp5022[0-2]$|^jis$/;
const ascii = /^(?:us-?ascii|ascii|ansi_x3\.4-.*|iso646-us|unknown-8bit|x-unknown|default|)$/;

const normalise = (label: string): string =>
  label
    .toLowerCase()
    .replace(/\*.*$/, "")
    .replace(/[^a-z0-9_.:-]/g, "");

/** Never throws; what does not decode becomes U+FFFD. An unknown label is treated like none. RFC 2047 §5, RFC 2231 §5 (language after `*`). */
export function decodeBytes(bytes: Buffer, label: string): string {
  const wanted = normalise(label);
  if (iso2022.test(wanted)) return decodeIso2022(bytes, wanted.endsWith("kr") ? "kr" : "jp");
  if (wanted === "hz-gb-2312" || wanted === "hz") return decodeHz(bytes);
  const name = aliases[wanted] ?? wanted;
  if (ascii.test(name) || notCharsets.has(name) || !iconv.encodingExists(name)) return rawReadings(bytes)[0] ?? "";
  if (name === "utf-8" || name === "utf8") return bytes.toString("utf8");
  return iconv.decode(bytes, name);
}

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** How odd a reading looks; null if it cannot be one. Half-width kana and stray symbols are what a wrong charset yields. */
function oddity(text: string, charset: string): number | null {
  if (text.includes("\ufffd")) return null;
  if (charset === "windows-1252") return count(text, /[^\0-\x7fÀ-ÿ]/g) + (/[À-ÿ]{3}/.test(text) ? 2 : 0) + 0.5;
  // One lone wide character between Latin letters is more often an accented letter, read wrongly.
  return count(text, /[\uff61-\uff9f]/g) + (/[^\0-\x7f]{2}/.test(text) ? 0 : 1);
}

/**
 * Octets without a declared charset (raw 8-bit names, raw JIS): every plausible reading, the most plausible first, at least one.
 * `hint` is the charset of the part, if any.
 */
export function rawReadings(bytes: Buffer, hint = ""): readonly string[] {
  const latin1 = bytes.toString("latin1");
  const eightBit = /[\x80-\xff]/.test(latin1);
  if (/\x1b[$(.&]/.test(latin1)) return [decodeIso2022(bytes), latin1];
  if (!eightBit) return [latin1];
  const utf8 = bytes.toString("utf8");
  if (!utf8.includes("\ufffd")) return [utf8];
  const readings = ["cp932", "euc-jp", "windows-1252"]
    .map((charset) => ({ charset, text: iconv.decode(bytes, charset) }))
    .map(({ charset, text }) => ({ text, odd: oddity(text, charset) }))
    .filter((reading) => reading.odd !== null)
    .sort((a, b) => (a.odd ?? 0) - (b.odd ?? 0))
    .map(({ text }) => text);
  const wanted = normalise(hint);
  const declared = ascii.test(wanted) || wanted.startsWith("utf") ? [] : [decodeBytes(bytes, hint)];
  const all = [...declared, ...readings];
  return all.length > 0 ? [...new Set(all)] : [latin1];
}
