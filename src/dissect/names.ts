/** Every name that a reader may give to a part. Names are claims: RFC 2183 §2.3. */
import { decodeBytes, rawReadings } from "./charset.ts";
import { type Parameter, unescapePercent } from "./continuations.ts";
import { wordReadings } from "./words.ts";

const longest = 1000;
const most = 16;

export interface CandidateNames {
  /** The most plausible first. */
  readonly names: readonly string[];
  /** Claims that end in different extensions: one reader opens a text, another runs a program. Harmless where one merely lost its end. */
  readonly conflict: "conflict" | "harmless" | null;
  /** There were more than are kept. */
  readonly overflow: boolean;
}

/** Start and end of a name that nobody can read whole; the end has the extension. */
const shorten = (name: string): string =>
  name.length <= longest ? name : `${name.slice(0, longest / 2)}…${name.slice(1 - longest / 2)}`;

const octets = (value: string): Buffer => Buffer.from(value, "latin1");

/** Far more than any name; bounds the work on a hostile field. */
const mostOctets = 8192;
const bounded = (value: string): string =>
  value.length <= 2 * mostOctets ? value : value.slice(0, mostOctets) + value.slice(-mostOctets);

/** Plain values may hold encoded-words (against RFC 2047 §5, but most mail does it), raw octets, or RFC 2231 without its star. */
function readings(value: string, charset: string | null, hint: string): readonly string[] {
  if (charset !== null) {
    const text = charset === "" ? rawReadings(octets(value), hint) : [decodeBytes(octets(value), charset)];
    return value.includes("=?") ? [...wordReadings(value, hint), ...text] : text;
  }
  const [, label = "", escaped = ""] = /^([\w-]+)'[\w-]*'(.*%.*)$/.exec(value) ?? [];
  const unstarred = escaped === "" ? [] : [decodeBytes(octets(unescapePercent(escaped)), label)];
  if (!value.includes("=?")) return [...unstarred, ...rawReadings(octets(value), hint)];
  return [...wordReadings(value, hint), ...rawReadings(octets(value), hint)];
}

/** NUL ends a name for some readers and is nothing for others. */
const withoutNul = (name: string): readonly string[] =>
  name.includes("\0") ? [name.replaceAll("\0", ""), name.slice(0, name.indexOf("\0"))] : [name];

/** Octets that did not decode, or encoded-words as they stand. */
const isDoubtful = (name: string): boolean => name.includes("\ufffd") || /=\?[^?]*\?[bq]\?/i.test(name);

/** Full-width letters count as what they look like; dots and blanks at the end are dropped by Windows. */
const extension = (name: string): string =>
  (/\.([^.]*?)[\s.]*$/.exec(name.slice(-200).normalize("NFKC"))?.[1] ?? "").toLowerCase();

/** `disposition` and `type` are the parameters of the two fields; `hint` the part's charset. Order: filename*, filename, name*, name. */
export function candidateNames(
  disposition: readonly Parameter[],
  type: readonly Parameter[],
  hint = "",
): CandidateNames {
  const claims = [
    ...disposition.filter(({ name }) => name === "filename"),
    ...type.filter(({ name }) => name === "name"),
    // Some programs write the one parameter into the other's field.
    ...disposition.filter(({ name }) => name === "name"),
    ...type.filter(({ name }) => name === "filename"),
  ];
  const names = new Set<string>();
  const extensions = new Set<string>();
  // The first reading of each claim before the second of any: the order is one of plausibility.
  const sets = claims.map(({ values, charset }) =>
    values.slice(0, 4).map((value) =>
      readings(bounded(value), charset, hint)
        .flatMap(withoutNul)
        .filter((name) => name.trim() !== ""),
    ),
  );
  for (const [first] of sets) {
    const best = first?.[0];
    if (best === undefined) continue;
    names.add(shorten(best));
    extensions.add(extension(best));
  }
  const others = sets.flat(2);
  // Readings that went wrong say something new only if they end in something new.
  for (const name of others.filter((name) => !isDoubtful(name))) names.add(shorten(name));
  const ends = new Set([...names].map(extension));
  ends.add("");
  for (const name of others) if (isDoubtful(name) && !ends.has(extension(name))) names.add(shorten(name));
  const different = [...extensions].filter((end) => end !== "").length > 1;
  const conflict = different ? "conflict" : extensions.size > 1 ? "harmless" : null;
  return { names: [...names].slice(0, most), conflict, overflow: names.size > most };
}
