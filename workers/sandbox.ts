/** Starts the children: the Node they run on, what they may read, their scratch folder, and what the system takes from them. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { GatewayError } from "../src/core/errors.ts";
import type { Bytes } from "../src/core/message.ts";
import { type ChildKind, type Confinement, childIds, findConfinement } from "./confine.ts";

const root = realpathSync(fileURLToPath(new URL("../", import.meta.url)));
const programFolders = ["workers", "src", "node_modules", "package.json"].map((name) => join(root, name));
const programFile = "program.json";
const preload = join(root, "workers/preload.js");

export interface SandboxOptions {
  /** Below it each run has a folder of its own. On the file system of the spool links are made, elsewhere copies. */
  readonly scratchDir: string;
  /** Files below it are ours to hand to a child's group; all others are copied where children have users of their own. */
  readonly spoolDir?: string;
  readonly memory: Bytes;
  /** Node before 26 lets a child open connections; only for systems that take the network away by other means. */
  readonly allowOldNode?: boolean;
  /** Other than what is found out: for tests of weaker systems. */
  readonly confinement?: Confinement;
  /** Folders besides those of the program: for programs of tests. */
  readonly alsoReadable?: readonly string[];
}

/** What one child sees of the disk besides its program; the only way for large content. */
export interface Scratch {
  /** Puts a file of the spool there; its name in the child's working folder. Throws SPOOL_NOT_THERE. */
  put(file: string): Promise<string>;
  take(name: string): void;
  remove(): void;
}

export interface Started {
  readonly process: ChildProcess;
  readonly scratch: Scratch;
}

export interface Sandbox {
  readonly confinement: Confinement;
  /** `program` is a file below the project's folder. `stdio` as for spawn. */
  start(kind: ChildKind, program: string, stdio: Parameters<typeof spawn>[2]["stdio"]): Started;
  dispose(): void;
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === "ENOENT";

/** Folders of runs whose process is gone. */
function sweep(scratchDir: string): void {
  for (const name of readdirSync(scratchDir)) {
    const pid = Number(/^run-(\d+)-/.exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    rmSync(join(scratchDir, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What children run, below the project's folder. */
const sourceFolders = ["workers", "src/core", "src/observe", "src/dissect", "src/rulepacks"];

/** The children's sources without types; null where that fails: then each child strips for itself. */
function stripProgram(others: readonly string[]): Promise<Buffer | null> {
  const folders = [...sourceFolders, ...others.map((folder) => relative(root, folder))];
  const args = ["--no-warnings", "--permission", `--allow-fs-read=${root}`, join(root, "workers/strip.ts"), ...folders];
  const options = { env: {}, encoding: "buffer", maxBuffer: 64 * 2 ** 20, timeout: 30_000 } as const;
  return new Promise((done) => {
    execFile(process.execPath, args, options, (error, stdout) => done(error ? null : stdout));
  });
}

const heapShare = 0.5;
const mebibyte = 2 ** 20;
/**
 * All that a child's environment holds. By itself the C library gives large buffers back at once, and each new one is paid for page by page: half of
 * what an office document cost. An opener has many of them; a matcher has one, see FrameSource, and gives all else back.
 */
export const childEnvironment = (kind: ChildKind): Readonly<Record<string, string>> => {
  const threshold = String(kind === "opener" ? 32 * mebibyte : mebibyte / 8);
  return { MALLOC_ARENA_MAX: "1", MALLOC_MMAP_THRESHOLD_: threshold, MALLOC_TRIM_THRESHOLD_: threshold };
};

/** Node's own share of the sandbox: reads the named folders, writes nothing, starts nothing, connects to nothing. */
function nodeArguments(
  kind: ChildKind,
  memory: Bytes,
  readable: readonly string[],
  seen: (path: string) => string,
): readonly string[] {
  return [
    "--permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    // The engine is native code, for which Node's model does not hold; the system's does.
    ...(kind === "matcher" ? ["--allow-addons"] : ["--no-addons"]),
    "--disable-sigusr1",
    "--no-warnings",
    `--max-old-space-size=${Math.ceil((memory * heapShare) / 2 ** 20)}`,
    // A small young generation, collected when a job is done: see garbage.ts.
    "--max-semi-space-size=2",
    "--expose-gc",
    "--v8-pool-size=1",
    `--import=${seen(preload)}`,
  ];
}

function makeScratch(folder: string, gid: number | null, spoolDir: string | null, program: string | null): Scratch {
  mkdirSync(folder);
  if (gid !== null) chownSync(folder, -1, gid);
  chmodSync(folder, 0o750);
  if (program) linkSync(program, join(folder, programFile));
  let next = 0;

  function giveToChild(path: string): void {
    if (gid === null) return;
    chownSync(path, -1, gid);
    chmodSync(path, 0o640);
  }

  const mayLink = (file: string): boolean =>
    gid === null || (spoolDir !== null && resolve(file).startsWith(spoolDir + sep));

  /** False on another device, or where links are not made. */
  function link(file: string, path: string): boolean {
    try {
      linkSync(file, path);
      return true;
    } catch (error) {
      if (isMissing(error)) throw error;
      return false;
    }
  }

  return {
    async put(file) {
      const name = `content-${next++}`;
      const path = join(folder, name);
      try {
        if (!mayLink(file) || !link(file, path)) await copyFile(file, path);
        giveToChild(path);
      } catch (error) {
        if (isMissing(error)) throw new GatewayError("SPOOL_NOT_THERE", { file: basename(file) }, error);
        throw error;
      }
      return name;
    },
    take: (name) => rmSync(join(folder, name), { force: true }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const noNetworkSince = 26;

/** Modes are set by chmod: what children of other users read must not depend on the umask of who starts us. */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  mkdirSync(options.scratchDir, { recursive: true, mode: 0o711 });
  const scratchDir = realpathSync(options.scratchDir);
  sweep(scratchDir);
  const readable = [...programFolders, ...(options.alsoReadable ?? [])];
  const [confinement, stripped] = await Promise.all([
    options.confinement ?? findConfinement({ program: [...readable, process.execPath] }),
    stripProgram(options.alsoReadable ?? []),
  ]);
  const major = Number(process.versions.node.split(".")[0]);
  if (major < noNetworkSince && !confinement.noNetwork && !options.allowOldNode)
    throw new GatewayError("SCANNER_UNAVAILABLE", {
      reason: `Node ${process.versions.node} cannot keep children from the network; use Node ${noNetworkSince} or later`,
    });
  const run = mkdtempSync(join(scratchDir, `run-${process.pid}-`));
  chmodSync(run, 0o711);
  const program = stripped ? join(run, programFile) : null;
  if (program && stripped) {
    writeFileSync(program, stripped);
    chmodSync(program, 0o644);
  }
  const spoolDir = options.spoolDir === undefined ? null : resolve(options.spoolDir);
  let next = 0;

  return {
    confinement,
    start(kind, file, stdio) {
      const folder = join(run, `${kind}-${next++}`);
      const scratch = makeScratch(folder, confinement.ownUser ? childIds[kind] : null, spoolDir, program);
      const { seen } = confinement;
      // With an asterisk, since Node cannot see for itself that it is a folder where one above is closed to the child.
      const own = `${folder}/*`;
      const prefix = confinement.prefix(kind, options.memory);
      const command = [
        ...prefix,
        seen(process.execPath),
        ...nodeArguments(kind, options.memory, [...readable.map(seen), own], seen),
        seen(join(root, file)),
      ];
      const [first = process.execPath, ...args] = command;
      // The child reaches its folder as the place where it stands: folders above may be closed to its user.
      const child = spawn(first, args, { env: childEnvironment(kind), cwd: folder, stdio });
      return { process: child, scratch };
    },
    dispose: () => rmSync(run, { recursive: true, force: true }),
  };
}
