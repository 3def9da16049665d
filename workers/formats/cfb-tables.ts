/** Sectors of a compound file: where each is, and which follows it. [MS-CFB] §2.2–2.5 */

/** Somewhere that is cut into sectors, and the table of their chains. */
export interface Place {
  readonly bytes: Buffer;
  readonly size: number;
  readonly offset: (sector: number) => number;
  readonly next: (sector: number) => number;
}

export interface CfbTables {
  /** 3: sectors of 512 octets; 4: of 4,096. */
  readonly version: 3 | 4;
  readonly large: Place;
  /** Streams below this size lie in the stream of the root, in sectors of 64 octets. */
  readonly smallBelow: number;
  readonly miniFat: (sector: number) => number;
}

/** MAXREGSECT, the first number that is none of a sector. §2.1 */
export const endOfChain = 0xfffffffa;
const headerDifat = 109;

/** The sectors of a chain that lie in the file; stops where it runs in a circle. */
export function* sectorsOf(place: Place, first: number): Generator<number> {
  let left = Math.ceil(place.bytes.length / place.size);
  for (let sector = first; sector < endOfChain && left > 0; left--) {
    if (place.offset(sector) >= place.bytes.length) return;
    yield sector;
    sector = place.next(sector);
  }
}

/** Numbers of the FAT's own sectors: from the header, then from the chain of DIFAT sectors. §2.5 */
function fatSectors(bytes: Buffer, size: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < headerDifat; i++) found.push(bytes.readUInt32LE(76 + 4 * i));
  const perSector = size / 4;
  let difat = bytes.readUInt32LE(68);
  for (let left = Math.ceil(bytes.length / size / perSector / perSector) + 1; left > 0 && difat < endOfChain; left--) {
    const from = (difat + 1) * size;
    if (from + size > bytes.length) break;
    for (let i = 0; i < perSector - 1; i++) found.push(bytes.readUInt32LE(from + 4 * i));
    difat = bytes.readUInt32LE(from + size - 4);
  }
  return found;
}

/** Entries of a table that lies in these sectors. */
function tableIn(bytes: Buffer, size: number, sectors: readonly number[]): (index: number) => number {
  const perSector = size / 4;
  return (index) => {
    const sector = sectors[Math.floor(index / perSector)];
    if (sector === undefined || sector >= endOfChain) return endOfChain;
    const at = (sector + 1) * size + 4 * (index % perSector);
    return at + 4 <= bytes.length ? bytes.readUInt32LE(at) : endOfChain;
  };
}

/** Null if its sectors have a size that none has. The octets begin with the header. §2.2 */
export function readTables(bytes: Buffer): CfbTables | null {
  const shift = bytes.readUInt16LE(30);
  if (shift !== 9 && shift !== 12) return null;
  const size = 1 << shift;
  const next = tableIn(bytes, size, fatSectors(bytes, size));
  const large: Place = { bytes, size, offset: (sector) => (sector + 1) * size, next };
  const miniSectors = [...sectorsOf(large, bytes.readUInt32LE(60))];
  return {
    version: shift === 9 ? 3 : 4,
    large,
    smallBelow: bytes.readUInt32LE(56),
    miniFat: tableIn(bytes, size, miniSectors),
  };
}
