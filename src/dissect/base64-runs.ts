/** Finds runs of base64 in octets whose structure says nothing of them. RFC 4648 §4. */
import type { Range } from "./delimiters.ts";

/** A line of so many characters may begin a run; prose has none, and a check of every such place finds it. */
const leastLine = 44;
const leastRun = 64;
const most = 1000;

const isBase64 = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") isBase64[char.charCodeAt(0)] = 1;

/** Lines of one width, then a shorter one; blanks and quoting marks around are forgiven. */
const run = /(?:[A-Za-z0-9+/]{4,}[ \t]*\r?\n[ \t>]*)*[A-Za-z0-9+/]+={0,2}/y;
const [firstChunk, chunk] = [2048, 64 * 1024] as const;

/** Looks at one octet in `leastLine`, and backwards only from those that could be base64: prose is passed by at a fraction of its length. */
function nextStart(bytes: Buffer, from: number, to: number): number {
  let low = from;
  for (let at = from + leastLine - 1; at < to; ) {
    let back = at;
    while (back >= low && isBase64[bytes[back] as number] === 1) back--;
    if (back < low) return low;
    low = back + 1;
    at = back + leastLine;
  }
  return -1;
}

/** Grows slice by slice, each of which starts at a line's start. */
function endOfRun(bytes: Buffer, start: number, to: number): number {
  let end = start;
  for (let size: number = firstChunk; ; size = chunk) {
    const text = bytes.toString("latin1", end, Math.min(to, end + size));
    run.lastIndex = 0;
    const found = run.exec(text)?.[0] ?? "";
    if (end + text.length === to || found.length < text.length - 200) return end + found.length;
    const line = found.lastIndexOf("\n") + 1;
    // One line of a whole slice and more: it goes on in the next one.
    end += line === 0 ? found.length : line;
  }
}

/** Runs within `range`, in order. `more`: there were too many. */
export function findBase64Runs(
  bytes: Buffer,
  range: Range,
): { readonly runs: readonly Range[]; readonly more: boolean } {
  const runs: Range[] = [];
  for (let at = range.start; at < range.end; ) {
    const start = nextStart(bytes, at, range.end);
    if (start < 0) break;
    if (runs.length === most) return { runs, more: true };
    const end = Math.max(endOfRun(bytes, start, range.end), start + leastLine);
    if (end - start >= leastRun) runs.push({ start, end });
    at = end;
  }
  return { runs, more: false };
}
