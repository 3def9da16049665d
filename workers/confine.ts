/** What the operating system can take from a child: user, network, privileges, resources. Tried out, not assumed. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import type { Bytes } from "../src/core/message.ts";

/** Numbers that no account has: below systemd's dynamic users (61184) lie people and daemons, 65534 is everybody's nobody. */
export const childIds = { opener: 65_530, matcher: 65_531 } as const;
export type ChildKind = keyof typeof childIds;

export interface Confinement {
  /** Own user and no network: what native code needs before it may see hostile octets (R20). */
  readonly ok: boolean;
  readonly how: readonly string[];
  readonly missing: readonly string[];
  /** Children run under users of their own. */
  readonly ownUser: boolean;
  readonly noNetwork: boolean;
  /** What is put in front of the command. */
  prefix(kind: ChildKind, memory: Bytes): readonly string[];
  /** A path of the program as a child sees it. */
  seen(path: string): string;
}

export interface ConfineOptions {
  /** Files and folders of the program, the Node binary among them. */
  readonly program: readonly string[];
  /** Tools are looked for here. */
  readonly toolFolders?: readonly string[];
}

const standardFolders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
/** A folder that every Linux has; what is mounted over it is seen by the child alone. */
const mountPoint = "/mnt";

/**
 * Arguments: pairs of what and where, `--`, the command. A private view, so that a child with a user of its own sees the
 * program even where a folder above it is closed to others (a checkout in root's home or in a folder of mktemp).
 */
const mountScript = `set -e
umask 022
PATH=/usr/bin:/bin:/usr/sbin:/sbin
mount -t tmpfs -o size=256k,mode=755 none ${mountPoint}
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$2"; elif [ ! -e "$2" ]; then mkdir -p "\${2%/*}"; : > "$2"; fi
  mount --bind -o ro "$1" "$2"
  shift 2
done
shift
exec env -u PWD -u OLDPWD -u SHLVL -u _ "$@"`;

function findTool(name: string, folders: readonly string[]): string | null {
  for (const folder of folders)
    try {
      accessSync(join(folder, name), constants.X_OK);
      return join(folder, name);
    } catch {
      // Not in this folder.
    }
  return null;
}

const works = ([command, ...args]: readonly string[]): Promise<boolean> =>
  new Promise((resolve) => {
    if (command === undefined) return resolve(false);
    execFile(command, args, { env: {}, timeout: 5000, killSignal: "SIGKILL" }, (error) => resolve(error === null));
  });

const throughMount = (path: string): string => mountPoint + path;

interface Means {
  readonly unshare: string | null;
  readonly setpriv: string | null;
  readonly prlimit: string | null;
  readonly shell: string;
}

const idArguments = (kind: ChildKind): readonly string[] => [
  `--reuid=${childIds[kind]}`,
  `--regid=${childIds[kind]}`,
  "--clear-groups",
  "--bounding-set=-all",
];
const privileges = ["--nnp", "--pdeathsig", "KILL"];

/** Reads as the child's user what the child will have to read. */
const readsAll = (paths: readonly string[]): readonly string[] => [
  "/bin/sh",
  "-c",
  'for path; do [ -r "$path" ] || exit 1; done',
  "sh",
  ...paths,
];

type User = "own" | "own, through mounts" | "ours";

async function tryUser(means: Means, isRoot: boolean, program: readonly string[]): Promise<User> {
  const { setpriv, unshare, shell } = means;
  if (!isRoot || !setpriv) return "ours";
  const asChild = [setpriv, ...idArguments("opener"), ...privileges, "--"];
  if (await works([...asChild, ...readsAll(program)])) return "own";
  if (!unshare) return "ours";
  const mounts = program.flatMap((path) => [path, throughMount(path)]);
  const mounted = [unshare, "--mount", "--", shell, "-c", mountScript, "sh", ...mounts, "--", ...asChild];
  return (await works([...mounted, ...readsAll(program.map(throughMount))])) ? "own, through mounts" : "ours";
}

async function tryNetwork(means: Means, isRoot: boolean): Promise<readonly string[] | null> {
  if (!means.unshare) return null;
  const flags = isRoot ? ["--net"] : ["--map-current-user", "--net"];
  return (await works([means.unshare, ...flags, "--", "/bin/true"])) ? flags : null;
}

const limits = (memory: Bytes, ownUser: boolean): readonly string[] => [
  "--core=0",
  // Nothing can be written to any file, whatever its rights say.
  "--fsize=0",
  "--nofile=64",
  // The kernel's word behind the watchdog of the parent, which looks ten times a second; 1 GiB is for what V8 only reserves.
  `--data=${memory * 2 + 2 ** 30}`,
  // A fuse: no child lives for six hours of computing.
  "--cpu=21600",
  ...(ownUser ? ["--nproc=1024"] : []),
];

function describe(user: User, network: boolean, nnp: boolean, limited: boolean): Pick<Confinement, "how" | "missing"> {
  const facts: readonly (readonly [boolean, string])[] = [
    [user !== "ours", user === "ours" ? "own user" : user.replace("own", "own user")],
    [network, "no network"],
    [nnp, "no new privileges"],
    [limited, "resource limits"],
  ];
  return {
    how: facts.filter(([had]) => had).map(([, what]) => what),
    missing: facts.filter(([had]) => !had).map(([, what]) => what),
  };
}

/** Finds out what can be had here, by doing it. */
export async function findConfinement({
  program,
  toolFolders = standardFolders,
}: ConfineOptions): Promise<Confinement> {
  const isRoot = process.getuid?.() === 0;
  const [unshare, setpriv, prlimit] = ["unshare", "setpriv", "prlimit"].map((name) => findTool(name, toolFolders));
  const means: Means = {
    unshare: unshare ?? null,
    setpriv: setpriv ?? null,
    prlimit: prlimit ?? null,
    shell: "/bin/sh",
  };
  const [user, network, nnp, limited] = await Promise.all([
    tryUser(means, isRoot, program),
    tryNetwork(means, isRoot),
    works(means.setpriv ? [means.setpriv, ...privileges, "--", "/bin/true"] : []),
    works(means.prlimit ? [means.prlimit, ...limits(2 ** 30, false), "--", "/bin/true"] : []),
  ]);
  const ownUser = user !== "ours";
  const mounted = user === "own, through mounts";
  const namespaces = [...(network ?? []), ...(mounted ? ["--mount"] : [])];

  function prefix(kind: ChildKind, memory: Bytes): readonly string[] {
    const mounts = program.flatMap((path) => [path, throughMount(path)]);
    return [
      ...(means.unshare && namespaces.length > 0 ? [means.unshare, ...namespaces, "--"] : []),
      ...(mounted ? [means.shell, "-c", mountScript, "sh", ...mounts, "--"] : []),
      ...(means.prlimit && limited ? [means.prlimit, ...limits(memory, ownUser), "--"] : []),
      ...(means.setpriv && nnp ? [means.setpriv, ...(ownUser ? idArguments(kind) : []), ...privileges, "--"] : []),
    ];
  }

  return {
    ok: ownUser && network !== null,
    ...describe(user, network !== null, nnp, limited),
    ownUser,
    noNetwork: network !== null,
    prefix,
    seen: (path) => (mounted ? throughMount(path) : path),
  };
}
