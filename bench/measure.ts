/** CPU and memory of a process tree, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100;

function statOf(pid: number): { readonly ppid: number; readonly ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const at = (index: number): number => Number(fields[index - 3]);
    return { ppid: at(4), ticks: at(14) + at(15) + at(16) + at(17) };
  } catch {
    return null;
  }
}

/** The process and all its descendants. */
export function tree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(Number(name));
    if (stat) children.set(stat.ppid, [...(children.get(stat.ppid) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Seconds of CPU of the tree, children that have ended included. */
export const cpuSeconds = (root: number): number =>
  tree(root).reduce((sum, pid) => sum + (statOf(pid)?.ticks ?? 0), 0) / ticksPerSecond;

/** Of the process alone. */
export const ownCpuSeconds = (pid: number): number => (statOf(pid)?.ticks ?? 0) / ticksPerSecond;

/** Proportional set size of the tree in bytes. */
export function pss(root: number): number {
  let kilobytes = 0;
  for (const pid of tree(root)) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
    } catch {
      // it has ended since
    }
  }
  return kilobytes * 1024;
}

/** The highest PSS seen, looked at twice a second. */
export function watchPss(root: number): { stop(): number } {
  let peak = pss(root);
  const timer = setInterval(() => {
    peak = Math.max(peak, pss(root));
  }, 500);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(peak, pss(root));
    },
  };
}
