/** The directory of a compound file: its entries, and the path on which the tree of storages leads to each. [MS-CFB] §2.6 */
import { endOfChain, type Place, sectorsOf } from "./cfb-tables.ts";

export interface CfbEntry {
  readonly name: string;
  /** Names from the root, without it, each folded to lower case; the name alone where no tree leads. */
  readonly path: readonly string[];
  readonly kind: "storage" | "stream" | "root";
  /** Lower-case class id, "" if it is zero. */
  readonly classId: string;
  readonly size: number;
  readonly sector: number;
}

interface Raw extends Omit<CfbEntry, "path"> {
  readonly left: number;
  readonly right: number;
  readonly child: number;
}

const mostEntries = 20_000;
const entryBytes = 128;
const kinds: readonly (CfbEntry["kind"] | null)[] = [null, "storage", "stream", null, null, "root"];

/** As it is written: "0002ce02-0000-0000-c000-000000000046". [MS-DTYP] §2.3.4 */
export function classId(raw: Buffer): string {
  if (raw.length < 16 || raw.every((octet) => octet === 0)) return "";
  const swapped = (from: number, to: number) => Buffer.from(raw.subarray(from, to)).reverse().toString("hex");
  return `${swapped(0, 4)}-${swapped(4, 6)}-${swapped(6, 8)}-${raw.toString("hex", 8, 10)}-${raw.toString("hex", 10, 16)}`;
}

function readEntry(raw: Buffer, version: 3 | 4): Raw | null {
  const kind = kinds[raw[66] ?? 0];
  if (!kind) return null;
  const high = version === 4 ? raw.readUInt32LE(124) : 0;
  return {
    name: raw.toString("utf16le", 0, Math.max(0, Math.min(64, raw.readUInt16LE(64)) - 2)),
    kind,
    classId: classId(raw.subarray(80, 96)),
    size: raw.readUInt32LE(120) + high * 2 ** 32,
    sector: raw.readUInt32LE(116),
    left: raw.readUInt32LE(68),
    right: raw.readUInt32LE(72),
    child: raw.readUInt32LE(76),
  };
}

/** Which storage each entry lies in, by its number; an entry has one place, whatever the tree says. */
function parents(all: readonly (Raw | null)[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  const root = all.findIndex((entry) => entry?.kind === "root");
  const storages = [root];
  for (let storage = storages.pop(); storage !== undefined; storage = storages.pop()) {
    const siblings = [all[storage]?.child ?? endOfChain];
    for (let index = siblings.pop(); index !== undefined; index = siblings.pop()) {
      const entry = all[index];
      if (!entry || index === root || found.has(index)) continue;
      found.set(index, storage);
      if (entry.kind === "storage") storages.push(index);
      siblings.push(entry.left, entry.right);
    }
  }
  return found;
}

/** Deeper than any document is; what lies below has its path cut. */
const mostLevels = 32;

function withPaths(all: readonly (Raw | null)[]): CfbEntry[] {
  const above = parents(all);
  const pathOf = (index: number, { name, kind }: Raw): readonly string[] => {
    const path: string[] = [];
    for (let at = above.get(index), left = mostLevels; at !== undefined && left > 0; at = above.get(at), left--) {
      const one = all[at];
      if (one && one.kind !== "root") path.unshift(one.name.toLowerCase());
    }
    return kind === "root" ? [] : [...path, name.toLowerCase()];
  };
  return all.flatMap((entry, index) => {
    if (!entry) return [];
    const { name, kind, classId: id, size, sector } = entry;
    return [{ name, path: pathOf(index, entry), kind, classId: id, size, sector }];
  });
}

export function readDirectory(
  place: Place,
  first: number,
  version: 3 | 4,
): { readonly entries: readonly CfbEntry[]; readonly damaged: boolean } {
  const all: (Raw | null)[] = [];
  let last = first;
  for (const sector of sectorsOf(place, first)) {
    if (all.length >= mostEntries) break;
    const from = place.offset(sector);
    for (let at = from; at + entryBytes <= Math.min(place.bytes.length, from + place.size); at += entryBytes)
      all.push(readEntry(place.bytes.subarray(at, at + entryBytes), version));
    last = place.next(sector);
  }
  return { entries: withPaths(all), damaged: last < endOfChain };
}
