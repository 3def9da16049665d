/** Reads folders of rule packs into sources for an engine. Nothing is compiled here: that happens in children that may die of it. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { RuleProblem, RuleSource } from "../../workers/engines/engine.ts";
import { type FoundFile, type FoundPack, findPacks } from "./find-files.ts";
import { type Pack, packFrom, readPack } from "./pack.ts";
import { type Place, readText } from "./read-text.ts";

export interface LoadedPack extends Pack {
  readonly folder: string;
  readonly files: number;
}

export interface LoadedRules {
  /** Of active packs. */
  readonly sources: readonly RuleSource[];
  readonly packs: readonly LoadedPack[];
  /** Files that cannot be read at all, and wrong `pack.yaml`s. */
  readonly problems: readonly RuleProblem[];
  /** Pack and file of those that are there but cannot be read: their last good version may stand for them. */
  readonly unreadable: readonly Pick<RuleSource, "pack" | "file" | "severity">[];
  /** SHA-256 over all sources. */
  readonly version: string;
}

/** The largest public collections in one file have 20 MB. */
const largestFile = 32 * 2 ** 20;
const largestManifest = 2 ** 20;

export function versionOf(sources: readonly RuleSource[]): string {
  const hash = createHash("sha256");
  for (const { pack, file, text, severity } of sources)
    hash.update(JSON.stringify([pack, file, severity ?? null, text.length])).update(text);
  return hash.digest("hex");
}

const complain = (pack: string, file: string, message: string, place: Place = { line: 1, column: 1 }): RuleProblem => ({
  pack,
  file,
  ...place,
  code: "",
  message,
  level: "error",
});

async function read({ path, size }: FoundFile, largest: number): Promise<string | { message: string; place?: Place }> {
  if (size > largest) return { message: `larger than ${largest / 2 ** 20} MiB` };
  try {
    return readText(await readFile(path));
  } catch (error) {
    return { message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}

interface Reading {
  readonly sources: RuleSource[];
  readonly packs: LoadedPack[];
  readonly problems: RuleProblem[];
  readonly unreadable: Pick<RuleSource, "pack" | "file" | "severity">[];
}

async function identify({ manifest, name }: FoundPack, { problems }: Reading): Promise<Pack> {
  if (!manifest) return packFrom(name);
  const text = await read(manifest, largestManifest);
  if (typeof text !== "string") {
    const pack = packFrom(name);
    problems.push(complain(pack.id, manifest.name, text.message, text.place));
    return pack;
  }
  const { pack, problems: found } = readPack(text, name);
  problems.push(
    ...found.map(({ line, column, message }) => complain(pack.id, manifest.name, message, { line, column })),
  );
  return pack;
}

async function readPackInto(found: FoundPack, reading: Reading): Promise<void> {
  const pack = await identify(found, reading);
  const twin = reading.packs.find((other) => other.id === pack.id);
  if (twin) {
    reading.problems.push(
      complain(pack.id, "pack.yaml", `${found.folder} is left out: ${twin.folder} has the id ${pack.id} too`),
    );
    return;
  }
  reading.packs.push({ ...pack, folder: found.folder, files: found.files.length });
  if (pack.stage !== "active") return;
  const { severity } = pack.defaults;
  for (const file of found.files) {
    const identity = { pack: pack.id, file: file.name, ...(severity ? { severity } : {}) };
    const text = await read(file, largestFile);
    if (typeof text === "string") reading.sources.push({ ...identity, text });
    else {
      reading.problems.push(complain(pack.id, file.name, text.message, text.place));
      reading.unreadable.push(identity);
    }
  }
}

/** Throws RULES_UNREADABLE and names the folder. */
export async function loadRulePacks(folders: readonly string[]): Promise<LoadedRules> {
  const reading: Reading = { sources: [], packs: [], problems: [], unreadable: [] };
  for (const folder of folders) {
    for (const found of await findPacks(resolve(folder))) await readPackInto(found, reading);
  }
  return { ...reading, version: versionOf(reading.sources) };
}
