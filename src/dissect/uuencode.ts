/** uuencode: files inside text, `begin 644 name` … `end`, and their octets. POSIX uuencode, both encodings. */
import type { TransferEncoding } from "../core/message.ts";

export interface UuFile {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly encoding: Extract<TransferEncoding, "uuencode" | "base64">;
  /** No `end` was found: the file runs to the end of the text. */
  readonly open: boolean;
}

const mostCandidates = 10_000;

/** One line of data: a length character, then groups of four; some programs add a checksum or drop blanks at the end. */
function isData(line: string): boolean {
  if (!/^[ -`]+$/.test(line)) return false;
  const length = (line.charCodeAt(0) - 32) & 63;
  return line.length - 1 <= Math.ceil(length / 3) * 4 + 2;
}

const lineAt = (bytes: Buffer, at: number, end: number): string => {
  const lf = bytes.subarray(at, Math.min(end, at + 1200)).indexOf(10);
  return bytes.toString("latin1", at, lf < 0 ? Math.min(end, at + 1200) : at + lf);
};

function fileAt(bytes: Buffer, start: number, end: number): UuFile | null {
  const first = lineAt(bytes, start, end);
  const [, base64, name] = /^begin(-base64)? +[0-7]{3,4} +(.*?)\r?$/.exec(first) ?? [];
  if (name === undefined) return null;
  const data = start + first.length + 1;
  const second = lineAt(bytes, data, end).replace(/\r$/, "");
  if (base64 !== undefined ? !/^[A-Za-z0-9+/=]+$/.test(second) : !isData(second) && second !== "end") return null;
  const mark = base64 === undefined ? "\nend" : "\n====";
  const close = bytes.subarray(data - 1, end).indexOf(mark);
  const stop = close < 0 ? end : Math.min(end, data - 1 + close + mark.length);
  if (base64 === undefined) return { start, end: stop, name, encoding: "uuencode", open: close < 0 };
  // Without its first line it is base64 like any other.
  return { start: Math.min(data, stop), end: stop, name, encoding: "base64", open: close < 0 };
}

/** Files in `bytes` from `start` to `end`, in order. `more`: there were too many places to look at. */
export function findUuFiles(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly files: readonly UuFile[]; readonly more: boolean } {
  const files: UuFile[] = [];
  const text = bytes.subarray(0, end);
  let at = start;
  for (let tries = 0; tries < mostCandidates; tries++) {
    const atStart = at === start && text.toString("latin1", at, at + 5) === "begin";
    const begin = atStart ? at : text.indexOf("\nbegin", at) + 1;
    if (begin === 0 && !atStart) return { files, more: false };
    const file = fileAt(bytes, begin, end);
    if (file) files.push(file);
    at = file ? file.end : begin + 5;
  }
  return { files, more: true };
}

/** The octets of the first file in `raw`; without a `begin` line everything is taken for data. */
export function decodeUuencode(raw: Buffer): Buffer {
  const begin = findUuFiles(raw, 0, raw.length).files[0];
  let at = begin ? raw.indexOf(10, begin.start) + 1 : 0;
  const out = Buffer.allocUnsafe(raw.length * 2 + 3);
  let written = 0;
  while (at < raw.length) {
    const lf = raw.indexOf(10, at);
    const next = lf < 0 ? raw.length : lf;
    const end = raw[next - 1] === 13 ? next - 1 : next;
    if (end - at === 3 && raw.toString("latin1", at, end) === "end") break;
    written = decodeLine(raw, at, end, out, written);
    at = next + 1;
  }
  return out.subarray(0, written);
}

/** Up to three blanks cut off at the end of a line count as zeros; more are not made up, so that output stays in proportion. */
function decodeLine(raw: Buffer, start: number, end: number, out: Buffer, written: number): number {
  if (start >= end) return written;
  const value = (at: number): number => (at < end ? ((raw[at] as number) - 32) & 63 : 0);
  const length = Math.min(value(start), Math.ceil(((end - start + 3) * 3) / 4));
  const stop = Math.min(written + length, out.length);
  let to = written;
  for (let at = start + 1; to < stop; at += 4) {
    const group = (value(at) << 18) | (value(at + 1) << 12) | (value(at + 2) << 6) | value(at + 3);
    out[to++] = group >> 16;
    if (to < stop) out[to++] = (group >> 8) & 255;
    if (to < stop) out[to++] = group & 255;
  }
  return stop;
}
