/** The two encryptions of zip: that of PKZIP 2.0, and AES as WinZip does it. PKWARE APPNOTE 6.3.10 §6.1; WinZip AE-1 and AE-2 */
import { createCipheriv, createHmac, pbkdf2Sync } from "node:crypto";
import { extraField, isStreamed, type ZipHeader } from "./zip.ts";

const table = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});
const crcStep = (crc: number, octet: number): number => ((crc >>> 8) ^ (table[(crc ^ octet) & 0xff] as number)) >>> 0;
const headBytes = 12;

/** The octets behind the head, or null if its last octet shows that the password is another one (in 255 of 256 cases). §6.1.6 */
function openZipCrypto(sealed: Buffer, password: Buffer, header: ZipHeader): Buffer | null {
  let a = 0x12345678;
  let b = 0x23456789;
  let c = 0x34567890;
  const mix = (octet: number): void => {
    a = crcStep(a, octet);
    b = (Math.imul(b + (a & 0xff), 134775813) + 1) >>> 0;
    c = crcStep(c, b >>> 24);
  };
  const open = (octet: number): number => {
    const key = (c | 2) & 0xffff;
    const plain = octet ^ ((Math.imul(key, key ^ 1) >>> 8) & 0xff);
    mix(plain);
    return plain;
  };
  for (const octet of password) mix(octet);
  let check = 0;
  for (let at = 0; at < headBytes; at++) check = open(sealed[at] ?? 0);
  const matches = check === header.crc >>> 24 || (isStreamed(header) && check === header.time >>> 8);
  if (sealed.length < headBytes || !matches) return null;
  const out = Buffer.allocUnsafe(sealed.length - headBytes);
  for (let at = 0; at < out.length; at++) out[at] = open(sealed[at + headBytes] as number);
  return out;
}

interface Aes {
  /** 2 keeps no checksum of the content. */
  readonly version: number;
  readonly keyBytes: 16 | 24 | 32;
  readonly method: number;
}

/** The extra field 0x9901. */
function readAes({ method, extra }: ZipHeader): Aes | null {
  const field = method === 99 ? extraField(extra, 0x9901) : null;
  if (!field || field.length < 7) return null;
  const keyBytes = ([undefined, 16, 24, 32] as const)[field[4] ?? 0];
  return keyBytes ? { version: field.readUInt16LE(0), keyBytes, method: field.readUInt16LE(5) } : null;
}

const iterations = 1000;
const sumBytes = 10;
const chunkBlocks = 4096;

/** Counts in little-endian from 1, which no cipher of OpenSSL does: the counters are encrypted one by one. */
function counterMode(data: Buffer, key: Buffer): Buffer {
  const out = Buffer.from(data);
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  const counters = Buffer.alloc(chunkBlocks * 16);
  for (let at = 0, block = 1; at < out.length; at += counters.length) {
    const blocks = Math.min(chunkBlocks, Math.ceil((out.length - at) / 16));
    for (let index = 0; index < blocks; index++) counters.writeUInt32LE(block++, index * 16);
    const stream = cipher.update(counters.subarray(0, blocks * 16));
    for (let index = 0, end = Math.min(stream.length, out.length - at); index < end; index++)
      out[at + index] = (out[at + index] as number) ^ (stream[index] as number);
  }
  return out;
}

function openAes(sealed: Buffer, password: Buffer, { keyBytes }: Aes): Buffer | null {
  const saltBytes = keyBytes / 2;
  if (sealed.length < saltBytes + 2 + sumBytes) return null;
  const keys = pbkdf2Sync(password, sealed.subarray(0, saltBytes), iterations, 2 * keyBytes + 2, "sha1");
  if (!keys.subarray(2 * keyBytes).equals(sealed.subarray(saltBytes, saltBytes + 2))) return null;
  const data = sealed.subarray(saltBytes + 2, sealed.length - sumBytes);
  const sum = createHmac("sha1", keys.subarray(keyBytes, 2 * keyBytes))
    .update(data)
    .digest()
    .subarray(0, sumBytes);
  return sum.equals(sealed.subarray(-sumBytes)) ? counterMode(data, keys.subarray(0, keyBytes)) : null;
}

export interface Unsealed {
  readonly data: Buffer;
  /** What the data are once they are open. */
  readonly header: ZipHeader;
  /** The password is right beyond doubt; otherwise only the checksum of the content can tell. */
  readonly certain: boolean;
}

/** Strong encryption of PKWARE is none of the two. §7 */
export const isKnownSeal = (header: ZipHeader): boolean =>
  (header.flags & 0x2040) === 0 && (header.method !== 99 || readAes(header) !== null);

/** Null if the password is not the one. */
export function unseal(sealed: Buffer, header: ZipHeader, password: Buffer): Unsealed | null {
  const aes = readAes(header);
  const data = aes ? openAes(sealed, password, aes) : openZipCrypto(sealed, password, header);
  if (!data) return null;
  const open = { ...header, flags: header.flags & ~0x41, compressedSize: data.length };
  return { data, header: aes ? { ...open, method: aes.method } : open, certain: aes !== null };
}
