/**
 * Words to search by. Scripts that put no spaces between words are cut into overlapping pairs of letters, on both sides, so that
 * any piece of a Japanese subject is found; the database's index of words needs to know nothing of it.
 */
import type { Summary } from "./catalog.ts";

/** The long vowel mark belongs to no script. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\u30fc]+/gu;
const meaningful = /[\p{L}\p{N}]/u;
const mostWords = 12;
const longestQuery = 300;

/** Full-width letters become plain ones, half-width kana become whole ones; a NUL would end the text for SQLite. */
const fold = (text: string): string => text.normalize("NFKC").toLowerCase().replaceAll("\0", " ");

function pairs(run: string): readonly string[] {
  const letters = [...run];
  return letters.slice(1).map((letter, i) => `${letters[i]}${letter}`);
}

/** The last letter stands alone too: it begins no pair. */
const indexed = (run: string): string => ` ${[...pairs(run), [...run].at(-1)].join(" ")} `;

/** All words of a message, as they go into the index. */
export const wordsOf = (of: Summary): string =>
  fold([of.reversePath, ...of.forwardPaths, of.subject, ...of.names, ...of.rules].join("\n")).replace(
    unspaced,
    indexed,
  );

const quoted = (words: string): string => `"${words.replaceAll('"', " ")}"`;

/** Pieces of one word of the query, each a phrase; the last may go on ("exam" finds "example"). */
function phrases(word: string): readonly string[] {
  const found: string[] = [];
  let from = 0;
  for (const run of word.matchAll(unspaced)) {
    found.push(word.slice(from, run.index));
    found.push(run[0]);
    from = run.index + run[0].length;
  }
  found.push(word.slice(from));
  return found.flatMap((piece, i) => {
    if (!meaningful.test(piece)) return [];
    const two = i % 2 === 1 ? pairs(piece) : [];
    return [two.length > 0 ? quoted(two.join(" ")) : `${quoted(piece)}*`];
  });
}

/** What FTS5 is asked: each word must occur, and one of the states. Null if the text has no word to search by. */
export function matchOf(text: string, states: readonly string[] | undefined): string | null {
  const words = fold(text.slice(0, longestQuery)).split(/\s+/u).slice(0, mostWords);
  const all = words.flatMap(phrases);
  if (all.length === 0 || states?.length === 0) return null;
  const either = states && `state : (${states.map(quoted).join(" OR ")})`;
  return [`words : (${all.join(" AND ")})`, ...(either ? [either] : [])].join(" AND ");
}
