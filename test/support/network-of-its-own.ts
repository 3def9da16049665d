/** A network namespace with two wires to this machine, so that one can be pulled while the other holds. */
import { execFileSync, spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";

export interface Wire {
  /** This machine's end. */
  readonly here: string;
  /** The end within. */
  readonly there: string;
  /** From now on nothing passes, and nobody is told. */
  cut(): void;
  mend(): void;
}

export interface NetworkOfItsOwn {
  readonly wires: readonly [Wire, Wire];
  /** Put before a command, runs it within; the process keeps its id. */
  readonly prefix: readonly string[];
  remove(): void;
}

const ip = "/usr/sbin/ip";

/** What is missing for one, in words; null if nothing is. */
export function noNetworkBecause(): string | null {
  if (!existsSync(ip)) return "iproute2 is missing; on Debian: apt-get install iproute2";
  if (process.getuid?.() !== 0) return "network namespaces need root";
  const probe = `probe-${process.pid}`;
  const { status, stderr } = spawnSync(ip, ["netns", "add", probe], { encoding: "utf8" });
  if (status !== 0) return `network namespaces need CAP_SYS_ADMIN and CAP_NET_ADMIN: ${stderr.trim()}`;
  spawnSync(ip, ["netns", "delete", probe]);
  return null;
}

/** Gone when the process is. */
export function makeNetwork(): NetworkOfItsOwn {
  const id = randomInt(2 ** 16);
  const name = `sallyport-${id.toString(16)}`;
  const run = (...args: readonly string[]): void => void execFileSync(ip, args);
  const within = (...args: readonly string[]): void => run("-n", name, ...args);
  const remove = (): void => void spawnSync(ip, ["netns", "delete", name]);
  run("netns", "add", name);
  process.once("exit", remove);
  within("link", "set", "lo", "up");
  const wire = (n: number): Wire => {
    const [here, there] = [1, 2].map((end) => `10.${id >> 8}.${id & 255}.${n * 4 + end}`) as [string, string];
    const device = `sp${id.toString(16)}-${n}`;
    run("link", "add", device, "type", "veth", "peer", "name", `wire${n}`, "netns", name);
    run("address", "add", `${here}/30`, "dev", device);
    run("link", "set", device, "up");
    within("address", "add", `${there}/30`, "dev", `wire${n}`);
    within("link", "set", `wire${n}`, "up");
    return {
      here,
      there,
      cut: () => run("link", "set", device, "down"),
      mend: () => run("link", "set", device, "up"),
    };
  };
  return {
    wires: [wire(0), wire(1)],
    prefix: ["/usr/bin/nsenter", `--net=/var/run/netns/${name}`, "--"],
    remove() {
      process.off("exit", remove);
      remove();
    },
  };
}
