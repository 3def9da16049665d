/** The only place that changes spool and journal on disk, and the only caller of fsync. What it has resolved survives a power cut. */
import { constants } from "node:fs";
import { link, mkdir, open, readdir, rename, rmdir, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

export type How = "new" | "replace" | "append" | "existing";

export interface WritableFile {
  write(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** Every call that changes something. Tests put a recorder or a faulty disk here, and nowhere else. */
export interface Syscalls {
  mkdir(path: string): Promise<void>;
  open(path: string, how: How): Promise<WritableFile>;
  rename(from: string, to: string): Promise<void>;
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
const flags: Readonly<Record<How, number>> = {
  new: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
  replace: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
  append: O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW,
  existing: O_WRONLY | O_NOFOLLOW,
};

export const nodeSyscalls: Syscalls = {
  mkdir: (path) => mkdir(path, { mode: 0o700 }),
  rename,
  link,
  unlink,
  rmdir,

  async open(path, how) {
    const file = await open(path, flags[how], 0o600);
    return {
      write: (bytes) => file.appendFile(bytes),
      sync: () => file.sync(),
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  },

  async syncFolder(path) {
    const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

export const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** Waits for all, then fails with the first failure: nothing is still being written when the caller cleans up. */
async function all(jobs: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(jobs)).find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

export class Durable {
  readonly #calls: Syscalls;
  readonly #folders = new Map<string, { readonly running: Promise<void>; next: Promise<void> | null }>();

  constructor(calls: Syscalls = nodeSyscalls) {
    this.#calls = calls;
  }

  /** Not synced: for what may vanish, and for files whose owner syncs them in groups. */
  open(path: string, how: How): Promise<WritableFile> {
    return this.#calls.open(path, how);
  }

  makeFolder(path: string): Promise<void> {
    return this.#calls.mkdir(path);
  }

  /** Makes the folder if it is not there, and makes sure that it stays. */
  async keepFolder(path: string): Promise<void> {
    try {
      await this.#calls.mkdir(path);
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    await this.syncFolder(dirname(path));
  }

  link(from: string, to: string): Promise<void> {
    return this.#calls.link(from, to);
  }

  /**
   * A sync that is under way may have begun before the caller's change, so the caller gets the next one; all who wait
   * meanwhile share it. A failure is final for all who share it (R11): what was dirty may be gone, a second sync would lie.
   */
  syncFolder(path: string): Promise<void> {
    const now = this.#folders.get(path);
    if (!now) return this.#startSync(path);
    now.next ??= now.running.then(
      () => this.#startSync(path),
      () => this.#startSync(path),
    );
    return now.next;
  }

  #startSync(path: string): Promise<void> {
    const running = this.#calls.syncFolder(path);
    const state = { running, next: null as Promise<void> | null };
    this.#folders.set(path, state);
    const done = (): void => {
      if (this.#folders.get(path) === state && state.next === null) this.#folders.delete(path);
    };
    running.then(done, done);
    return running;
  }

  async #put(path: string, how: How, bytes: Uint8Array | null): Promise<void> {
    const file = await this.#calls.open(path, how);
    try {
      if (bytes) await file.write(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Writes and syncs all files of a folder that nobody has seen yet, then the folder. Null stands for a file that is there but not synced. */
  async fill(folder: string, files: ReadonlyMap<string, Uint8Array | null>): Promise<void> {
    const put = ([name, bytes]: readonly [string, Uint8Array | null]): Promise<void> =>
      this.#put(join(folder, name), bytes ? "new" : "existing", bytes);
    await all([...files].map(put));
    await this.#calls.syncFolder(folder);
  }

  /** Makes or replaces one file whole: whoever looks sees the old or the new one, never a piece. */
  async replace(folder: string, name: string, bytes: Uint8Array): Promise<void> {
    const made = join(folder, `${name}${unfinished}`);
    try {
      await this.#put(made, "replace", bytes);
      await this.#calls.rename(made, join(folder, name));
    } catch (error) {
      await this.#calls.unlink(made).catch(() => undefined);
      throw error;
    }
    await this.#calls.syncFolder(folder);
  }

  /** Adds a line and syncs it. `isNew` tells whether the folder has to be synced too. */
  async append(folder: string, name: string, bytes: Uint8Array, isNew: boolean): Promise<void> {
    await this.#put(join(folder, name), "append", bytes);
    if (isNew) await this.#calls.syncFolder(folder);
  }

  /** The rename alone: what fails here has changed nothing. */
  rename(from: string, to: string): Promise<void> {
    return this.#calls.rename(from, to);
  }

  async syncParents(from: string, to: string): Promise<void> {
    await all([...new Set([dirname(from), dirname(to)])].map((parent) => this.syncFolder(parent)));
  }

  /** Removes files in the order given, then syncs their folder. */
  async removeFiles(folder: string, names: readonly string[]): Promise<void> {
    for (const name of names)
      await this.#calls.unlink(join(folder, name)).catch((error: unknown) => {
        if (errnoOf(error) !== "ENOENT") throw error;
      });
    await this.#calls.syncFolder(folder);
  }

  /** Removes a folder and what is in it, without sync: for folders in `arriving`, which the next start would sweep. */
  async discard(folder: string): Promise<void> {
    for (const found of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, found.name);
      await (found.isDirectory() ? this.discard(path) : this.#calls.unlink(path));
    }
    await this.#calls.rmdir(folder);
  }

  /** False if something is in it. */
  async removeEmpty(folder: string): Promise<boolean> {
    try {
      await this.#calls.rmdir(folder);
      return true;
    } catch (error) {
      if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes(errnoOf(error) ?? "")) return false;
      throw error;
    }
  }
}

/** End of the name of a file that is being made; what is left of such files after a crash is removed. */
export const unfinished = ".new";
