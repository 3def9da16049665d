/** Looks at octets whatever the structure says of them: fields of MIME, runs of base64 and marks of files where no part begins. */
import type { View } from "../core/message.ts";
import { findBase64Runs } from "./base64-runs.ts";
import { decodeOctets } from "./decode.ts";
import type { Range } from "./delimiters.ts";
import type { Plain } from "./leaves.ts";
import { findMagic, looksMeant } from "./magics.ts";

export interface Carved {
  readonly views: readonly View[];
  readonly more: boolean;
}

/** Octets by which one sees whether chance made them. */
const headBytes = 300;
/** Random octets of this size in a text are no signature, key or token any more. */
const large = 2048;

const armour = /-----BEGIN [^\r\n]*-----\s*(?:[\w-]+: [^\r\n]*\s*)*$/;

/** All of them in a few lines, or it is no base64. */
const mixed = [/[a-z]/, /[A-Z]/, /[0-9+/]/];

/** Worth a part of its own: it begins like a file, or is text, or is too much to be a signature. */
function isMeant(message: Buffer, { start, end }: Range, kind: Plain["kind"]): boolean {
  const head = decodeOctets(message.subarray(start, Math.min(end, start + headBytes * 2)), "base64").bytes;
  if (looksMeant(head.subarray(0, headBytes))) return true;
  if (kind === "header" || (end - start) * 0.75 < large) return false;
  if (!mixed.every((letters) => letters.test(message.toString("latin1", start, start + 400)))) return false;
  return !armour.test(message.toString("latin1", Math.max(0, start - 600), start));
}

/** Binary from the start: a file as it stands, which is a part already. */
const isBinary = (message: Buffer, { start, end }: Range): boolean =>
  message.subarray(start, Math.min(end, start + 4096)).includes(0);

/** Runs of base64, and a file that begins in the middle of something else. */
export function carve(message: Buffer, { range, kind }: Plain): Carved {
  if (kind === "attachment" && isBinary(message, range)) return { views: [], more: false };
  const { runs, more } = findBase64Runs(message, range);
  const views = runs
    .filter((run) => isMeant(message, run, kind))
    .map(({ start, end }): View => ({ offset: start, length: end - start, encoding: "base64" }));
  const magic = kind === "attachment" || kind === "header" ? null : findMagic(message, range);
  if (magic !== null && magic > range.start)
    views.push({ offset: magic, length: range.end - magic, encoding: "identity" });
  return { views, more };
}

const mostStrays = 200;
/** The rest of such a field's name, and what may stand in front of it: blanks, NULs, quoting marks behind a line end, also a bare CR. */
const [tail, front] = [/(?:type|transfer-encoding|disposition)[ \t\0]*:/y, /(?:^|[\r\n])[ \t\0>]*$/] as const;
const longestFront = 80;
const word = "content-";
const chunk = 4 * 1024 * 1024;

function isField(text: string, at: number): boolean {
  tail.lastIndex = at + word.length;
  return tail.test(text) && front.test(text.slice(Math.max(0, at - longestFront), at));
}

/** Where fields of MIME stand in a text: headers of parts whose delimiters were not seen. */
export function findStrays(
  message: Buffer,
  { start, end }: Range,
): { readonly starts: readonly number[]; readonly more: boolean } {
  const starts = new Set<number>();
  for (let from = start; from < end; from += chunk) {
    // Some octets of its neighbours, for a field that lies across.
    const first = Math.max(start, from - longestFront);
    const text = message.toString("latin1", first, Math.min(end, from + chunk + longestFront)).toLowerCase();
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
      if (starts.size === mostStrays) return { starts: [...starts], more: true };
      if (isField(text, at)) starts.add(first + at);
    }
  }
  return { starts: [...starts], more: false };
}

/** A line that may be a delimiter, whatever stands in front of its dashes. */
const dashes = /[\r\n][ \t\0>]*--[^\s-]/;

/** Where a part that starts at `start` ends if no delimiter is known: at the next line with dashes. */
export function strayEnd(message: Buffer, bodyStart: number, end: number): number {
  for (let from = Math.max(0, bodyStart - 1); from < end; ) {
    const at = message.subarray(from, end).indexOf("--");
    if (at < 0) return end;
    const line = message.toString("latin1", Math.max(bodyStart - 1, from + at - 40), Math.min(end, from + at + 4));
    const found = dashes.exec(line);
    if (found) {
      const cut = Math.max(bodyStart - 1, from + at - 40) + found.index;
      return message[cut] === 10 && message[cut - 1] === 13 && cut > bodyStart ? cut - 1 : Math.max(cut, bodyStart);
    }
    from += at + 2;
  }
  return end;
}
