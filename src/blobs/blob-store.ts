/** Octets under a name, for all nodes. Whoever puts mail there seals it first; names tell nothing either. */
import { GatewayError } from "../core/errors.ts";
import type { Bytes } from "../core/message.ts";

export interface BlobFacts {
  readonly key: string;
  readonly size: Bytes;
  /** By the clock of the store. */
  readonly modifiedAt: Date;
}

/** All but `close` may reject with BLOBS_UNAVAILABLE. */
export interface BlobStore {
  /** There whole or not at all; a repeated put is harmless. `transient`: may be lost with the machine, so it need not wait for the disk. */
  put(
    key: string,
    size: Bytes,
    octets: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { readonly transient?: boolean },
  ): Promise<void>;
  /** Rejects with BLOB_NOT_THERE. To be read, or left with `break`. */
  get(key: string): Promise<AsyncIterable<Uint8Array>>;
  stat(key: string): Promise<BlobFacts | null>;
  /** Also when it is not there. */
  remove(key: string): Promise<void>;
  /** `prefix` is "" or ends with "/". In no order. */
  list(prefix: string): AsyncIterable<BlobFacts>;
  close(): Promise<void>;
}

const segment = /^[A-Za-z0-9][A-Za-z0-9._=-]*$/;
const longestKey = 512;

const isKey = (key: string): boolean => key.length <= longestKey && key.split("/").every((part) => segment.test(part));

/** Keys are ours: another is a mistake in the program, and must not become a path. */
export function requireKey(key: string): string {
  if (!isKey(key)) throw new TypeError(`no key of a blob: ${JSON.stringify(key.slice(0, 80))}`);
  return key;
}

export function requirePrefix(prefix: string): string {
  if (prefix !== "" && !(prefix.endsWith("/") && isKey(prefix.slice(0, -1))))
    throw new TypeError(`no prefix of blobs: ${JSON.stringify(prefix.slice(0, 80))}`);
  return prefix;
}

export const notThere = (key: string, cause?: unknown): GatewayError =>
  new GatewayError("BLOB_NOT_THERE", { key }, cause);

export const wrongSize = (key: string, wanted: Bytes, got: Bytes): GatewayError =>
  new GatewayError("BLOBS_UNAVAILABLE", { key, reason: `${got} octets came instead of ${wanted}` });
