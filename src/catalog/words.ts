/**
 * Words and pieces to search by. Scripts that put no spaces between words are cut into overlapping pairs of letters, on both sides,
 * so that any piece of a Japanese subject is found; the database's index of words needs to know nothing of it.
 */
import type { Query, Summary } from "./catalog.ts";

/** The long vowel mark belongs to no script. */
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\u30fc]+/gu;
const meaningful = /[\p{L}\p{N}]/u;
const mostWords = 12;
const longestQuery = 300;

/** Full-width letters become plain ones, half-width kana become whole ones, accents go; a NUL would end the text for SQLite. */
const fold = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/gu, "")
    .normalize("NFC")
    .replace(/\p{Cc}|\p{Cs}/gu, " ");

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

export interface Phrase {
  /** Words that follow each other. */
  readonly words: string;
  /** The last one may go on: "exam" finds "example". */
  readonly goesOn: boolean;
}

/** Pieces of one word of the query. */
function phrases(word: string): readonly Phrase[] {
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
    return [two.length > 0 ? { words: two.join(" "), goesOn: false } : { words: piece, goesOn: true }];
  });
}

/** Each must occur. Null if there is no condition, none if the text has no word to search by and hence finds nothing. */
export function phrasesOf(text: string | undefined): readonly Phrase[] | null {
  if (!text?.trim()) return null;
  return fold(text.slice(0, longestQuery)).split(/\s+/u).slice(0, mostWords).flatMap(phrases);
}

/** The letters around the fields in the column `searched`; fold() lets none of them through. */
const fields = { sender: "\u0001", recipient: "\u0002", subject: "\u0003", fileName: "\u0004" } as const;
const end = "\u0005";

export const searchedOf = (of: Summary): string =>
  [
    ...[fields.sender, fold(of.reversePath)],
    ...[fields.recipient, of.forwardPaths.map(fold).join("\n")],
    ...[fields.subject, fold(of.subject)],
    ...[fields.fileName, of.names.map(fold).join("\n"), end],
  ].join("");

export interface Piece {
  /** Folded; not empty. */
  readonly text: string;
  /** For `like` with `!` as the sign before signs that mean themselves: the piece between the two letters around its field. */
  readonly pattern: string;
}

/** For `like`, as above. */
export const containing = (text: string): string => `%${text.replace(/[!%_]/g, "!$&")}%`;

const marks = [...Object.values(fields), end];

export function piecesOf(query: Query): readonly Piece[] {
  return (Object.keys(fields) as (keyof typeof fields)[]).flatMap((field) => {
    const text = fold((query[field] ?? "").slice(0, longestQuery)).trim();
    if (text === "") return [];
    const [before, after] = [fields[field], marks[marks.indexOf(fields[field]) + 1] ?? end];
    return [{ text, pattern: `%${before}${containing(text)}${after}%` }];
  });
}

/** A piece of two letters is looked for where a word begins so: nothing shorter than three is known to an index of pieces. */
export const beginnings = (pieces: readonly Piece[]): readonly Phrase[] =>
  pieces.flatMap(({ text }) => ([...text].length < 3 ? (phrasesOf(text) ?? []) : []));

/** What FTS5 takes for a word (unicode61), so that all databases find the same; PostgreSQL takes at most 2,046 octets. */
const word = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;
const longestWord = 250;

export const lexemes = (text: string): readonly string[] =>
  (text.match(word) ?? []).map((one) => one.slice(0, longestWord));

/** As an index of words would say it. */
export function holds(of: Summary, phrases: readonly Phrase[]): boolean {
  const all = ` ${lexemes(wordsOf(of)).join(" ")} `;
  return phrases.every(({ words, goesOn }) => {
    const wanted = lexemes(words).join(" ");
    return wanted !== "" && all.includes(` ${wanted}${goesOn ? "" : " "}`);
  });
}
