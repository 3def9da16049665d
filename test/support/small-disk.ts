/** A small file system of its own that can be filled from outside and freed again; needs root. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  readonly folder: string;
  /** Leaves so many bytes, or none if there are fewer already. */
  fill(leave: number): void;
  free(): void;
}

const piece = Buffer.alloc(64 * 1024);

export function mountSmallDisk(folder: string, bytes: number): SmallDisk {
  if (process.getuid?.() !== 0)
    throw new Error("this test fills a small disk of its own, which only root may mount: run it as root");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder]);
  const filler = join(folder, "filler");
  const left = (): number => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  };
  return {
    folder,
    fill(leave) {
      const file = openSync(filler, "w");
      try {
        for (let more = left() - leave; more > 0; more = left() - leave)
          writeSync(file, piece, 0, Math.min(more, piece.length));
      } catch (error) {
        // The gateway writes as well: there is none left for either.
        if (!String(error).includes("ENOSPC")) throw error;
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => void execFileSync("umount", ["-l", folder]),
  };
}
