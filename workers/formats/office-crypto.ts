/** Encrypted Open XML: agile and standard encryption, their passwords and their package. [MS-OFFCRYPTO] §2.3.4 */
import { createDecipheriv, hash } from "node:crypto";

/** What is known before any password: how much a try costs, and how to make one. */
export interface Lock {
  /** Milliseconds, roughly. */
  readonly cost: number;
  /** The key of the package, or null if the password is another one. */
  key(password: string): Buffer | null;
  /** Never more than `room` octets; "limit" if there are more. */
  open(sealed: Buffer, key: Buffer, room: number): Buffer | "limit" | "damaged";
}

const segmentBytes = 4096;
const headBytes = 8;
/** [MS-OFFCRYPTO] §2.3.4.10 allows ten million. */
const mostRounds = 10_000_000;
const roundsPerMs = 300;
const hashes = new Set(["md5", "sha1", "sha256", "sha384", "sha512"]);

const number32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};

/** A hash of the hash, so many times; the counter stands in front. §2.3.4.7, §2.3.4.11 */
function spin(algorithm: string, salt: Buffer, password: string, rounds: number): Buffer {
  let digest = hash(algorithm, Buffer.concat([salt, Buffer.from(password, "utf16le")]), "buffer");
  const input = Buffer.alloc(4 + digest.length);
  for (let round = 0; round < rounds; round++) {
    input.writeUInt32LE(round);
    digest.copy(input, 4);
    digest = hash(algorithm, input, "buffer");
  }
  return digest;
}

function fitted(bytes: Buffer, length: number): Buffer {
  return bytes.length >= length
    ? bytes.subarray(0, length)
    : Buffer.concat([bytes, Buffer.alloc(length - bytes.length, 0x36)]);
}

/** Whole blocks; what is left over cannot be read. */
function decrypt(mode: "cbc" | "ecb", key: Buffer, iv: Buffer | null, data: Buffer): Buffer {
  const cipher = createDecipheriv(`aes-${key.length * 8}-${mode}`, key, iv).setAutoPadding(false);
  return cipher.update(data.subarray(0, data.length & ~15));
}

/** The size in front of the package, within what is there. */
function sizeOf(sealed: Buffer, room: number): number | "limit" | "damaged" {
  if (sealed.length < headBytes) return "damaged";
  const size = Math.min(Number(sealed.readBigUInt64LE(0)), sealed.length - headBytes);
  return size > room ? "limit" : size;
}

interface Coded {
  readonly bits: number;
  readonly algorithm: string;
  readonly salt: Buffer;
  readonly rest: string;
}

const attribute = (text: string, name: string): string =>
  new RegExp(`\\b${name}="([^"]{0,1000})"`).exec(text)?.[1] ?? "";

/** AES in CBC is what Office writes; the other ciphers of the specification are in no program's menu. */
function readCoded(text: string): Coded | null {
  const algorithm = attribute(text, "hashAlgorithm").toLowerCase().replace("-", "");
  const bits = Number(attribute(text, "keyBits"));
  const isKnown =
    attribute(text, "cipherAlgorithm") === "AES" && attribute(text, "cipherChaining") === "ChainingModeCBC";
  if (!isKnown || !hashes.has(algorithm) || ![128, 192, 256].includes(bits)) return null;
  return { bits, algorithm, salt: Buffer.from(attribute(text, "saltValue"), "base64"), rest: text };
}

const purposes = {
  input: Buffer.from("fea7d2763b4b9e79", "hex"),
  value: Buffer.from("d7aa0f6d3061344e", "hex"),
  key: Buffer.from("146e0be7abacd0d6", "hex"),
} as const;

/** §2.3.4.10 to §2.3.4.15 */
function readAgile(xml: string): Lock | null {
  const data = readCoded(/<keyData\b[^>]{0,4000}>/.exec(xml)?.[0] ?? "");
  const own = readCoded(/<(?:\w{1,20}:)?encryptedKey\b[^>]{0,4000}>/.exec(xml)?.[0] ?? "");
  if (!data || !own) return null;
  const rounds = Number(attribute(own.rest, "spinCount"));
  if (!(rounds >= 0 && rounds <= mostRounds)) return null;
  const vector = fitted(own.salt, 16);
  return {
    cost: Math.max(1, rounds / roundsPerMs),
    key(password) {
      const base = spin(own.algorithm, own.salt, password, rounds);
      const read = (purpose: Buffer, name: string): Buffer => {
        const key = fitted(hash(own.algorithm, Buffer.concat([base, purpose]), "buffer"), own.bits / 8);
        return decrypt("cbc", key, vector, Buffer.from(attribute(own.rest, name), "base64"));
      };
      const input = read(purposes.input, "encryptedVerifierHashInput").subarray(0, own.salt.length);
      const proof = hash(own.algorithm, input, "buffer");
      const value = read(purposes.value, "encryptedVerifierHashValue").subarray(0, proof.length);
      const key = read(purposes.key, "encryptedKeyValue").subarray(0, data.bits / 8);
      return value.equals(proof) && key.length === data.bits / 8 ? key : null;
    },
    open(sealed, key, room) {
      const size = sizeOf(sealed, room);
      if (typeof size === "string") return size;
      const pieces: Buffer[] = [];
      for (let at = headBytes, segment = 0; at < sealed.length; at += segmentBytes, segment++) {
        const iv = hash(data.algorithm, Buffer.concat([data.salt, number32(segment)]), "buffer");
        pieces.push(decrypt("cbc", key, fitted(iv, 16), sealed.subarray(at, at + segmentBytes)));
      }
      return Buffer.concat(pieces).subarray(0, size);
    },
  };
}

const standardRounds = 50_000;
const cipherBits: ReadonlyMap<number, number> = new Map([
  [0x660e, 128],
  [0x660f, 192],
  [0x6610, 256],
]);

/** §2.3.4.5 to §2.3.4.9 */
function readStandard(info: Buffer): Lock | null {
  const headerBytes = info.length >= 12 ? info.readUInt32LE(8) : 0;
  const verifier = 12 + headerBytes;
  if (headerBytes < 32 || verifier + 4 + 16 + 16 + 4 + 32 > info.length) return null;
  const bits = cipherBits.get(info.readUInt32LE(12 + 8));
  if (bits === undefined) return null;
  const salt = info.subarray(verifier + 4, verifier + 20);
  const sealedInput = info.subarray(verifier + 20, verifier + 36);
  const sealedValue = info.subarray(verifier + 40, verifier + 72);
  return {
    cost: standardRounds / roundsPerMs,
    key(password) {
      const base = hash("sha1", Buffer.concat([spin("sha1", salt, password, standardRounds), number32(0)]), "buffer");
      const half = (fill: number): Buffer => {
        const block = Buffer.alloc(64, fill);
        for (const [index, octet] of base.entries()) block[index] = octet ^ fill;
        return hash("sha1", block, "buffer");
      };
      const key = Buffer.concat([half(0x36), half(0x5c)]).subarray(0, bits / 8);
      const proof = hash("sha1", decrypt("ecb", key, null, sealedInput), "buffer");
      return decrypt("ecb", key, null, sealedValue).subarray(0, proof.length).equals(proof) ? key : null;
    },
    open(sealed, key, room) {
      const size = sizeOf(sealed, room);
      return typeof size === "string" ? size : decrypt("ecb", key, null, sealed.subarray(headBytes)).subarray(0, size);
    },
  };
}

/** By the stream "EncryptionInfo"; null for what is encrypted in another way. */
export function readLock(info: Buffer): Lock | null {
  if (info.length < 8) return null;
  const [major, minor] = [info.readUInt16LE(0), info.readUInt16LE(2)];
  if (major === 4 && minor === 4) return readAgile(info.toString("utf8", 8));
  return minor === 2 && major >= 2 && major <= 4 ? readStandard(info) : null;
}
