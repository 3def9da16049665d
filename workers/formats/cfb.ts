/** The directory of an OLE compound file, read within bounds: names, the root's class, and where streams begin. [MS-CFB] §2 */

export interface CfbEntry {
  readonly name: string;
  readonly kind: "storage" | "stream" | "root";
  readonly size: number;
  readonly sector: number;
}

export interface Cfb {
  /** Lower-case class id of the root storage, "" if it is zero. */
  readonly classId: string;
  readonly entries: readonly CfbEntry[];
  /** Chains ran in a circle or out of the file: what is here may not be all. */
  readonly damaged: boolean;
  /** The first sector of a stream; empty for those in the mini stream. */
  head(entry: CfbEntry): Buffer;
}

const magic = Buffer.from("d0cf11e0a1b11ae1", "hex");
const mostEntries = 20_000;
const headerDifat = 109;
const lastSector = 0xfffffffa;

export const isCfb = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(magic);

function classId(raw: Buffer): string {
  if (raw.every((octet) => octet === 0)) return "";
  const hex = (part: Buffer) => part.toString("hex");
  const swapped = (from: number, to: number) => hex(Buffer.from(raw.subarray(from, to)).reverse());
  return `${swapped(0, 4)}-${swapped(4, 6)}-${swapped(6, 8)}-${hex(raw.subarray(8, 10))}-${hex(raw.subarray(10, 16))}`;
}

/** Finds the next sector of a chain. Sectors of the FAT come from the header, then from the DIFAT chain. */
function fatReader(bytes: Buffer, sectorSize: number): (sector: number) => number {
  const at = (sector: number) => (sector + 1) * sectorSize;
  const fat: number[] = [];
  for (let i = 0; i < headerDifat; i++) fat.push(bytes.readUInt32LE(76 + 4 * i));
  let difat = bytes.readUInt32LE(68);
  const perSector = sectorSize / 4;
  for (
    let left = Math.ceil(bytes.length / sectorSize / perSector / perSector) + 1;
    left > 0 && difat < lastSector;
    left--
  ) {
    const from = at(difat);
    if (from + sectorSize > bytes.length) break;
    for (let i = 0; i < perSector - 1; i++) fat.push(bytes.readUInt32LE(from + 4 * i));
    difat = bytes.readUInt32LE(from + sectorSize - 4);
  }
  return (sector) => {
    const table = fat[Math.floor(sector / perSector)];
    if (table === undefined || table >= lastSector) return lastSector;
    const place = at(table) + 4 * (sector % perSector);
    return place + 4 <= bytes.length ? bytes.readUInt32LE(place) : lastSector;
  };
}

function readEntry(raw: Buffer): CfbEntry | null {
  const kind = ({ 1: "storage", 2: "stream", 5: "root" } as const)[raw[66] ?? 0];
  if (!kind) return null;
  const name = raw.toString("utf16le", 0, Math.max(0, Math.min(64, raw.readUInt16LE(64)) - 2));
  return { name, kind, size: raw.readUInt32LE(120), sector: raw.readUInt32LE(116) };
}

/** All entries of one sector of the directory, and the class of the root if it is among them. */
function readSector(sector: Buffer): { readonly entries: CfbEntry[]; readonly root: string } {
  const entries: CfbEntry[] = [];
  let root = "";
  for (let at = 0; at + 128 <= sector.length; at += 128) {
    const raw = sector.subarray(at, at + 128);
    const entry = readEntry(raw);
    if (entry) entries.push(entry);
    if (entry?.kind === "root") root ||= classId(raw.subarray(80, 96));
  }
  return { entries, root };
}

/** Null if the header is not one of a compound file. */
export function readCfb(bytes: Buffer): Cfb | null {
  if (bytes.length < 512 || !isCfb(bytes)) return null;
  const shift = bytes.readUInt16LE(30);
  if (shift !== 9 && shift !== 12) return null;
  const sectorSize = 1 << shift;
  const next = fatReader(bytes, sectorSize);
  const entries: CfbEntry[] = [];
  const seen = new Set<number>();
  let root = "";
  let sector = bytes.readUInt32LE(48);
  while (sector < lastSector && !seen.has(sector) && entries.length < mostEntries) {
    seen.add(sector);
    const from = (sector + 1) * sectorSize;
    if (from + sectorSize > bytes.length) break;
    const read = readSector(bytes.subarray(from, from + sectorSize));
    entries.push(...read.entries);
    root ||= read.root;
    sector = next(sector);
  }
  const head = ({ size, sector: first }: CfbEntry): Buffer => {
    const from = (first + 1) * sectorSize;
    const isSmall = size < bytes.readUInt32LE(56) || first >= lastSector;
    return isSmall ? Buffer.alloc(0) : bytes.subarray(from, from + sectorSize);
  };
  return { classId: root, entries, damaged: sector < lastSector, head };
}
