/** Windows shortcuts: what they start, with which arguments, and where the file ends. [MS-SHLLINK] §2 */

export interface Lnk {
  readonly target: readonly string[];
  readonly arguments: string;
  readonly icon: string;
  readonly folder: string;
  readonly description: string;
  /** First octet behind the last block. */
  readonly end: number;
  readonly isCut: boolean;
}

const headerBytes = 76;
const environmentBlock = 0xa0000001;
const iconBlock = 0xa0000007;
const longest = 64 * 1024;

const zeroEnded = (text: string): string => text.slice(0, text.indexOf("\0") < 0 ? text.length : text.indexOf("\0"));

class Reader {
  at = headerBytes;
  isCut = false;
  readonly #bytes: Buffer;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(size: 2 | 4): number {
    if (this.at + size > this.#bytes.length) {
      this.isCut = true;
      this.at = this.#bytes.length;
      return 0;
    }
    const value = this.#bytes.readUIntLE(this.at, size);
    this.at += size;
    return value;
  }

  take(size: number): Buffer {
    const piece = this.#bytes.subarray(this.at, this.at + size);
    if (piece.length < size) this.isCut = true;
    this.at += piece.length;
    return piece;
  }
}

/** Printable names in the list of items: each folder and file, in either charset. §2.2 */
function itemNames(list: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at + 2 <= list.length; ) {
    const size = list.readUInt16LE(at);
    if (size < 3 || found.length > 200) break;
    const item = list.subarray(at + 2, at + size);
    const wide = /(?:[\x20-\x7e\x80-\xff]\0){4,}/.exec(item.toString("latin1"))?.[0];
    const narrow = /[\x20-\x7e]{3,}/.exec(item.toString("latin1"))?.[0];
    const name = wide === undefined ? narrow : Buffer.from(wide, "latin1").toString("utf16le");
    if (name !== undefined) found.push(name);
    at += size;
  }
  return found;
}

/** §2.3: paths on a disk or in the network. */
function linkInfo(info: Buffer): string[] {
  if (info.length < 28) return [];
  const text = (offset: number): string =>
    offset > 0 && offset < info.length ? zeroEnded(info.toString("latin1", offset, offset + 1000)) : "";
  const network = info.readUInt32LE(20);
  const share = network > 0 && network + 12 <= info.length ? text(network + info.readUInt32LE(network + 8)) : "";
  return [text(info.readUInt32LE(16)), share, text(info.readUInt32LE(24))].filter((one) => one !== "");
}

/** §2.5: of these, the ones with a path. */
function blockPath(block: Buffer): string {
  const signature = block.length >= 8 ? block.readUInt32LE(4) : 0;
  if (signature !== environmentBlock && signature !== iconBlock) return "";
  return zeroEnded(block.toString("utf16le", 268, 788)) || zeroEnded(block.toString("latin1", 8, 268));
}

/** Null if it is no shortcut. */
export function readLnk(bytes: Buffer): Lnk | null {
  if (bytes.length < headerBytes || bytes.readUInt32LE(0) !== headerBytes) return null;
  const flags = bytes.readUInt32LE(20);
  const has = (bit: number): boolean => (flags & (1 << bit)) !== 0;
  const reader = new Reader(bytes);
  const target: string[] = [];
  if (has(0)) target.push(itemNames(reader.take(reader.number(2))).join("\\"));
  if (has(1)) {
    const size = reader.number(4);
    target.push(...linkInfo(Buffer.concat([Buffer.alloc(4), reader.take(Math.max(0, size - 4))])));
  }
  const isWide = has(7);
  const string = (bit: number): string => {
    if (!has(bit)) return "";
    const count = reader.number(2);
    return reader
      .take(isWide ? count * 2 : count)
      .toString(isWide ? "utf16le" : "latin1")
      .slice(0, longest);
  };
  const [description, relative, folder, given, icon] = [string(2), string(3), string(4), string(5), string(6)];
  const paths: string[] = [];
  while (!reader.isCut && reader.at + 4 <= bytes.length) {
    const size = reader.number(4);
    if (size < 4) break;
    reader.at -= 4;
    paths.push(blockPath(reader.take(size)));
  }
  return {
    target: [...new Set([...target, relative, ...paths])].filter((one) => one !== ""),
    arguments: given,
    icon,
    folder,
    description,
    end: reader.at,
    isCut: reader.isCut,
  };
}
