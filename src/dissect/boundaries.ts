/** Every string that a reader may take for the boundary of a multipart. RFC 2046 §5.1.1. */
import { type Parameter, unescapePercent } from "./continuations.ts";
import type { Note } from "./report.ts";
import { decodeWords } from "./words.ts";

export interface Boundaries {
  /** Octets as latin1, the most plausible first. */
  readonly boundaries: readonly string[];
  /** How many of them, from the first, are what the fields say by the grammar. */
  readonly plain: number;
  readonly notes: readonly Note[];
}

const most = 16;
const longest = 1000;

/** What readers make of one value: whole, without blanks around, cut at a sign of the grammar, without NULs, decoded though it should not be. */
function variants(value: string): readonly string[] {
  const all = [value, value.trim()];
  if (/[\s,;"\0()]/.test(value))
    all.push(
      value.replace(/\s+$/, ""),
      value.replaceAll("\0", ""),
      value.replaceAll('"', ""),
      ...[/[\s,]/, /;/, /\0/, /"/, /\(/].map((sign) =>
        value.slice(0, (value.search(sign) + 1 || value.length + 1) - 1),
      ),
    );
  if (value.includes("=?")) all.push(decodeWords(value).trim());
  if (value.includes("%")) all.push(unescapePercent(value));
  if (value.includes("'")) all.push(value.slice(value.lastIndexOf("'") + 1));
  if (value.includes("\\")) all.push(value.replaceAll("\\", ""));
  return all;
}

export function readBoundaries(parameters: readonly Parameter[], isMultipart: boolean): Boundaries {
  const claims = parameters.filter(({ name }) => name === "boundary");
  const sure = claims.filter(({ doubtful }) => doubtful !== true);
  const best = new Set(
    (sure.length > 0 ? sure : claims).map(({ values: [value = ""] }) => value.slice(0, longest).trimEnd()),
  );
  const all = new Set(best);
  for (const { values } of claims)
    for (const value of values) for (const one of variants(value.slice(0, longest))) all.add(one);
  // An empty boundary is one only where it was written so; what is cut off to nothing is none.
  if (!best.has("")) all.delete("");
  const notes: Note[] = [];
  if (best.size > 1 && isMultipart)
    notes.push({
      rule: "conflicting-boundary",
      grade: "conflict",
      text: `${best.size} different boundaries are declared`,
    });
  if (all.size > most)
    notes.push({ incomplete: "limit", text: `Of ${all.size} boundaries the first ${most} were tried` });
  return { boundaries: [...all].slice(0, most), plain: best.size, notes };
}
