/** Finds packs and their rule files below a folder, and what tells that one of them has changed. */
import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { GatewayError } from "../core/errors.ts";

export interface FoundFile {
  readonly path: string;
  /** Path below the folder of the pack, with `/`. */
  readonly name: string;
  /** Changes when the file does. */
  readonly stamp: string;
  readonly size: number;
}

export interface FoundPack {
  readonly folder: string;
  /** Name of the folder. */
  readonly name: string;
  readonly manifest: FoundFile | null;
  readonly files: readonly FoundFile[];
}

const manifestName = "pack.yaml";
const isRuleFile = (name: string): boolean => /\.yara?$/i.test(name);
/** Links may go in circles. */
const deepest = 8;

/** Null if it is gone, or a link to nowhere. Links are followed: that is how containers mount files. */
const look = (path: string): Promise<Stats | null> => stat(path).catch(() => null);

function asFile(path: string, name: string, { mtimeMs, size, ino }: Stats): FoundFile {
  return { path, name, stamp: `${mtimeMs} ${size} ${ino}`, size };
}

interface Listing {
  readonly manifest: FoundFile | null;
  readonly files: readonly FoundFile[];
  readonly folders: readonly string[];
}

async function list(folder: string, below: string): Promise<Listing> {
  const found = { manifest: null as FoundFile | null, files: [] as FoundFile[], folders: [] as string[] };
  // By code point, so that the order, and with it the version of the rules, is the same everywhere.
  const names = (await readdir(folder)).filter((name) => !name.startsWith(".")).sort();
  for (const name of names) {
    const path = join(folder, name);
    const stats = await look(path);
    if (stats?.isDirectory()) found.folders.push(name);
    else if (stats?.isFile() && name === manifestName) found.manifest = asFile(path, name, stats);
    else if (stats?.isFile() && isRuleFile(name)) found.files.push(asFile(path, below + name, stats));
  }
  return found;
}

/** A pack and the packs within it: a folder with a `pack.yaml` of its own is one. */
async function gather(folder: string, root: Listing, from = 0): Promise<readonly FoundPack[]> {
  const files = [...root.files];
  const inner: FoundPack[] = [];
  async function descend(below: string, folders: readonly string[], depth: number): Promise<void> {
    for (const name of depth < deepest ? folders : []) {
      const path = join(folder, below, name);
      const listing = await list(path, `${below}${name}/`);
      if (listing.manifest) inner.push(...(await gather(path, await list(path, ""), depth + 1)));
      else {
        files.push(...listing.files);
        await descend(`${below}${name}/`, listing.folders, depth + 1);
      }
    }
  }
  await descend("", root.folders, from);
  return [{ folder, name: basename(folder), manifest: root.manifest, files }, ...inner];
}

/** Throws RULES_UNREADABLE. */
export async function findPacks(folder: string): Promise<readonly FoundPack[]> {
  try {
    const root = await list(folder, "");
    if (root.manifest || root.files.length > 0) return await gather(folder, root);
    const packs: FoundPack[] = [];
    for (const name of root.folders) {
      const path = join(folder, name);
      packs.push(...(await gather(path, await list(path, ""))));
    }
    return packs.filter(({ manifest, files }) => manifest || files.length > 0);
  } catch (cause) {
    throw new GatewayError("RULES_UNREADABLE", { folder }, cause);
  }
}

/** Differs when any file has come, gone or changed; `missing` where a folder cannot be read. */
export async function fingerprint(folders: readonly string[]): Promise<string> {
  const parts = folders.map(async (folder) => {
    try {
      const packs = await findPacks(folder);
      const files = packs.flatMap(({ manifest, files: rules }) => [...(manifest ? [manifest] : []), ...rules]);
      return files.map(({ path, stamp }) => `${path} ${stamp}`).join("\n");
    } catch {
      return `${folder} missing`;
    }
  });
  return (await Promise.all(parts)).join("\n\n");
}
