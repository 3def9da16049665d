/** The standard security handler: finds the password of an encrypted document among candidates, and decrypts with it. ISO 32000-2 §7.6 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { type Dict, isDict, nameOf, numberOf, type Value } from "./pdf/values.ts";
import { rc4 } from "./rc4.ts";

export interface PdfDecryptor {
  /** The candidate that fitted; "" where anybody may read. */
  readonly password: string;
  string(bytes: Buffer, object: number, generation: number): Buffer;
  /** `filter` is the crypt filter that the stream names itself, else null; `isEmbedded`: it is an embedded file. */
  stream(bytes: Buffer, object: number, generation: number, filter: string | null, isEmbedded: boolean): Buffer;
}

type Method = "identity" | "rc4" | "aes128" | "aes256";

interface Handler {
  readonly revision: number;
  readonly keyBytes: number;
  readonly owner: Buffer;
  readonly user: Buffer;
  readonly ownerKey: Buffer;
  readonly userKey: Buffer;
  readonly permissions: number;
  readonly encryptsMetadata: boolean;
  readonly id: Buffer;
}

/** §7.6.4.3.2 */
const padding = Buffer.from("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a", "hex");
const noVector = Buffer.alloc(16);

const md5 = (...pieces: readonly Uint8Array[]): Buffer =>
  pieces.reduce((hash, piece) => hash.update(piece), createHash("md5")).digest();

const octetsOf = (value: Value | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0));

function readHandler(dict: Dict, id: Buffer): Handler {
  const version = numberOf(dict.get("V"), 0);
  const bits = numberOf(dict.get("Length"), version === 4 ? 128 : 40);
  return {
    revision: numberOf(dict.get("R"), 0),
    // Some producers write the number of octets.
    keyBytes: version === 1 ? 5 : Math.min(16, Math.max(5, Math.floor(bits >= 40 ? bits / 8 : bits))),
    owner: octetsOf(dict.get("O")),
    user: octetsOf(dict.get("U")),
    ownerKey: octetsOf(dict.get("OE")),
    userKey: octetsOf(dict.get("UE")),
    permissions: numberOf(dict.get("P"), 0),
    encryptsMetadata: dict.get("EncryptMetadata") !== false,
    id,
  };
}

const padded = (password: Buffer): Buffer => Buffer.concat([password, padding]).subarray(0, 32);

/** Algorithm 2, §7.6.4.3.2 */
function oldKey(password: Buffer, { revision, keyBytes, owner, permissions, encryptsMetadata, id }: Handler): Buffer {
  const rights = Buffer.alloc(4);
  rights.writeInt32LE(permissions | 0);
  const all = revision >= 4 && !encryptsMetadata ? Buffer.alloc(4, 0xff) : Buffer.alloc(0);
  let key = md5(padded(password), owner.subarray(0, 32), rights, id, all);
  if (revision >= 3) for (let i = 0; i < 50; i++) key = md5(key.subarray(0, keyBytes));
  return key.subarray(0, keyBytes);
}

const xored = (key: Buffer, by: number): Buffer => Buffer.from(key.map((octet) => octet ^ by));

/** Algorithms 4 to 6, §7.6.4.4 */
function isOldUser(key: Buffer, { revision, user, id }: Handler): boolean {
  if (revision < 3) return rc4(key, padding).equals(user.subarray(0, 32));
  let sum = rc4(key, md5(padding, id));
  for (let i = 1; i < 20; i++) sum = rc4(xored(key, i), sum);
  return user.length >= 16 && sum.equals(user.subarray(0, 16));
}

/** Algorithm 7: the owner's password hides the user's. §7.6.4.4.5 */
function userOfOwner(password: Buffer, { revision, keyBytes, owner }: Handler): Buffer {
  let key = md5(padded(password));
  if (revision >= 3) for (let i = 0; i < 50; i++) key = md5(key.subarray(0, keyBytes));
  key = key.subarray(0, keyBytes);
  let out = owner.subarray(0, 32);
  for (let i = revision >= 3 ? 19 : 0; i >= 0; i--) out = rc4(xored(key, i), out);
  return out;
}

function oldFileKey(password: Buffer, handler: Handler): Buffer | null {
  const key = oldKey(password, handler);
  if (isOldUser(key, handler)) return key;
  const byOwner = oldKey(userOfOwner(password, handler), handler);
  return isOldUser(byOwner, handler) ? byOwner : null;
}

const sha = (bits: number, ...pieces: readonly Uint8Array[]): Buffer =>
  pieces.reduce((hash, piece) => hash.update(piece), createHash(`sha${bits}`)).digest();

/** Algorithm 2.B, §7.6.4.3.4; revision 5 was Adobe's own and had one round. */
function newHash(password: Buffer, salt: Buffer, more: Buffer, revision: number): Buffer {
  let key = sha(256, password, salt, more);
  if (revision < 6) return key;
  for (let round = 0, last = 0; round < 64 || last > round - 32; round++) {
    const block = Buffer.concat([password, key, more]);
    const cipher = createCipheriv("aes-128-cbc", key.subarray(0, 16), key.subarray(16, 32)).setAutoPadding(false);
    const out = cipher.update(Buffer.concat(Array.from({ length: 64 }, () => block)));
    let sum = 0;
    for (const octet of out.subarray(0, 16)) sum += octet;
    key = sha([256, 384, 512][sum % 3] ?? 256, out);
    last = out[out.length - 1] ?? 0;
  }
  return key.subarray(0, 32);
}

/** Algorithm 2.A, §7.6.4.3.3 */
function newFileKey(given: Buffer, { revision, owner, user, ownerKey, userKey }: Handler): Buffer | null {
  if (user.length < 48 || userKey.length < 32) return null;
  const password = given.subarray(0, 127);
  const open = (hash: Buffer, sealed: Buffer): Buffer =>
    createDecipheriv("aes-256-cbc", hash, noVector).setAutoPadding(false).update(sealed.subarray(0, 32));
  const none = Buffer.alloc(0);
  if (newHash(password, user.subarray(32, 40), none, revision).equals(user.subarray(0, 32)))
    return open(newHash(password, user.subarray(40, 48), none, revision), userKey);
  if (owner.length < 48 || ownerKey.length < 32) return null;
  const whole = user.subarray(0, 48);
  return newHash(password, owner.subarray(32, 40), whole, revision).equals(owner.subarray(0, 32))
    ? open(newHash(password, owner.subarray(40, 48), whole, revision), ownerKey)
    : null;
}

/** Algorithm 1, §7.6.3.2 */
function objectKey(fileKey: Buffer, method: Method, object: number, generation: number): Buffer {
  const tail = Buffer.alloc(5);
  tail.writeUIntLE(object & 0xffffff, 0, 3);
  tail.writeUIntLE(generation & 0xffff, 3, 2);
  const salt = Buffer.from(method === "aes128" ? "sAlT" : "");
  return md5(fileKey, tail, salt).subarray(0, Math.min(16, fileKey.length + 5));
}

/** The first 16 octets are the vector; padding that is wrong is left where it is. §7.6.3.1 */
function aes(name: string, key: Buffer, bytes: Buffer): Buffer {
  const whole = bytes.subarray(16, 16 + Math.floor((bytes.length - 16) / 16) * 16);
  if (bytes.length < 32) return Buffer.alloc(0);
  const out = createDecipheriv(name, key, bytes.subarray(0, 16)).setAutoPadding(false).update(whole);
  const pad = out[out.length - 1] ?? 0;
  return pad >= 1 && pad <= 16 ? out.subarray(0, out.length - pad) : out;
}

function decipher(fileKey: Buffer, method: Method, bytes: Buffer, object: number, generation: number): Buffer {
  if (method === "identity" || bytes.length === 0) return bytes;
  if (method === "aes256") return aes("aes-256-cbc", fileKey, bytes);
  const key = objectKey(fileKey, method, object, generation);
  return method === "rc4" ? rc4(key, bytes) : key.length === 16 ? aes("aes-128-cbc", key, bytes) : bytes;
}

const methods: Readonly<Record<string, Method>> = { V2: "rc4", AESV2: "aes128", AESV3: "aes256", None: "identity" };

/** §7.6.5: which method a crypt filter of this name means. */
function methodsOf(dict: Dict): (filter: string) => Method {
  const version = numberOf(dict.get("V"), 0);
  const filters = dict.get("CF");
  return (filter) => {
    if (version < 4) return "rc4";
    const found = isDict(filters) ? filters.get(filter) : undefined;
    return filter === "Identity" || !isDict(found) ? "identity" : (methods[nameOf(found.get("CFM"))] ?? "identity");
  };
}

const isKnown = (dict: Dict): boolean =>
  nameOf(dict.get("Filter")) === "Standard" && [1, 2, 4, 5].includes(numberOf(dict.get("V"), 0));

/** PDFDocEncoding for older ones, UTF-8 for newer. §7.6.4.3.1 */
const octetsOfPassword = (password: string, isNew: boolean): readonly Buffer[] =>
  isNew || !/[^\x00-\x7f]/.test(password)
    ? [Buffer.from(password)]
    : [Buffer.from(password, "latin1"), Buffer.from(password)];

/**
 * Tries the candidates in their order, as user's and as owner's password. `dict` is what Encrypt of the trailer leads to, without references; `id` the first string of ID.
 * Null if none fits, or if the document is encrypted in a way that nobody can know here (public keys).
 */
export function openEncryption(dict: Dict, id: Buffer, candidates: Iterable<string>): PdfDecryptor | null {
  if (!isKnown(dict)) return null;
  const handler = readHandler(dict, id);
  const isNew = handler.revision >= 5;
  const methodOf = methodsOf(dict);
  const streams = nameOf(dict.get("StmF")) || "Identity";
  const embedded = nameOf(dict.get("EFF")) || streams;
  const strings = methodOf(nameOf(dict.get("StrF")) || "Identity");
  for (const password of candidates)
    for (const octets of octetsOfPassword(password, isNew)) {
      const key = isNew ? newFileKey(octets, handler) : oldFileKey(octets, handler);
      if (!key) continue;
      return {
        password,
        string: (bytes, object, generation) => decipher(key, strings, bytes, object, generation),
        stream: (bytes, object, generation, filter, isEmbedded) =>
          decipher(key, methodOf(filter ?? (isEmbedded ? embedded : streams)), bytes, object, generation),
      };
    }
  return null;
}
