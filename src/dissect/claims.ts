/** What the Content-* fields of an entity claim: sets, since readers differ in which of several they believe. */
import type { TransferEncoding } from "../core/message.ts";
import type { Severity } from "../core/outcome.ts";
import { valuesOf as allValues, type Field } from "./header.ts";
import { candidateNames } from "./names.ts";
import { type Parameter, parseParameters, stripComments } from "./parameters.ts";
import type { Note } from "./report.ts";
import { decodeWords } from "./words.ts";

export interface Claims {
  /** Media types, lower case, the most plausible first; the default of RFC 2045 §5.2 where none is declared, empty where none can be read. */
  readonly types: readonly string[];
  /** False: the type is the default. */
  readonly typed: boolean;
  /** Octets as latin1, the most plausible first. */
  readonly boundaries: readonly string[];
  /** At least one, in the order of the fields. */
  readonly encodings: readonly TransferEncoding[];
  /** An encoding that nobody knows was among them. */
  readonly unknownEncoding: boolean;
  readonly names: readonly string[];
  readonly attachment: boolean;
  readonly notes: readonly Note[];
}

const mostBoundaries = 8;
/** Of one name. */
const mostFields = 64;

export const isMultipart = (type: string): boolean => type.startsWith("multipart/");

/** Reports and references about messages, which are text of their own kind; any other message/* is opened like message/rfc822. */
const messageLeaves =
  /^message\/(?:delivery-status|global-delivery-status|disposition-notification|global-disposition-notification|external-body|partial|feedback-report|tracking-status|http|s-http|sip|sipfrag|cpim|imdn\+xml)$/;
export const isMessage = (type: string): boolean => type.startsWith("message/") && !messageLeaves.test(type);

const kind = (type: string): string => (isMultipart(type) ? "multipart" : isMessage(type) ? "message" : "leaf");

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const mediaType = new RegExp(`(${token})\\s*/\\s*(${token})`, "g");

/** Several in one value: a comma list, against the grammar, of which each reader takes another. */
const mediaTypes = (main: string): readonly string[] =>
  [...main.slice(0, 1000).replace(/[\0"]/g, "").matchAll(mediaType)].map(([, type = "", subtype = ""]) =>
    `${type}/${subtype}`.toLowerCase(),
  );

/** The words of the standards and of old practice, then what is taken for them by readers that look at the start only. */
const known: readonly (readonly [RegExp, TransferEncoding, "exact" | "odd"])[] = [
  [/^base64$/, "base64", "exact"],
  [/^quoted-printable$/, "quoted-printable", "exact"],
  [/^(?:x-)?uu(?:encode|code|e)?$/, "uuencode", "exact"],
  [/^(?:7bit|8bit|binary)$/, "identity", "exact"],
  [/^[^a-z0-9]*base-?64/, "base64", "odd"],
  [/^[^a-z0-9]*quoted-?print/, "quoted-printable", "odd"],
  [/^(?:[78]-?bits?|none)$/, "identity", "odd"],
];

const encodingOf = (word: string): TransferEncoding | null =>
  known.find(([pattern]) => pattern.test(word))?.[1] ?? null;

/** Words of a field; together, where only that makes sense: a fold inside of a word. */
function wordsOf(value: string): readonly string[] {
  const text = stripComments(value.slice(0, 1000))
    .toLowerCase()
    .replace(/[\0"']/g, "");
  const words = text.split(/[\s,;]+/).filter(Boolean);
  return words.some((word) => encodingOf(word)) ? words : [words.join("")].filter(Boolean);
}

/** Written in one piece and as the standard has it; else some readers do not know it. */
const isPlain = (word: string, value: string): boolean =>
  known.some(([pattern, , how]) => how === "exact" && pattern.test(word)) && value.toLowerCase().includes(word);

function readEncodings(values: readonly string[]): Pick<Claims, "encodings" | "unknownEncoding" | "notes"> {
  const words = values.flatMap((value) => wordsOf(value).map((word) => ({ word, value, encoding: encodingOf(word) })));
  const encodings = new Set(words.flatMap(({ encoding }) => encoding ?? []));
  const quoted = (list: readonly { word: string }[]): string => `"${list.map(({ word }) => word).join(", ")}"`;
  const unknown = words.filter(({ encoding }) => encoding === null);
  const odd = words.filter(({ encoding, word, value }) => encoding !== null && !isPlain(word, value));
  const notes: Note[] = [];
  const note = (rule: string, severity: Severity, text: string): unknown => notes.push({ rule, severity, text });
  if (unknown.length > 0) note("unknown-encoding", "medium", `Unknown transfer encoding ${quoted(unknown)}`);
  if (odd.length > 0) note("odd-encoding", "medium", `Transfer encoding that not all readers know: ${quoted(odd)}`);
  if (encodings.size > 1)
    note("conflicting-encoding", "high", `Several transfer encodings: ${[...encodings].join(", ")}`);
  if (unknown.length > 0 || odd.length > 0 || encodings.size === 0) encodings.add("identity");
  return { encodings: [...encodings], unknownEncoding: unknown.length > 0, notes };
}

function readBoundaries(parameters: readonly Parameter[]): Pick<Claims, "boundaries" | "notes"> {
  const claims = parameters.filter(({ name }) => name === "boundary");
  const best = new Set(claims.map(({ values: [value = ""] }) => value.trim()));
  const all = new Set(best);
  for (const { values } of claims)
    for (const value of values) {
      all.add(value.trim());
      // Some readers decode words here, others do not.
      if (value.includes("=?")) all.add(decodeWords(value).trim());
    }
  const notes: Note[] = [];
  if (best.size > 1)
    notes.push({
      rule: "conflicting-boundary",
      severity: "high",
      text: `${best.size} different boundaries are declared`,
    });
  if (all.size > mostBoundaries)
    notes.push({ incomplete: "limit", text: `Of ${all.size} boundaries the first ${mostBoundaries} were tried` });
  return { boundaries: [...all].slice(0, mostBoundaries), notes };
}

function readTypes(mains: readonly string[], fallback: string): Pick<Claims, "types" | "typed" | "notes"> {
  const types = [...new Set(mains.flatMap(mediaTypes))];
  const kinds = new Set(types.map(kind));
  const severity = kinds.size > 1 ? "high" : "low";
  const notes: readonly Note[] =
    types.length > 1
      ? [{ rule: "conflicting-type", severity, text: `Several media types: ${types.slice(0, 5).join(", ")}` }]
      : [];
  return { types: mains.length === 0 ? [fallback] : types, typed: mains.length > 0, notes };
}

/** `fallback` is the type of an entity that declares none: RFC 2045 §5.2, RFC 2046 §5.1.5. */
export function readClaims(fields: readonly Field[], fallback: string): Claims {
  const notes: Note[] = [];
  const valuesOf = (name: string): readonly string[] => {
    const values = allValues(fields, name);
    if (values.length > mostFields)
      notes.push({ incomplete: "limit", text: `Of ${values.length} ${name} fields the first ${mostFields} were read` });
    return values.slice(0, mostFields);
  };
  const typeFields = valuesOf("content-type").map(parseParameters);
  const dispositions = valuesOf("content-disposition").map(parseParameters);
  const typeParameters = typeFields.flatMap(({ list }) => list);
  const charset = typeParameters.find(({ name }) => name === "charset")?.values[0] ?? "";
  const types = readTypes(
    typeFields.map(({ main }) => main),
    fallback,
  );
  const boundaries = readBoundaries(typeParameters);
  const encodings = readEncodings(valuesOf("content-transfer-encoding"));
  const names = candidateNames(
    dispositions.flatMap(({ list }) => list),
    typeParameters,
    charset,
  );
  notes.push(...types.notes, ...boundaries.notes, ...encodings.notes);
  if (names.conflict)
    notes.push({
      rule: "conflicting-name",
      severity: "high",
      text: `Names with different extensions: ${names.names.slice(0, 4).join(" | ")}`,
    });
  if (names.overflow || [...typeFields, ...dispositions].some(({ overflow }) => overflow))
    notes.push({ incomplete: "limit", text: "More names or parameters than are read" });
  return {
    types: types.types,
    typed: types.typed,
    boundaries: boundaries.boundaries,
    encodings: encodings.encodings,
    unknownEncoding: encodings.unknownEncoding,
    names: names.names,
    attachment: dispositions.some(({ main }) => /^["\s\0]*attachment/i.test(main)),
    notes,
  };
}
