/** What is frequent among the newest messages, so that an index is asked for what is rare: it gathers all that it is asked for. */
import type { Kysely } from "kysely";
import type { Tables } from "./schema.ts";
import { lexemes, type Phrase } from "./words.ts";

/** In how many of the newest messages a text occurs, from 0 to 1. */
export type Share = (text: string) => number;
const sampled = 300;
const frequent = 0.2;

export async function sample(db: Kysely<Tables>): Promise<Share> {
  const newest = await db.selectFrom("messages").select("searched").orderBy("seq", "desc").limit(sampled).execute();
  return (text) => newest.filter(({ searched }) => searched.includes(text)).length / Math.max(1, newest.length);
}

/** Runs of so many letters of a piece, the rarest first. */
export function rarest(piece: string, length: number, share: Share): readonly string[] {
  const letters = [...piece];
  const size = Math.min(length, letters.length);
  const all = letters.slice(size - 1).map((_, i) => letters.slice(i, i + size).join(""));
  const shares = new Map(all.map((run) => [run, share(run)]));
  return [...shares.keys()].toSorted((a, b) => (shares.get(a) ?? 0) - (shares.get(b) ?? 0));
}

interface Cut {
  readonly phrases: readonly Phrase[];
  /** Something was left out, which the rows themselves must be asked for. */
  readonly isCut: boolean;
}

/** A last word that may go on is gathered whole, however rare the words before it: without it where it is frequent, as "com" is. */
export function withoutTails(phrases: readonly Phrase[], share: Share): Cut {
  let isCut = false;
  const left = phrases.flatMap((whole): readonly Phrase[] => {
    const words = lexemes(whole.words);
    if (!whole.goesOn || share(words.at(-1) ?? "") < frequent) return [whole];
    isCut = true;
    return words.length > 1 ? [{ words: words.slice(0, -1).join(" "), goesOn: false }] : [];
  });
  return { phrases: left, isCut };
}
