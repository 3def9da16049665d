/** What the Content-* fields of an entity claim: sets, since readers differ in which of several they believe. */
import type { TransferEncoding } from "../core/message.ts";
import { readBoundaries } from "./boundaries.ts";
import { readEncodings } from "./encodings.ts";
import type { Field } from "./header.ts";
import { candidateNames } from "./names.ts";
import { type Parameters, parseParameters } from "./parameters.ts";
import type { Grade, Note } from "./report.ts";

export interface Claims {
  /** Media types, lower case, the most plausible first; the default of RFC 2045 §5.2 where none is declared, empty where none can be read. */
  readonly types: readonly string[];
  /** False: the type is the default. */
  readonly typed: boolean;
  /** Octets as latin1, the most plausible first. */
  readonly boundaries: readonly string[];
  /** How many of them are what the fields say by the grammar. */
  readonly plainBoundaries: number;
  /** At least one, in the order of the fields. */
  readonly encodings: readonly TransferEncoding[];
  /** Not all readers know the encoding. */
  readonly unsureEncoding: boolean;
  readonly names: readonly string[];
  readonly attachment: boolean;
  readonly notes: readonly Note[];
}

/** Of one name. */
const mostFields = 64;

export const isMultipart = (type: string): boolean => type.startsWith("multipart/");

/** Reports about messages, which are text of their own kind; any other message/* is opened like message/rfc822, fragments and references too. */
const messageLeaves =
  /^message\/(?:delivery-status|global-delivery-status|disposition-notification|global-disposition-notification|feedback-report|tracking-status|http|s-http|sip|sipfrag|cpim|imdn\+xml)$/;
export const isMessage = (type: string): boolean => type.startsWith("message/") && !messageLeaves.test(type);

const kind = (type: string): string => (isMultipart(type) ? "multipart" : isMessage(type) ? "message" : "leaf");

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const mediaType = new RegExp(`(${token})\\s*/\\s*(${token})`, "g");

/** Several in one value: a comma list, against the grammar, of which each reader takes another. */
const mediaTypes = (main: string): readonly string[] =>
  [...main.slice(0, 1000).replace(/[\0"]/g, "").matchAll(mediaType)].map(([, type = "", subtype = ""]) =>
    `${type}/${subtype}`.toLowerCase(),
  );

interface TypeField extends Parameters {
  readonly doubtful: boolean;
}

const quotedList = (types: readonly string[]): string => types.slice(0, 5).join(", ").slice(0, 200);

function readTypes(fields: readonly TypeField[], fallback: string): Pick<Claims, "types" | "typed" | "notes"> {
  const declared = [...new Set(fields.flatMap(({ main }) => mediaTypes(main)))];
  // A field that not all readers see leaves the default for the others.
  const unsure = fields.length > 0 && fields.every(({ doubtful }) => doubtful);
  const types = unsure ? [...new Set([...declared, fallback])] : declared;
  const kinds = new Set(types.map(kind));
  const notes: Note[] = [];
  const grade: Grade = kinds.size > 1 ? "conflict" : "odd";
  if (types.length > 1)
    notes.push({ rule: "conflicting-type", grade, text: `Several media types: ${quotedList(types)}` });
  const boundary = fields.some(({ list }) => list.some(({ name }) => name === "boundary"));
  if (declared.length === 0 && boundary)
    notes.push({ rule: "broken-type", grade: "conflict", text: "A boundary without a media type that can be read" });
  return { types: fields.length === 0 ? [fallback] : types, typed: fields.length > 0, notes };
}

/** What is unlike in the names: a text for one reader may be a program for another. */
function nameNotes({ names, conflict, overflow }: ReturnType<typeof candidateNames>): readonly Note[] {
  const notes: Note[] = [];
  if (conflict !== null)
    notes.push({
      rule: "conflicting-name",
      grade: conflict,
      text: `Names with different extensions: ${names.slice(0, 4).join(" | ")}`,
    });
  if (overflow) notes.push({ incomplete: "limit", text: "More names than are kept" });
  return notes;
}

/** Fields of MIME that only some readers see. */
function hiddenNotes(fields: readonly Field[]): readonly Note[] {
  const names = new Set(
    fields
      .filter(({ doubtful, name }) => doubtful && /^content-(?:type|trans|disp)/.test(name))
      .map(({ name }) => name),
  );
  if (names.size === 0) return [];
  return [{ rule: "hidden-field", grade: "conflict", text: `Not all readers see ${[...names].join(", ")}` }];
}

/** `fallback` is the type of an entity that declares none: RFC 2045 §5.2, RFC 2046 §5.1.5. */
export function readClaims(fields: readonly Field[], fallback: string): Claims {
  const notes: Note[] = [];
  const fieldsOf = (name: string): readonly Field[] => {
    const all = fields.filter((field) => field.name === name);
    if (all.length > mostFields)
      notes.push({ incomplete: "limit", text: `Of ${all.length} ${name} fields the first ${mostFields} were read` });
    return all.slice(0, mostFields);
  };
  const typeFields = fieldsOf("content-type").map(({ value, doubtful }) => ({ ...parseParameters(value), doubtful }));
  const dispositions = fieldsOf("content-disposition").map(({ value }) => parseParameters(value));
  const typeParameters = typeFields.flatMap(({ list }) => list);
  const charset = typeParameters.find(({ name }) => name === "charset")?.values[0] ?? "";
  const types = readTypes(typeFields, fallback);
  const { boundaries, plain, notes: ofBoundaries } = readBoundaries(typeParameters, types.types.some(isMultipart));
  const { encodings, unsure, notes: ofEncodings } = readEncodings(fieldsOf("content-transfer-encoding"));
  const names = candidateNames(
    dispositions.flatMap(({ list }) => list),
    typeParameters,
    charset,
  );
  notes.push(...types.notes, ...ofBoundaries, ...ofEncodings, ...nameNotes(names), ...hiddenNotes(fields));
  if ([...typeFields, ...dispositions].some(({ overflow }) => overflow))
    notes.push({ incomplete: "limit", text: "More parameters than are read" });
  return {
    types: types.types,
    typed: types.typed,
    boundaries,
    plainBoundaries: plain,
    encodings,
    unsureEncoding: unsure,
    names: names.names,
    attachment: dispositions.some(({ main }) => /^["\s\0]*attachment/i.test(main)),
    notes,
  };
}
