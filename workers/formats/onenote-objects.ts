/** Files that a OneNote section embeds, and the names that it has for them. [MS-ONESTORE] §2.6.13, §2.6.7; [MS-ONE] §2.2.71 */

export interface EmbeddedFile {
  readonly bytes: Buffer;
  readonly cut: boolean;
}

/** {BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC} */
const objectMark = Buffer.from("e716e3bd65261145a4c48d4d0b7a9eac", "hex");
/** EmbeddedFileName, and SourceFilepath. [MS-ONE] §2.1.12 */
const nameProperties = [Buffer.from("9c1d001c", "hex"), Buffer.from("9d1d001c", "hex")];
const dataAt = 36;
const mostFiles = 10_000;
const mostNames = 500;
const mostProperties = 64;
const longestName = 1024;

export function* embeddedFiles(bytes: Buffer): Generator<EmbeddedFile> {
  let left = mostFiles;
  for (let at = bytes.indexOf(objectMark); at >= 0 && left > 0; left--) {
    const from = at + dataAt;
    if (from > bytes.length) return;
    const size = Number(bytes.readBigUInt64LE(at + 16));
    const end = Math.min(bytes.length, from + size);
    yield { bytes: bytes.subarray(from, end), cut: from + size > bytes.length };
    at = bytes.indexOf(objectMark, from > end ? from : Math.max(from, end));
  }
}

/** Octets that a value takes in the data behind the list, by its kind; those of kind 7 say it themselves. §2.6.6 */
const sizes: Readonly<Record<number, number>> = {
  1: 0,
  2: 0,
  3: 1,
  4: 2,
  5: 4,
  6: 8,
  8: 0,
  9: 4,
  10: 0,
  11: 4,
  12: 0,
  13: 4,
};
const counted = 7;

/** Null if that is not known. */
function valueBytes(bytes: Buffer, property: number, at: number): number | null {
  const kind = (property >>> 26) & 0x1f;
  if (kind !== counted) return sizes[kind] ?? null;
  return at + 4 <= bytes.length ? 4 + bytes.readUInt32LE(at) : null;
}

/** The text of the property at `index` of a list that begins at `list`. */
function textOf(bytes: Buffer, list: number, count: number, index: number): string | null {
  let at = list + count * 4;
  for (let i = 0; i < index; i++) {
    const size = valueBytes(bytes, bytes.readUInt32LE(list + 4 * i), at);
    if (size === null) return null;
    at += size;
  }
  if (at + 4 > bytes.length) return null;
  const size = bytes.readUInt32LE(at);
  if (size < 2 || size > longestName || size % 2 !== 0 || at + 4 + size > bytes.length) return null;
  const text = bytes.toString("utf16le", at + 4, at + 4 + size).replace(/\0.*$/s, "");
  return text === "" || /[\0-\x1f]/.test(text) ? null : text;
}

/** The list in which a property stands has its length in front: the nearest that fits. */
function nameAt(bytes: Buffer, at: number): string | null {
  for (let index = 0; index < mostProperties; index++) {
    const list = at - 4 * index;
    if (list < 2) return null;
    const count = bytes.readUInt16LE(list - 2);
    if (count <= index || count > mostProperties || list + count * 4 > bytes.length) continue;
    const text = textOf(bytes, list, count, index);
    if (text !== null) return text;
  }
  return null;
}

/** Without folders, in the order in which they stand. */
export function fileNames(bytes: Buffer): readonly string[] {
  const found = new Set<string>();
  for (const property of nameProperties)
    for (let at = bytes.indexOf(property), left = mostNames; at >= 0 && left > 0; left--) {
      const name = nameAt(bytes, at);
      if (name !== null) found.add(name.slice(Math.max(name.lastIndexOf("\\"), name.lastIndexOf("/")) + 1));
      at = bytes.indexOf(property, at + 4);
    }
  return [...found];
}
