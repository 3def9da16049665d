/** Power cuts at every step of what was recorded: each state that one may leave is laid out on the disk once, and checked. */
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { chance, dropped, kept, materialise, type PowerLoss } from "./power-loss.ts";
import { temporaryFolder } from "./spool.ts";

const fates = [dropped, kept, ...Array.from({ length: 1 }, (_, i) => chance(i + 1))];

/** Calls `check` with a folder for each different state that a cut at any step may leave. Returns how many there were. */
export async function everyCut(
  t: TestContext,
  power: PowerLoss,
  check: (dir: string, marks: ReadonlySet<string>) => Promise<void>,
): Promise<number> {
  const base = await temporaryFolder(t);
  const seen = new Set<string>();
  for (let cut = 0; cut <= power.length; cut += 1)
    for (const fate of fates) {
      const found = power.after(cut, fate);
      const marks = power.marksBefore(cut);
      const state = createHash("sha256").update([...marks].join());
      for (const [path, octets] of found) state.update(`\0${path}\0${octets === null}`).update(octets ?? "");
      const key = state.digest("hex");
      if (seen.has(key)) continue;
      seen.add(key);
      const dir = join(base, key.slice(0, 16));
      await mkdir(dir);
      await materialise(dir, found);
      try {
        await check(dir, marks);
      } catch (error) {
        throw new Error(`cut before step ${cut} of ${power.length}, the unsynced ${fate.name}`, { cause: error });
      }
    }
  return seen.size;
}
