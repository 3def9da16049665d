/**
 * Power loss by replay (R27): records every call that changes the disk, and builds what may be found after a power cut at any
 * point: what was synced, and of the rest nothing, everything, or anything between. A rename is one change of two folders, which
 * lasts for certain only when both were synced.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { nodeSyscalls, type Syscalls } from "../../src/spool/durable.ts";

interface File {
  readonly kind: "file";
}
interface Folder {
  readonly kind: "folder";
}
type Inode = File | Folder;

type Step =
  /** `inode` null: the name goes. `from`: where it had another name before. */
  | {
      readonly op: "name";
      readonly folder: Folder;
      readonly name: string;
      readonly inode: Inode | null;
      readonly from?: { readonly folder: Folder; readonly name: string };
    }
  | { readonly op: "data"; readonly file: File; readonly bytes: Uint8Array }
  | { readonly op: "truncate"; readonly file: File; readonly length: number }
  /** Covers the steps before `covers`: those that had ended when the sync began. */
  | { readonly op: "sync"; readonly inode: Inode; readonly covers: number }
  | { readonly op: "mark"; readonly text: string };

/** Says of each change that was not synced whether it reached the disk; a torn write reaches it in part. */
export interface Fate {
  readonly name: string;
  readonly happens: () => boolean;
  /** How many of these octets reach the disk, and whether zeros stand for the others. */
  readonly written: (length: number) => { readonly bytes: number; readonly zeros: boolean };
}

export const dropped: Fate = { name: "dropped", happens: () => false, written: () => ({ bytes: 0, zeros: false }) };
export const kept: Fate = { name: "kept", happens: () => true, written: (bytes) => ({ bytes, zeros: false }) };

/** The same for the same seed. */
export function chance(seed: number): Fate {
  let state = seed * 2_654_435_761 + 1;
  const random = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0;
    return state / 2 ** 32;
  };
  return {
    name: `chance ${seed}`,
    happens: () => random() < 0.5,
    written: (length) => ({ bytes: Math.floor(random() * (length + 1)), zeros: random() < 0.3 }),
  };
}

export class PowerLoss {
  readonly #root: string;
  readonly #steps: Step[] = [];
  readonly #top: Folder = { kind: "folder" };
  /** What the running system sees. */
  readonly #names = new Map<Folder, Map<string, Inode>>([[this.#top, new Map()]]);

  constructor(root: string) {
    this.#root = root;
  }

  get length(): number {
    return this.#steps.length;
  }

  mark(text: string): void {
    this.#steps.push({ op: "mark", text });
  }

  marksBefore(cut: number): ReadonlySet<string> {
    return new Set(this.#steps.slice(0, cut).flatMap((step) => (step.op === "mark" ? [step.text] : [])));
  }

  #walk(path: string): { readonly folder: Folder; readonly name: string; readonly inode: Inode | undefined } {
    const way = relative(this.#root, path).split("/");
    const name = way.pop() ?? "";
    let folder = this.#top;
    for (const each of way) {
      const next = this.#names.get(folder)?.get(each);
      if (next?.kind !== "folder") throw new Error(`no folder: ${path}`);
      folder = next;
    }
    return { folder, name, inode: name === "" ? this.#top : this.#names.get(folder)?.get(name) };
  }

  #name(path: string, inode: Inode | null, fromPath?: string): void {
    const { folder, name } = this.#walk(path);
    const from = fromPath === undefined ? undefined : this.#walk(fromPath);
    if (from) this.#names.get(from.folder)?.delete(from.name);
    if (inode) this.#names.get(folder)?.set(name, inode);
    else this.#names.get(folder)?.delete(name);
    this.#steps.push({ op: "name", folder, name, inode, ...(from ? { from } : {}) });
  }

  #inode(path: string): Inode {
    const { inode } = this.#walk(path);
    if (!inode) throw new Error(`not there: ${path}`);
    return inode;
  }

  /** `real` does the work; this takes notes. */
  record(real: Syscalls = nodeSyscalls): Syscalls {
    const steps = this.#steps;
    return {
      mkdir: async (path) => {
        await real.mkdir(path);
        const folder: Folder = { kind: "folder" };
        this.#names.set(folder, new Map());
        this.#name(path, folder);
      },
      open: async (path, how) => {
        const opened = await real.open(path, how);
        const there = this.#walk(path).inode;
        const file: File = there?.kind === "file" ? there : { kind: "file" };
        if (!there) this.#name(path, file);
        else if (how === "replace") steps.push({ op: "truncate", file, length: 0 });
        return {
          write: async (bytes) => {
            await opened.write(bytes);
            steps.push({ op: "data", file, bytes: Buffer.from(bytes) });
          },
          sync: async () => {
            const covers = steps.length;
            await opened.sync();
            steps.push({ op: "sync", inode: file, covers });
          },
          truncate: async (length) => {
            await opened.truncate(length);
            steps.push({ op: "truncate", file, length });
          },
          close: () => opened.close(),
        };
      },
      rename: async (from, to) => {
        const inode = this.#inode(from);
        await real.rename(from, to);
        this.#name(to, inode, from);
      },
      link: async (from, to) => {
        const inode = this.#inode(from);
        await real.link(from, to);
        this.#name(to, inode);
      },
      unlink: async (path) => {
        await real.unlink(path);
        this.#name(path, null);
      },
      rmdir: async (path) => {
        await real.rmdir(path);
        this.#name(path, null);
      },
      syncFolder: async (path) => {
        const inode = this.#inode(path);
        const covers = steps.length;
        await real.syncFolder(path);
        steps.push({ op: "sync", inode, covers });
      },
    };
  }

  /** What lies on the disk after a cut before step `cut`: paths below the root, null for folders. */
  after(cut: number, fate: Fate): ReadonlyMap<string, Buffer | null> {
    const synced = new Map<Inode, number>();
    for (const step of this.#steps.slice(0, cut))
      if (step.op === "sync") synced.set(step.inode, Math.max(step.covers, synced.get(step.inode) ?? 0));
    const lasts = (inode: Inode, index: number): boolean => index < (synced.get(inode) ?? 0);

    const names = new Map<Folder, Map<string, Inode>>();
    const entriesOf = (folder: Folder): Map<string, Inode> => {
      const entries = names.get(folder) ?? new Map<string, Inode>();
      names.set(folder, entries);
      return entries;
    };
    const data = new Map<File, Buffer>();
    const torn = new Set<File>();
    this.#steps.slice(0, cut).forEach((step, index) => {
      if (step.op === "name") {
        const certain = lasts(step.folder, index) && (!step.from || lasts(step.from.folder, index));
        if (!certain && !fate.happens()) return;
        if (step.from && entriesOf(step.from.folder).get(step.from.name) === step.inode)
          entriesOf(step.from.folder).delete(step.from.name);
        if (step.inode) entriesOf(step.folder).set(step.name, step.inode);
        else entriesOf(step.folder).delete(step.name);
      } else if (step.op === "data" || step.op === "truncate") {
        const before = data.get(step.file) ?? Buffer.alloc(0);
        const certain = lasts(step.file, index);
        if (torn.has(step.file)) return;
        if (step.op === "truncate") {
          if (certain || fate.happens()) data.set(step.file, before.subarray(0, step.length));
          return;
        }
        const { bytes, zeros } = certain ? { bytes: step.bytes.length, zeros: false } : fate.written(step.bytes.length);
        if (bytes < step.bytes.length) torn.add(step.file);
        const rest = Buffer.alloc(zeros ? step.bytes.length - bytes : 0);
        data.set(step.file, Buffer.concat([before, step.bytes.subarray(0, bytes), rest]));
      }
    });

    const found = new Map<string, Buffer | null>();
    const visit = (folder: Folder, path: string): void => {
      for (const [name, inode] of names.get(folder) ?? []) {
        const at = join(path, name);
        if (inode.kind === "file") found.set(at, data.get(inode) ?? Buffer.alloc(0));
        else {
          found.set(at, null);
          visit(inode, at);
        }
      }
    };
    visit(this.#top, "");
    return found;
  }
}

/** Makes these files and folders, in a folder that is there. */
export async function materialise(root: string, found: ReadonlyMap<string, Buffer | null>): Promise<void> {
  for (const [path, octets] of found)
    if (octets === null) await mkdir(join(root, path));
    else await writeFile(join(root, path), octets);
}

/** For opening what was materialised: no need to sync that. */
export const unsynced: Syscalls = {
  ...nodeSyscalls,
  open: async (path, how) => ({ ...(await nodeSyscalls.open(path, how)), sync: () => Promise.resolve() }),
  syncFolder: () => Promise.resolve(),
};
