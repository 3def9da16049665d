/** Base64 as mail programs take it: foreign octets dropped, groups cut anywhere, a new start after padding. */
/// <reference lib="esnext.typedarrays" />

export interface Base64Notes {
  /** Octets that are neither of the alphabet nor blanks. RFC 2045 §6.8: to be ignored. */
  readonly junk: number;
  /** How often text went on after padding. */
  readonly restarts: number;
  /** Characters at the end that make no whole group, without padding. */
  readonly rest: number;
}

/** Fits the processor's cache; decoded by native code at once. */
const slice = 128 * 1024;

interface Progress {
  carry: string;
  padded: boolean;
  junk: number;
  restarts: number;
}

/** A text with whole groups only, blanks allowed: the native decoder takes all but a rest of at most three characters. Null if it refuses. */
function decodeClean(text: string, out: Buffer, progress: Progress): Buffer | null {
  try {
    const { read, written } = out.setFromBase64(text, { lastChunkHandling: "stop-before-partial" });
    if (written > 0 && progress.padded) progress.restarts++;
    if (written > 0) progress.padded = written % 3 !== 0;
    progress.carry = text.slice(read).replace(/[\t\n\f\r ]+/g, "");
    return out.subarray(0, written);
  } catch {
    // The native decoder refuses foreign octets, wrong padding and text after padding.
    return null;
  }
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const [padding, ignored, foreign] = [64, 65, 66] as const;
const meaning = new Uint8Array(256).fill(foreign);
for (const char of "\t\n\f\r ") meaning[char.charCodeAt(0)] = ignored;
for (const [value, char] of [...alphabet, "="].entries()) meaning[char.charCodeAt(0)] = value;

const isOfAlphabet = (octet: number): boolean => (meaning[octet] as number) < padding;

/** The octets of a group, whole (four characters) or cut; returns where the next ones go. */
function flush(group: number, characters: number, out: Buffer, written: number): number {
  const bits = group << (6 * (4 - characters));
  const octets = characters === 0 ? 0 : characters - 1;
  if (octets > 0) out[written] = bits >> 16;
  if (octets > 1) out[written + 1] = bits >> 8;
  if (octets > 2) out[written + 2] = bits;
  return written + octets;
}

/** The same for anything at all, character by character: only slices come here that the native decoder refuses. */
function decodeDirty(text: string, out: Buffer, progress: Progress): Buffer {
  let written = 0;
  let group = 0;
  let characters = 0;
  for (let at = 0; at < text.length; at++) {
    const value = meaning[text.charCodeAt(at)] as number;
    if (value === foreign) progress.junk++;
    else if (value === padding) {
      written = flush(group, characters, out, written);
      group = characters = 0;
      progress.padded = true;
    } else if (value < padding) {
      if (progress.padded) progress.restarts++;
      progress.padded = false;
      group = (group << 6) | value;
      if (++characters === 4) {
        written = flush(group, 4, out, written);
        group = characters = 0;
      }
    }
  }
  progress.carry = Array.from(
    { length: characters },
    (_, i) => alphabet[(group >> (6 * (characters - 1 - i))) & 63],
  ).join("");
  return out.subarray(0, written);
}

/** Decodes slice by slice; `take` gets a buffer that is used again for the next slice. */
export function eachBase64(raw: Buffer, take: (octets: Buffer) => void): Base64Notes {
  const progress: Progress = { carry: "", padded: false, junk: 0, restarts: 0 };
  const out = Buffer.allocUnsafe(Math.ceil((Math.min(slice, raw.length) * 3) / 4) + 16);
  for (let at = 0; at < raw.length; at += slice) {
    const text = progress.carry + raw.toString("latin1", at, Math.min(raw.length, at + slice));
    take(decodeClean(text, out, progress) ?? decodeDirty(text, out, progress));
  }
  if (progress.carry !== "") {
    const written = out.write(progress.carry, 0, "base64");
    if (written > 0 && progress.padded) progress.restarts++;
    take(out.subarray(0, written));
  }
  return { junk: progress.junk, restarts: progress.restarts, rest: progress.carry.length };
}

/** All at once. Never throws; octets that are no base64 at all decode to whatever is left of them. */
export function decodeBase64(raw: Buffer): Base64Notes & { readonly bytes: Buffer } {
  const bytes = Buffer.allocUnsafe(Math.ceil((raw.length * 3) / 4) + 3);
  let written = 0;
  const notes = eachBase64(raw, (octets) => {
    written += octets.copy(bytes, written);
  });
  return { ...notes, bytes: bytes.subarray(0, written) };
}

/** As readers do that drop `foreign` and padding wherever they are, and go on with the group. The native decoder takes both alphabets. */
export const decodeJoined = (raw: Buffer, foreign: RegExp): Buffer =>
  Buffer.from(raw.toString("latin1").replace(foreign, ""), "base64");

/** As GLib does: four characters are a group, padding counts as one of them wherever it is, and the rest is dropped. */
export function decodeGroups(raw: Buffer): Buffer {
  const text = raw.toString("latin1").replace(/[^A-Za-z0-9+/=]+/g, "");
  const out = Buffer.allocUnsafe(Math.ceil((text.length * 3) / 4) + 3);
  let written = 0;
  let at = 0;
  for (let sign = text.indexOf("="); sign >= 0; sign = text.indexOf("=", at)) {
    const group = at + ((sign - at) & ~3);
    if (group + 4 > text.length) break;
    written += out.write(text.slice(at, group), written, "base64");
    const padded = text.slice(group, group + 4);
    const three = Buffer.from(padded.replaceAll("=", "A"), "base64");
    out[written++] = three[0] ?? 0;
    if (padded[2] !== "=") out[written++] = three[1] ?? 0;
    if (padded[3] !== "=") out[written++] = three[2] ?? 0;
    at = group + 4;
  }
  const end = at + ((text.length - at) & ~3);
  written += out.write(text.slice(at, end).split("=", 1)[0] ?? "", written, "base64");
  return out.subarray(0, written);
}

/** Where a reader that stops at the first padding stops, if text goes on behind it; else null. */
export function firstPadding(raw: Buffer): number | null {
  let end = raw.indexOf("=");
  if (end < 0) return null;
  while (raw[end] === 0x3d) end++;
  return /[A-Za-z0-9+/]/.test(raw.toString("latin1", end)) ? end : null;
}

const foreignSign = /[^A-Za-z0-9+/=\s]/;
const lookAhead = 1024 * 1024;

/** Where the last whole group ends, if `rest` characters follow it. */
export function lastGroup(raw: Buffer, rest: number): number {
  let end = raw.length;
  for (let left = rest; left > 0 && end > 0; end--) if (isOfAlphabet(raw[end - 1] as number)) left--;
  return end;
}

/** Where a reader that stops at the first foreign octet stops; null if that is at the start or nowhere near. */
export function firstForeign(raw: Buffer): number | null {
  const at = raw.toString("latin1", 0, lookAhead).search(foreignSign);
  return at > 0 ? at : null;
}
