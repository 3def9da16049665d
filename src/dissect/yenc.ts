/** yEnc: files inside text, `=ybegin … name=` to `=yend`, and their octets. yEnc working draft 1.3 */

export interface YencFile {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  /** No `=yend` was found: the file runs to the end of the text. */
  readonly open: boolean;
}

const mostCandidates = 10_000;
const longestLine = 1200;
const [lf, cr, escape] = [10, 13, 0x3d] as const;
const begin = "=ybegin ";

/** Behind the line that starts at `at`. */
function nextLine(bytes: Buffer, at: number, end: number): number {
  const found = bytes.subarray(at, end).indexOf(lf);
  return found < 0 ? end : at + found + 1;
}

const isLineStart = (bytes: Buffer, at: number, start: number): boolean =>
  at === start || bytes[at - 1] === lf || bytes[at - 1] === cr;

/** Files in `bytes` from `start` to `end`, in order. `more`: there were too many places to look at. */
export function findYencFiles(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly files: readonly YencFile[]; readonly more: boolean } {
  const files: YencFile[] = [];
  const text = bytes.subarray(0, end);
  let close = -1;
  let at = start;
  for (let tries = 0; tries < mostCandidates; tries++) {
    const found = text.indexOf(begin, at);
    if (found < 0) return { files, more: false };
    at = found + begin.length;
    const line = text.toString("latin1", at, Math.min(nextLine(text, at, end), at + longestLine));
    if (!isLineStart(text, found, start) || !/\bsize=\d/.test(line)) continue;
    const [, name = ""] = / ?\bname=(.*)/.exec(line) ?? [];
    // Not searched again until it is behind us: many beginnings before one end must not cost a search each.
    if (close !== text.length && close < at) {
      const next = text.indexOf("\n=yend", at);
      close = next < 0 ? text.length : next;
    }
    const open = close === text.length;
    const stop = open ? end : nextLine(text, close + 1, end);
    files.push({ start: found, end: stop, name: name.trim(), open });
    at = stop;
  }
  return { files, more: true };
}

/** RFC-less arithmetic of the draft: 42 is added to each octet, and 64 more behind an equals sign. Line ends are none of the data. */
function decodeData(raw: Buffer, from: number, to: number): Buffer {
  const out = Buffer.allocUnsafe(to - from);
  let written = 0;
  for (let at = from; at < to; at++) {
    const octet = raw[at] as number;
    if (octet === lf || octet === cr) continue;
    if (octet !== escape) out[written++] = octet - 42;
    else if (++at < to) out[written++] = (raw[at] as number) - 106;
  }
  return out.subarray(0, written);
}

/** The octets of the first file in `raw`; without a `=ybegin` line everything is taken for data. Never more than `raw` has. */
export function decodeYenc(raw: Buffer): Buffer {
  const file = findYencFiles(raw, 0, raw.length).files[0];
  if (!file) return decodeData(raw, 0, raw.length);
  let from = nextLine(raw, file.start, file.end);
  if (raw.toString("latin1", from, from + 7) === "=ypart ") from = nextLine(raw, from, file.end);
  const close = file.open ? -1 : raw.subarray(0, file.end).lastIndexOf("\n=yend");
  return decodeData(raw, from, Math.max(from, close < 0 ? file.end : close));
}
