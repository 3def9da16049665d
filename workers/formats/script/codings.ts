/** The ways in which scripts write octets as letters: base64, hexadecimal, percent signs, lists of numbers; and what is hidden behind one more key. */

const base64Letters = /^[A-Za-z0-9+/_-]+={0,3}$/;
const hexLetters = /^(?:[0-9a-f]{2})+$/i;

/** Octets of a text that is nothing but base64 or hexadecimal digits; null if it is neither. */
export function fromLetters(text: string): Buffer | null {
  const dense = /\s/.test(text) ? text.replace(/\s+/g, "") : text;
  if (hexLetters.test(dense)) return Buffer.from(dense, "hex");
  if (/^(?:\\?x[0-9a-f]{2}){8,}$/i.test(dense.slice(0, 400))) return Buffer.from(dense.replace(/\\?x/gi, ""), "hex");
  return base64Letters.test(dense) ? Buffer.from(dense, "base64") : null;
}

/** %3C and %u003C, octet by octet. */
export function fromPercent(text: string): string {
  return text.replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_whole, four?: string, two?: string) =>
    String.fromCharCode(Number.parseInt(four ?? two ?? "0", 16)),
  );
}

/** At least three signs, and something that acts once they are undone: addresses have them, too. */
export const isPercent = (text: string): boolean =>
  /%(?:u[0-9a-f]{4}|[0-9a-f]{2})[^]*?%(?:u[0-9a-f]{4}|[0-9a-f]{2})[^]*?%(?:u[0-9a-f]{4}|[0-9a-f]{2})/i.test(text) &&
  /%(?:u00)?(?:3c|28|22|27|7b)/i.test(text);

const numberRuns = /[0-9a-fA-FxX,\s+-]{64,}/g;
const leastNumbers = 32;

const isValue = (value: number): boolean => Number.isInteger(value) && value >= -128 && value <= 0xffff;

/** One number, or null for a word that is none. A word without anything counts as none, too. */
function readNumber(word: string): number | null {
  const value = word.length <= 24 && /\S/.test(word) ? Number(word) : Number.NaN;
  return isValue(value) ? value : null;
}

/** The numbers of a run, as octets, or as text if some are larger; what stands around the list may cling to its ends. */
function readNumbers(run: string): Buffer | null {
  const values: number[] = [];
  let largest = 0;
  for (let at = 0; at < run.length; ) {
    const next = run.indexOf(",", at);
    const stop = next < 0 ? run.length : next;
    const value = readNumber(run.slice(at, stop));
    const isEdge = values.length === 0 || next < 0;
    if (value === null && !isEdge) return null;
    if (value !== null) {
      largest = Math.max(largest, value);
      values.push(value);
    }
    at = stop + 1;
  }
  if (values.length < leastNumbers) return null;
  return largest > 255 ? Buffer.from(String.fromCharCode(...values.slice(0, 65_536))) : Buffer.from(values);
}

/** Every list of numbers in the text. */
export function* numberLists(text: string): Generator<Buffer> {
  for (const [run] of text.matchAll(numberRuns)) {
    const octets = run.includes(",") ? readNumbers(run) : null;
    if (octets) yield octets;
  }
}

/** First octets of what is worth hiding. */
const heads: readonly Buffer[] = [
  Buffer.from("504b0304", "hex"),
  Buffer.from("d0cf11e0a1b11ae1", "hex"),
  Buffer.from("52617221", "hex"),
  Buffer.from("377abcaf", "hex"),
  Buffer.from("4c00000001140200", "hex"),
  Buffer.from("25504446", "hex"),
];
const dosMessage = Buffer.from("This program cannot");

/** The octets under one key of eight bits, if then they are something known. */
export function withoutKey(bytes: Buffer): Buffer | null {
  if (bytes.length < 64) return null;
  const first = bytes[0] ?? 0;
  const keyed = (key: number, upTo: number): Buffer => Buffer.from(bytes.subarray(0, upTo).map((octet) => octet ^ key));
  for (const magic of heads) {
    const key = first ^ (magic[0] ?? 0);
    if (key !== 0 && keyed(key, magic.length).equals(magic)) return keyed(key, bytes.length);
  }
  const key = first ^ 0x4d;
  return key !== 0 && keyed(key, 512).includes(dosMessage) ? keyed(key, bytes.length) : null;
}

/** What PowerShell takes behind -EncodedCommand, however it is cut short: base64 of UTF-16. */
const encodedCommand =
  /[-/\u2013\u2014\u2015](?:e|ec|en|enc[ocdeman]{0,12})["'^]{0,2}\s{1,20}["']?([A-Za-z0-9+/]{16,}={0,2})/gi;

export const encodedCommands = (text: string): string[] =>
  [...text.matchAll(encodedCommand)]
    .map(([, letters = ""]) => Buffer.from(letters, "base64").toString("utf16le"))
    .filter((command) => /^[\t\r\n -~\u3000-\u9fff]{4,}/.test(command));

/** Text of which each letter may be an octet, in UTF-8 as artefacts are. */
export const inUtf8 = (text: string): string =>
  /[^\x00-\xff]/.test(text) ? text : Buffer.from(text, "latin1").toString();
