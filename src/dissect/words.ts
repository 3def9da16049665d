/** Encoded-words of header fields, RFC 2047, read as loosely as mail programs read them. */
import { decodeBase64 } from "./base64.ts";
import { decodeBytes, rawReadings } from "./charset.ts";
import { decodeQ } from "./quoted-printable.ts";

interface Word {
  readonly start: number;
  readonly end: number;
  readonly charset: string;
  readonly encoding: "b" | "q";
  readonly payload: string;
}

const longestCharset = 64;

/** All encoded-words of a text of octets (latin1). Linear: the search for `?=` never runs over the same octets twice. */
function findWords(text: string): readonly Word[] {
  const words: Word[] = [];
  let close = -1;
  for (let start = text.indexOf("=?"); start >= 0; ) {
    const [, charset, letter] =
      /^=\?([^?\s]{1,64})\?([bq])\?/i.exec(text.slice(start, start + longestCharset + 6)) ?? [];
    let next = start + 2;
    if (charset !== undefined && letter !== undefined) {
      const from = start + charset.length + 5;
      if (close < from) close = text.indexOf("?=", from);
      if (close < 0) break;
      const payload = text.slice(from, close);
      if (!payload.includes("=?")) {
        next = close + 2;
        words.push({ start, end: next, charset, encoding: letter.toLowerCase() === "b" ? "b" : "q", payload });
      }
    }
    start = text.indexOf("=?", next);
  }
  return words;
}

function octetsOf(words: readonly Word[]): readonly Buffer[] {
  const out: Buffer[] = [];
  let pending = "";
  words.forEach((word, index) => {
    if (word.encoding === "q") {
      out.push(decodeQ(word.payload));
      return;
    }
    pending += word.payload;
    const next = words[index + 1];
    // Some senders cut the base64 text, not the octets: a group that is not whole goes on in the next word.
    const cutGroup = pending.replace(/\s/g, "").length % 4 !== 0 && !pending.includes("=");
    if (cutGroup && next?.encoding === "b") return;
    out.push(decodeBase64(Buffer.from(pending, "latin1")).bytes);
    pending = "";
  });
  return out;
}

const damage = (text: string): number => text.split("\ufffd").length;

/** Neighbours of one charset: joined before decoding (a character or an escape sequence may be split), or each by itself. The better one first. */
function readRun(words: readonly Word[]): readonly string[] {
  const charset = words[0]?.charset ?? "";
  const octets = octetsOf(words);
  const joined = decodeBytes(Buffer.concat(octets), charset);
  if (octets.length < 2) return [joined];
  const single = octets.map((piece) => decodeBytes(piece, charset)).join("");
  if (single === joined) return [joined];
  return damage(single) < damage(joined) ? [single, joined] : [joined, single];
}

const sameCharset = (a: Word, b: Word): boolean =>
  a.charset.toLowerCase().replace(/\*.*/, "") === b.charset.toLowerCase().replace(/\*.*/, "");

/** Groups of words with nothing but blanks between them and one charset. */
function runsOf(words: readonly Word[], text: string): readonly (readonly [Word, ...Word[]])[] {
  const runs: [Word, ...Word[]][] = [];
  for (const word of words) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run && last && sameCharset(last, word) && /^\s*$/.test(text.slice(last.end, word.start))) run.push(word);
    else runs.push([word]);
  }
  return runs;
}

/** Both readings of a field: `[best]`, or `[best, other]` where neighbours can be joined in two ways. Text between words is raw octets. */
export function wordReadings(text: string, hint = ""): readonly string[] {
  let best = "";
  let other = "";
  let at = 0;
  for (const run of runsOf(findWords(text), text)) {
    const between = text.slice(at, run[0].start);
    // RFC 2047 §6.2: blanks between encoded-words are not shown, whatever their charsets.
    const plain = at === 0 || /\S/.test(between) ? decodeRaw(between, hint) : "";
    const [first = "", second = first] = readRun(run);
    best += plain + first;
    other += plain + second;
    at = run.at(-1)?.end ?? text.length;
  }
  const rest = decodeRaw(text.slice(at), hint);
  return [...new Set([best + rest, other + rest])];
}

const decodeRaw = (octets: string, hint: string): string =>
  octets === "" ? "" : (rawReadings(Buffer.from(octets, "latin1"), hint)[0] ?? "");

/** The most plausible reading of a field whose value is given as octets (latin1). */
export const decodeWords = (text: string, hint = ""): string => wordReadings(text, hint)[0] ?? "";
