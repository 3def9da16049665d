/** A disk that fails on demand: the only fake of the spool's tests, at the edge where system calls are made. */
import { nodeSyscalls, type Syscalls, type WritableFile } from "../../src/spool/durable.ts";

export type Call =
  | "mkdir"
  | "open"
  | "write"
  | "sync"
  | "truncate"
  | "rename"
  | "link"
  | "unlink"
  | "rmdir"
  | "syncFolder";

export interface FaultyDisk {
  readonly syscalls: Syscalls;
  /** Every call so far, as "rename /path". */
  readonly made: readonly string[];
  /** The next `times` calls of this kind whose path contains `where` fail. */
  fail(call: Call, errno: string, where?: string, times?: number): void;
  /** The call after `n` others fails, whatever it is. */
  failNth(n: number, errno: string): void;
  heal(): void;
}

export function faultyDisk(): FaultyDisk {
  const made: string[] = [];
  const faults: { call: Call; errno: string; where: string; times: number }[] = [];

  let countdown = { left: 0, errno: "" };
  const failure = (call: Call, errno: string): Error => Object.assign(new Error(`${errno}: ${call}`), { code: errno });

  function check(call: Call, path: string): void {
    made.push(`${call} ${path}`);
    countdown.left -= 1;
    if (countdown.left === -1 && countdown.errno !== "") throw failure(call, countdown.errno);
    const fault = faults.find((each) => each.call === call && each.times > 0 && path.includes(each.where));
    if (!fault) return;
    fault.times -= 1;
    throw failure(call, fault.errno);
  }

  const wrap = (file: WritableFile, path: string): WritableFile => ({
    close: () => file.close(),
    // Half of it reaches the disk, as a real ENOSPC would have it.
    write: async (bytes) => {
      try {
        check("write", path);
      } catch (error) {
        await file.write(bytes.subarray(0, bytes.length >> 1));
        throw error;
      }
      await file.write(bytes);
    },
    sync: async () => {
      check("sync", path);
      await file.sync();
    },
    truncate: async (length) => {
      check("truncate", path);
      await file.truncate(length);
    },
  });

  const syscalls: Syscalls = {
    mkdir: async (path) => {
      check("mkdir", path);
      await nodeSyscalls.mkdir(path);
    },
    open: async (path, how) => {
      check("open", path);
      return wrap(await nodeSyscalls.open(path, how), path);
    },
    rename: async (from, to) => {
      check("rename", `${from} ${to}`);
      await nodeSyscalls.rename(from, to);
    },
    link: async (from, to) => {
      check("link", to);
      await nodeSyscalls.link(from, to);
    },
    unlink: async (path) => {
      check("unlink", path);
      await nodeSyscalls.unlink(path);
    },
    rmdir: async (path) => {
      check("rmdir", path);
      await nodeSyscalls.rmdir(path);
    },
    syncFolder: async (path) => {
      check("syncFolder", path);
      await nodeSyscalls.syncFolder(path);
    },
  };

  return {
    syscalls,
    made,
    fail: (call, errno, where = "", times = 1) => {
      faults.push({ call, errno, where, times });
    },
    failNth: (n, errno) => {
      countdown = { left: n, errno };
    },
    heal: () => {
      faults.length = 0;
      countdown = { left: 0, errno: "" };
    },
  };
}
