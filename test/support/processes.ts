/** Who descends from a process, as /proc tells; Linux. */
import { readdirSync, readFileSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly isZombie: boolean;
}

/** proc(5): the name in brackets may hold anything, so count from its end. */
function look(pid: number): Process | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, parent] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(parent), isZombie: state === "Z" };
  } catch {
    return null;
  }
}

const all = (): readonly Process[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => look(Number(name)) ?? []);

export function descendants(ancestor: number): readonly number[] {
  const processes = all();
  const found = new Set([ancestor]);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  found.delete(ancestor);
  return [...found];
}

export const alive = (pids: readonly number[]): readonly number[] =>
  pids.filter((pid) => {
    const found = look(pid);
    return found !== null && !found.isZombie;
  });
