/** An OLE compound file: its tree of storages and streams, and what is in them, read within bounds. [MS-CFB] §2 */
import { type CfbEntry, readDirectory } from "./cfb-directory.ts";
import { endOfChain, type Place, readTables, sectorsOf } from "./cfb-tables.ts";

export interface CfbContent {
  readonly bytes: Buffer;
  /** All that the entry declares is here, or as much as was asked for. */
  readonly whole: boolean;
}

export interface Cfb {
  /** Lower-case class id of the root storage, "" if it is zero. */
  readonly classId: string;
  /** In the order of the directory; also those that no tree leads to. */
  readonly entries: readonly CfbEntry[];
  /** Chains ran in a circle or out of the file: what is here may not be all. */
  readonly damaged: boolean;
  /** The octets of a stream, at most so many. */
  read(entry: CfbEntry, most?: number): CfbContent;
}

const magic = Buffer.from("d0cf11e0a1b11ae1", "hex");
/** Streams may share sectors: all reading together gives this many times the file, then nothing more. */
const mostReadings = 8;

export const isCfb = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(magic);

/** So many octets of a chain that begins at `first`; neighbouring sectors are taken in one piece. */
function gather(place: Place, first: number, wanted: number): Buffer {
  const pieces: Buffer[] = [];
  let from = -1;
  let to = -1;
  let got = 0;
  for (const sector of sectorsOf(place, first)) {
    if (got >= wanted) break;
    const at = place.offset(sector);
    if (at !== to) {
      if (to > from) pieces.push(place.bytes.subarray(from, to));
      from = at;
    }
    to = at + place.size;
    got += place.size;
  }
  if (to > from) pieces.push(place.bytes.subarray(from, to));
  const [only] = pieces;
  const all = pieces.length === 1 && only ? only : Buffer.concat(pieces);
  return all.subarray(0, wanted);
}

/** Null if the header is not one of a compound file. */
export function readCfb(bytes: Buffer): Cfb | null {
  if (bytes.length < 512 || !isCfb(bytes)) return null;
  const tables = readTables(bytes);
  if (!tables) return null;
  const { large, smallBelow, miniFat } = tables;
  const { entries, damaged } = readDirectory(large, bytes.readUInt32LE(48), tables.version);
  const root = entries.find(({ kind }) => kind === "root");
  let left = mostReadings * bytes.length;
  let mini: Place | null = null;

  /** The stream of the root, which holds all small ones. §2.6.3 */
  function small(): Place {
    if (mini) return mini;
    const body = root && root.sector < endOfChain ? gather(large, root.sector, root.size) : Buffer.alloc(0);
    mini = { bytes: body, size: 64, offset: (sector) => sector * 64, next: miniFat };
    return mini;
  }

  return {
    classId: root?.classId ?? "",
    entries,
    damaged,
    read(entry, most = Number.MAX_SAFE_INTEGER) {
      if (entry.kind !== "stream") return { bytes: Buffer.alloc(0), whole: true };
      const wanted = Math.min(entry.size, most);
      const granted = Math.max(0, Math.min(wanted, left));
      const place = entry.size < smallBelow ? small() : large;
      const got = granted > 0 ? gather(place, entry.sector, granted) : Buffer.alloc(0);
      left -= got.length;
      return { bytes: got, whole: got.length === wanted };
    },
  };
}
