/** The text of a binary Word document, with the marks of its fields: its pieces in order. [MS-DOC] §2.4.1, §2.8.35 */
import type { Cfb } from "./cfb.ts";
import type { CfbEntry } from "./cfb-directory.ts";

const mark = 0xa5ec;
const minimum = 0x1aa;
const clxAt = 0x1a2;
/** FibBase.fWhichTblStm, §2.5.1 */
const secondTable = 0x0200;
const pieceTable = 2;
/** Unicode text of this many characters is more than anybody reads. */
const mostCharacters = 4 * 1024 * 1024;

/** Where the piece table begins: property changes may stand before it. §2.9.38 */
function findPieces(clx: Buffer): Buffer | null {
  let at = 0;
  while (at + 5 <= clx.length && clx[at] === 1) at += 3 + clx.readUInt16LE(at + 1);
  if (at + 5 > clx.length || clx[at] !== pieceTable) return null;
  return clx.subarray(at + 5, at + 5 + clx.readUInt32LE(at + 1));
}

function pieceText(document: Buffer, fc: number, characters: number): string {
  // Bit 30: one octet for each character, at half the offset. §2.9.73
  if ((fc & 0x40000000) !== 0) {
    const start = (fc & 0x3fffffff) >>> 1;
    return document.toString("latin1", start, start + characters);
  }
  return document.toString("utf16le", fc & 0x3fffffff, (fc & 0x3fffffff) + characters * 2);
}

/** "" if the stream is none of Word's since 1997, or damaged. */
export function wordText(cfb: Cfb, stream: CfbEntry): string {
  const document = cfb.read(stream).bytes;
  if (document.length < minimum || document.readUInt16LE(0) !== mark) return "";
  const name = (document.readUInt16LE(10) & secondTable) !== 0 ? "1table" : "0table";
  const above = stream.path.slice(0, -1).join("/");
  const table = cfb.entries.find(
    (entry) => entry.path.at(-1) === name && entry.path.slice(0, -1).join("/") === above && entry.kind === "stream",
  );
  if (!table) return "";
  const all = cfb.read(table).bytes;
  const start = document.readUInt32LE(clxAt);
  const pieces = findPieces(all.subarray(start, start + document.readUInt32LE(clxAt + 4)));
  if (!pieces) return "";
  const count = Math.floor((pieces.length - 4) / 12);
  const text: string[] = [];
  let left = mostCharacters;
  for (let i = 0; i < count && left > 0; i++) {
    const characters = Math.min(left, pieces.readUInt32LE(4 * i + 4) - pieces.readUInt32LE(4 * i));
    if (characters <= 0) continue;
    text.push(pieceText(document, pieces.readUInt32LE((count + 1) * 4 + i * 8 + 2), characters));
    left -= characters;
  }
  return text.join("").replaceAll("\r", "\n");
}
