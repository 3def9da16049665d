/** What the Content-Transfer-Encoding fields of an entity may mean: a set. RFC 2045 §6. */
import type { TransferEncoding } from "../core/message.ts";
import type { Field } from "./header.ts";
import { stripComments } from "./parameters.ts";
import type { Grade, Note } from "./report.ts";

export interface Encodings {
  /** At least one, in the order of the fields. */
  readonly encodings: readonly TransferEncoding[];
  /** Not all readers know what is meant: the octets themselves are asked too. */
  readonly unsure: boolean;
  readonly notes: readonly Note[];
}

/** The words of the standards and of old practice, then what is taken for them by readers that look at the start only. */
const known: readonly (readonly [RegExp, TransferEncoding, "exact" | "odd"])[] = [
  [/^base64$/, "base64", "exact"],
  [/^quoted-printable$/, "quoted-printable", "exact"],
  [/^(?:x-)?uu(?:encode|code|e)?$/, "uuencode", "exact"],
  [/^(?:7bit|8bit|binary)$/, "identity", "exact"],
  [/^(?:x-)?yenc$/, "yenc", "exact"],
  [/^[^a-z0-9]*base-?64/, "base64", "odd"],
  [/^[^a-z0-9]*quoted[-_]?print/, "quoted-printable", "odd"],
  [/^(?:[78]-?bits?|none)$/, "identity", "exact"],
  [/^[^a-z0-9]*(?:x-)?uu(?:en)?code/, "uuencode", "odd"],
];

const meaning = (word: string) => known.find(([pattern]) => pattern.test(word));

/** Words of a field; together, where only that makes sense: a fold inside of a word. */
function wordsOf(value: string): readonly string[] {
  const lower = value
    .slice(0, 1000)
    .toLowerCase()
    .replace(/[\0"']/g, "");
  const text = stripComments(lower);
  const words = text.split(/[\s,;]+/).filter(Boolean);
  if (words.some(meaning)) return words;
  const joined = stripComments(lower, "").replace(/[\s,;]+/g, "");
  return [joined].filter(Boolean);
}

interface Word {
  readonly word: string;
  readonly encoding: TransferEncoding | null;
  /** As the standard has it, and nothing else in the field. */
  readonly plain: boolean;
  /** Legal, but many readers stumble over it. */
  readonly commented: boolean;
}

const [exact, comment] = [/^\s*[\w-]+\s*$/, /^\s*[\w-]+\s*\([^()]*\)\s*$/];

function readField({ value, doubtful }: Field): readonly Word[] {
  return wordsOf(value).map((word) => {
    const [, encoding = null, how = "odd"] = meaning(word) ?? [];
    const plain = how === "exact" && exact.test(value) && !doubtful;
    return { word, encoding, plain, commented: how === "exact" && comment.test(value) && !doubtful };
  });
}

const quoted = (words: readonly Word[]): string => `"${words.map(({ word }) => word).join(", ")}"`.slice(0, 200);

/** `fields` are those of that name. */
export function readEncodings(fields: readonly Field[]): Encodings {
  const words = fields.flatMap(readField);
  const encodings = new Set(words.flatMap(({ encoding }) => encoding ?? []));
  const unknown = words.filter(({ encoding }) => encoding === null);
  const odd = words.filter(({ encoding, plain }) => encoding !== null && encoding !== "identity" && !plain);
  const notes: Note[] = [];
  const note = (rule: string, grade: Grade, text: string): unknown => notes.push({ rule, grade, text });
  if (unknown.length > 0 && encodings.size > 0)
    note("conflicting-encoding", "conflict", `A transfer encoding beside an unknown one: ${quoted(words)}`);
  else if (unknown.length > 0) note("unknown-encoding", "odd", `Unknown transfer encoding ${quoted(unknown)}`);
  if (odd.length > 0)
    note(
      "odd-encoding",
      odd.every(({ commented }) => commented) ? "odd" : "conflict",
      `Transfer encoding that not all readers know: ${quoted(odd)}`,
    );
  if (encodings.size > 1)
    note("conflicting-encoding", "conflict", `Several transfer encodings: ${[...encodings].join(", ")}`);
  const unsure = unknown.length > 0 || odd.length > 0;
  if (unsure || encodings.size === 0) encodings.add("identity");
  return { encodings: [...encodings], unsure, notes };
}
