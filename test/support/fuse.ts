/** System calls with a fuse: it blows right before or after a chosen call, and whoever set it decides how the process ends. */
import { type How, nodeSyscalls, type Syscalls, type WritableFile } from "../../src/spool/durable.ts";

export interface Arrow {
  /** Looked for in "rename /from /to", "write /path", "link /to" … as a regular expression. */
  readonly call: string;
  /** The how-manieth such call, from 1. */
  readonly nth: number;
  readonly when: "before" | "after";
}

export interface Fuse {
  readonly syscalls: Syscalls;
  /** Sets it; calls are counted from now on. */
  arm(arrow: Arrow): void;
  /** For what is no system call of the spool: counted like those; says when to blow, if this is what was waited for. */
  reached(what: string): Arrow["when"] | null;
  /** Calls since it was set that the arrow means. */
  readonly met: number;
  /** The call at which it blew. */
  readonly blownAt: string | null;
}

/** `blow` ends the process, or never resolves, which for the code that waits is the same. */
export function createFuse(blow: () => Promise<never>): Fuse {
  let wanted: { readonly pattern: RegExp; readonly arrow: Arrow } | null = null;
  let met = 0;
  let blownAt: string | null = null;
  const open = new Set<WritableFile>();

  /** The kernel closes the files of a process that dies. */
  function die(what: string): Promise<never> {
    blownAt = what;
    for (const file of open) void file.close().catch(() => undefined);
    open.clear();
    return blow();
  }

  function reached(what: string): Arrow["when"] | null {
    if (!wanted?.pattern.test(what)) return null;
    met += 1;
    return met === wanted.arrow.nth ? wanted.arrow.when : null;
  }

  async function call<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (blownAt !== null) return blow();
    const when = reached(what);
    if (when === "before") return die(what);
    const result = await work();
    if (when === "after") return die(what);
    return blownAt === null ? result : blow();
  }

  const wrap = (file: WritableFile, path: string): WritableFile => ({
    write: (bytes) => call(`write ${path}`, () => file.write(bytes)),
    sync: () => call(`sync ${path}`, () => file.sync()),
    truncate: (length) => call(`truncate ${path}`, () => file.truncate(length)),
    close: async () => {
      if (open.delete(file)) await file.close();
    },
  });

  async function opened(path: string, how: How): Promise<WritableFile> {
    const file = await nodeSyscalls.open(path, how);
    if (blownAt !== null) await file.close();
    else open.add(file);
    return wrap(file, path);
  }

  const syscalls: Syscalls = {
    mkdir: (path) => call(`mkdir ${path}`, () => nodeSyscalls.mkdir(path)),
    open: (path, how) => call(`open ${path}`, () => opened(path, how)),
    rename: (from, to) => call(`rename ${from} ${to}`, () => nodeSyscalls.rename(from, to)),
    link: (from, to) => call(`link ${to}`, () => nodeSyscalls.link(from, to)),
    unlink: (path) => call(`unlink ${path}`, () => nodeSyscalls.unlink(path)),
    rmdir: (path) => call(`rmdir ${path}`, () => nodeSyscalls.rmdir(path)),
    syncFolder: (path) => call(`syncFolder ${path}`, () => nodeSyscalls.syncFolder(path)),
  };

  return {
    syscalls,
    reached,
    arm(arrow) {
      wanted = { pattern: new RegExp(arrow.call), arrow };
      met = 0;
    },
    get met() {
      return met;
    },
    get blownAt() {
      return blownAt;
    },
  };
}
