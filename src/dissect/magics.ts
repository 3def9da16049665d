/** Marks by which octets say what they are, strict enough to be looked for in the middle of others. */
import type { Range } from "./delimiters.ts";

const latin1 = (bytes: Buffer, from: number, length: number): string => bytes.toString("latin1", from, from + length);

/** A DOS header whose pointer leads to a PE header. */
function isProgram(bytes: Buffer, at: number): boolean {
  if (at + 64 > bytes.length) return false;
  const header = at + bytes.readUInt32LE(at + 60);
  return header + 4 <= bytes.length && latin1(bytes, header, 4) === "PE\0\0";
}

/** A local header of a version and a method that exist. PKWARE APPNOTE 6.3.10 §4.3.7 */
const isZipEntry = (bytes: Buffer, at: number): boolean =>
  at + 30 <= bytes.length && bytes.readUInt16LE(at + 4) % 256 <= 63 && bytes.readUInt16LE(at + 8) <= 99;

type Check = (bytes: Buffer, at: number) => boolean;
type Magic = readonly [mark: Buffer, check: Check];
const always: Check = () => true;

const ofText: readonly Magic[] = [
  [Buffer.from("%PDF-", "latin1"), (bytes, at) => bytes.subarray(at, at + 64 * 1024).includes(" obj")],
  [Buffer.from("{\\rt", "latin1"), (bytes, at) => /^\{\\rt[\w\\{ ]*\\/.test(latin1(bytes, at, 200))],
];

/** None of these is ever without a NUL. */
const ofBinary: readonly Magic[] = [
  [Buffer.from("PK\x03\x04", "latin1"), isZipEntry],
  [Buffer.from("MZ", "latin1"), isProgram],
  [Buffer.from("d0cf11e0a1b11ae1", "hex"), always],
  [Buffer.from("7z\xbc\xaf\x27\x1c", "latin1"), always],
  [Buffer.from("Rar!\x1a\x07", "latin1"), always],
  [Buffer.from("\x7fELF", "latin1"), always],
  [Buffer.from("MSCF\0\0\0\0", "latin1"), always],
];

const mostTries = 2000;

/** The first place in `range` at which a file seems to begin; null if there is none. */
export function findMagic(bytes: Buffer, range: Range): number | null {
  const within = bytes.subarray(0, range.end);
  const isBinary = within.includes(0, range.start);
  let first: number | null = null;
  for (const [mark, check] of isBinary ? [...ofText, ...ofBinary] : ofText) {
    let at = within.indexOf(mark, range.start);
    for (let tries = 0; at >= 0 && tries < mostTries; tries++) {
      if (first !== null && at >= first) break;
      if (check(within, at)) first = at;
      at = within.indexOf(mark, at + 1);
    }
  }
  return first;
}

/** More marks, for the start of what was decoded. */
const starts: readonly RegExp[] = [
  /^(?:PK|MZ|%PDF|\{\\rt|Rar!|7z\xbc\xaf|\x7fELF|MSCF|\xd0\xcf\x11\xe0|X5O)/,
  /^(?:\x1f\x8b\x08|BZh[1-9]1AY|\xfd7zXZ\0|\x28\xb5\x2f\xfd|\x60\xea|..-lh[0-9ds]-)/s,
  /^(?:\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\xd8\xff|RIFF|II\*\0|MM\0\*|ID3|\0\0\0.ftyp)/s,
  /^(?:\xca\xfe\xba\xbe|\x4c\0\0\0\x01\x14\x02\0|ITSF|\xe4\x52\x5c\x7b|ActiveMime|\x78\x9f\x3e\x22)/,
];
const textual = /^(?:\xef\xbb\xbf)?[\t\n\f\r\x20-\x7e\x80-\xff]+$/;

/** Octets that begin as a file does, or that are text, as chance hardly makes them. */
export function looksMeant(head: Buffer): boolean {
  const text = head.toString("latin1");
  if (starts.some((pattern) => pattern.test(text))) return true;
  const letters = text.match(/[\x20-\x7e\t\r\n]/g)?.length ?? 0;
  return (textual.test(text) && letters >= text.length * 0.9) || isWide(text);
}

/** UTF-16 without a mark: every other octet is zero. */
const isWide = (text: string): boolean =>
  /^(?:\xff\xfe|\xfe\xff|(?:[\t\n\r\x20-\x7e]\0){16}|(?:\0[\t\n\r\x20-\x7e]){16})/.test(text);
