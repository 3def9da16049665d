/** The list of parts as it grows: unique paths, one hash per view, merged claims, and the limits. */
import { createHash, hash } from "node:crypto";
import type { Bytes, Part, Role, Sha256, TransferEncoding, View } from "../core/message.ts";
import { type Base64Notes, eachBase64 } from "./base64.ts";
import { decodeOctets } from "./decode.ts";

export interface Digest extends Base64Notes {
  readonly sha256: Sha256;
  readonly size: Bytes;
}

export interface Leaf {
  /** Another part may have it already: then this is another reading, and gets `~2` or more behind it. */
  readonly path: string;
  readonly role: Role;
  readonly names: readonly string[];
  readonly declaredTypes: readonly string[];
  readonly view: View;
}

interface Reading {
  readonly part: Part;
  readonly names: Set<string>;
  readonly declaredTypes: Set<string>;
}

/** Octets that may be read, as a multiple of the message: alternative readings of nested parts would multiply otherwise. */
const mostRead = (messageSize: Bytes, depth: number): Bytes => messageSize * (depth + 8) + 1024 * 1024;

const sha256Of = (octets: Uint8Array): Sha256 => hash("sha256", octets, "hex") as Sha256;

export class Parts {
  readonly #message: Buffer;
  readonly #most: number;
  readonly #readings = new Map<string, Reading[]>();
  readonly #digests = new Map<string, Digest>();
  readonly #byHash = new Map<Sha256, Reading>();
  readonly #paths = new Set<string>();
  readonly #list: Reading[] = [];
  #left: Bytes;
  /** Something was not added because of the number of parts, or of octets to read. */
  full = false;

  constructor(message: Buffer, limits: { readonly parts: number; readonly depth: number }) {
    this.#message = message;
    this.#most = limits.parts;
    this.#left = mostRead(message.length, limits.depth);
  }

  /** `reading`: 1, or the number of the alternative reading that the leaf belongs to. Null: there is no room left. The same octets at the same path are one part, and an alternative reading (or what is `onlyNew`) adds none that the message has already: their claims are put together. */
  add(leaf: Leaf, reading = 1, onlyNew = false): Digest | null {
    if (this.full) return null;
    const digest = this.#digest(leaf.view);
    if (!digest) return null;
    const same = this.#same(leaf, digest, reading > 1 || onlyNew);
    if (same) {
      for (const name of leaf.names) same.names.add(name);
      for (const type of leaf.declaredTypes) same.declaredTypes.add(type);
      return digest;
    }
    if (this.#list.length >= this.#most) {
      this.full = true;
      return null;
    }
    this.#append(leaf, digest, reading);
    return digest;
  }

  /** The part that these octets are already. */
  #same({ path, role }: Leaf, { sha256 }: Digest, anywhere: boolean): Reading | undefined {
    const here = this.#readings.get(path)?.find(({ part }) => part.sha256 === sha256);
    return here ?? (anywhere ? this.#twin(sha256, role) : undefined);
  }

  #append(leaf: Leaf, { sha256, size }: Digest, reading: number): void {
    const path = this.#free(leaf.path, reading);
    const part: Part = {
      path,
      role: leaf.role,
      sha256,
      size,
      names: [],
      declaredTypes: [],
      types: [],
      view: leaf.view,
    };
    const added = { part, names: new Set(leaf.names), declaredTypes: new Set(leaf.declaredTypes) };
    this.#readings.set(leaf.path, [...(this.#readings.get(leaf.path) ?? []), added]);
    if (!this.#byHash.has(sha256)) this.#byHash.set(sha256, added);
    this.#list.push(added);
  }

  /** A part with these octets, unless only that which is to be added says that there is a message in them. */
  #twin(sha256: Sha256, role: Role): Reading | undefined {
    const known = this.#byHash.get(sha256);
    return known && (role !== "attached-message" || known.part.role === role) ? known : undefined;
  }

  /** Whether some part has these octets already. */
  has(view: View): boolean {
    const digest = this.#digest(view);
    return digest === null || digest.size === 0 || this.#byHash.has(digest.sha256);
  }

  #free(path: string, reading: number): string {
    let free = reading === 1 ? path : `${path}~${reading}`;
    for (let next = Math.max(2, reading); this.#paths.has(free); next++) free = `${path}~${next}`;
    this.#paths.add(free);
    return free;
  }

  list(): readonly Part[] {
    return this.#list.map(({ part, names, declaredTypes }) => ({
      ...part,
      names: [...names],
      declaredTypes: [...declaredTypes],
    }));
  }

  /** Pays for octets to be read; false if the purse is empty. */
  spend(octets: Bytes): boolean {
    this.#left -= octets;
    if (this.#left < 0) this.full = true;
    return !this.full;
  }

  #digest(view: View): Digest | null {
    const key = `${view.offset} ${view.length} ${view.encoding}`;
    const cached = this.#digests.get(key);
    if (cached) return cached;
    if (!this.spend(view.length)) return null;
    const digest = digestOf(this.#message.subarray(view.offset, view.offset + view.length), view.encoding);
    this.#digests.set(key, digest);
    return digest;
  }
}

/** Large base64 is hashed slice by slice and never stands in memory as a whole. */
function digestOf(raw: Buffer, encoding: TransferEncoding): Digest {
  if (encoding !== "base64") {
    const { bytes, ...notes } = decodeOctets(raw, encoding);
    return { sha256: sha256Of(bytes), size: bytes.length, ...notes };
  }
  const sum = createHash("sha256");
  let size = 0;
  const notes = eachBase64(raw, (octets) => {
    sum.update(octets);
    size += octets.length;
  });
  return { sha256: sum.digest("hex") as Sha256, size, ...notes };
}
