/** Blobs as files of a folder that all nodes mount. */
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { Bytes } from "../core/message.ts";
import { type BlobFacts, type BlobStore, notThere, requireKey, requirePrefix, wrongSize } from "./blob-store.ts";

const slice: Bytes = 256 * 1024;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
const isAbsent = (error: unknown): boolean => codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";

const unavailable = (error: unknown): GatewayError =>
  isGatewayError(error) ? error : new GatewayError("BLOBS_UNAVAILABLE", { reason: codeOf(error) }, error);

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** And closes the file. */
async function write(
  handle: FileHandle,
  key: string,
  size: Bytes,
  octets: Uint8Array | AsyncIterable<Uint8Array>,
  transient: boolean,
): Promise<void> {
  try {
    let got = 0;
    for await (const chunk of octets instanceof Uint8Array ? [octets] : octets) {
      got += chunk.length;
      await handle.writeFile(chunk);
    }
    if (got !== size) throw wrongSize(key, size, got);
    if (!transient) await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function* once(octets: Uint8Array): AsyncIterable<Uint8Array> {
  yield octets;
}

/** Yields what lies below a folder; what goes meanwhile is left out. */
async function* walk(folder: string, prefix: string): AsyncIterable<BlobFacts> {
  const entries = await opendir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return null;
    throw unavailable(error);
  });
  if (!entries) return;
  for await (const entry of entries) {
    // A name that is no key is a put under way.
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) yield* walk(join(folder, entry.name), `${prefix}${entry.name}/`);
    else {
      const found = await stat(join(folder, entry.name)).catch(() => null);
      if (found) yield { key: prefix + entry.name, size: found.size, modifiedAt: found.mtime };
    }
  }
}

export class FolderBlobs implements BlobStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  #path(key: string): string {
    return join(this.#dir, requireKey(key));
  }

  async put(
    key: string,
    size: Bytes,
    octets: Uint8Array | AsyncIterable<Uint8Array>,
    { transient = false }: { readonly transient?: boolean } = {},
  ): Promise<void> {
    const path = this.#path(key);
    const folder = dirname(path);
    const passing = join(folder, `.${randomBytes(9).toString("hex")}`);
    try {
      const handle = await open(passing, "wx", 0o600).catch(async (error: unknown) => {
        if (!isAbsent(error)) throw error;
        await mkdir(folder, { recursive: true, mode: 0o700 });
        return open(passing, "wx", 0o600);
      });
      await write(handle, key, size, octets, transient);
      await rename(passing, path);
      if (!transient) await syncFolder(folder);
    } catch (error) {
      await rm(passing, { force: true }).catch(() => undefined);
      throw unavailable(error);
    }
  }

  async get(key: string): Promise<AsyncIterable<Uint8Array>> {
    try {
      const handle = await open(this.#path(key), "r");
      const { size } = await handle.stat();
      if (size > slice) return createReadStream("", { fd: handle, highWaterMark: slice });
      try {
        // A stream would take the memory of a whole slice for the least of parts.
        return once(await handle.readFile());
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (isAbsent(error)) throw notThere(key, error);
      throw error instanceof TypeError ? error : unavailable(error);
    }
  }

  async stat(key: string): Promise<BlobFacts | null> {
    const path = this.#path(key);
    try {
      const { size, mtime } = await stat(path);
      return { key, size, modifiedAt: mtime };
    } catch (error) {
      if (isAbsent(error)) return null;
      throw unavailable(error);
    }
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    try {
      await rm(path, { force: true });
    } catch (error) {
      if (!isAbsent(error)) throw unavailable(error);
    }
  }

  async *list(prefix: string): AsyncIterable<BlobFacts> {
    yield* walk(join(this.#dir, requirePrefix(prefix)), prefix);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
