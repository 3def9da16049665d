/** Seals what leaves a gateway for Redis or the blob store: AES-256-GCM under a key for each thing sealed, derived from the one that all nodes share. */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { GatewayError } from "./core/errors.ts";
import type { Bytes } from "./core/message.ts";

const version = 1;
const saltBytes = 16;
const tagBytes = 16;
const headBytes = 1 + saltBytes;
/** Octets that a seal adds. */
export const sealBytes: Bytes = headBytes + tagBytes;

/** A key is used for one thing only, so its nonce need not differ (NIST SP 800-38D §8). */
const nonce = Buffer.alloc(12);

type Octets = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** `context` says what is sealed and under which name: what was sealed as one thing opens as nothing else. */
export interface Seal {
  seal(plain: Uint8Array, context: string): Buffer;
  /** Throws SEAL_BROKEN. */
  open(sealed: Uint8Array, context: string): Buffer;
  /** Yields `sealBytes` more than it takes. */
  sealAll(octets: Octets, context: string): AsyncIterable<Buffer>;
  /** Throws SEAL_BROKEN, possibly only at the end: nothing of it may be believed before. */
  openAll(octets: Octets, context: string): AsyncIterable<Buffer>;
  /** A name that tells nobody without the key what it stands for; equal for equal texts. */
  nameOf(text: string): string;
}

const broken = (context: string, cause?: unknown): GatewayError =>
  new GatewayError(
    "SEAL_BROKEN",
    { what: context.split(" ")[0], remedy: "give all nodes the same cluster.key" },
    cause,
  );

/** Gives back its octets but for the last 16, which it holds until it is asked for them. */
class Tail {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): Buffer {
    const all = this.#held.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#held, chunk]);
    const end = Math.max(0, all.length - tagBytes);
    this.#held = all.subarray(end);
    return all.subarray(0, end);
  }

  get tag(): Buffer {
    return this.#held;
  }
}

/** `key`: 32 octets. `purpose` separates uses that share it. */
export function createSeal(key: Uint8Array, purpose: string): Seal {
  const derive = (what: string): Buffer =>
    Buffer.from(hkdfSync("sha256", key, new Uint8Array(), `sallyport ${purpose} ${what}`, 32));
  const sealing = derive("seal");
  const naming = derive("name");
  const keyFor = (salt: Uint8Array): Buffer => createHmac("sha256", sealing).update(salt).digest();

  function cipherFor(context: string) {
    const salt = randomBytes(saltBytes);
    const cipher = createCipheriv("aes-256-gcm", keyFor(salt), nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(context));
    return { head: Buffer.concat([Buffer.of(version), salt]), cipher };
  }

  function decipherFor(head: Buffer, context: string) {
    if (head.length < headBytes || head[0] !== version) throw broken(context);
    const decipher = createDecipheriv("aes-256-gcm", keyFor(head.subarray(1, headBytes)), nonce, {
      authTagLength: tagBytes,
    });
    return decipher.setAAD(Buffer.from(context));
  }

  function finish(decipher: ReturnType<typeof decipherFor>, tag: Uint8Array, context: string): void {
    try {
      decipher.setAuthTag(tag).final();
    } catch (error) {
      throw broken(context, error);
    }
  }

  return {
    seal(plain, context) {
      const { head, cipher } = cipherFor(context);
      const body = cipher.update(plain);
      cipher.final();
      return Buffer.concat([head, body, cipher.getAuthTag()]);
    },
    open(sealed, context) {
      if (sealed.length < sealBytes) throw broken(context);
      const octets = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length);
      const decipher = decipherFor(octets, context);
      const plain = decipher.update(octets.subarray(headBytes, -tagBytes));
      finish(decipher, octets.subarray(-tagBytes), context);
      return plain;
    },
    async *sealAll(octets, context) {
      const { head, cipher } = cipherFor(context);
      yield head;
      for await (const chunk of octets) if (chunk.length > 0) yield cipher.update(chunk);
      cipher.final();
      yield cipher.getAuthTag();
    },
    async *openAll(octets, context) {
      let head: Buffer = Buffer.alloc(0);
      let decipher: ReturnType<typeof decipherFor> | null = null;
      const tail = new Tail();
      for await (const chunk of octets) {
        let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
        if (!decipher) {
          head = Buffer.concat([head, rest]);
          if (head.length < headBytes) continue;
          decipher = decipherFor(head, context);
          rest = head.subarray(headBytes);
        }
        const plain = decipher.update(tail.push(rest));
        if (plain.length > 0) yield plain;
      }
      if (!decipher || tail.tag.length < tagBytes) throw broken(context);
      finish(decipher, tail.tag, context);
    },
    nameOf: (text) => createHmac("sha256", naming).update(text).digest("hex"),
  };
}

/** 32 octets as they are, in hexadecimal or in base64; null if it is none of these. */
export function parseKey(file: Uint8Array): Buffer | null {
  if (file.length === 32) return Buffer.from(file);
  const text = Buffer.from(file).toString("latin1").trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return Buffer.from(text, "base64");
  return null;
}
