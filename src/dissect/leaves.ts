/** Adds what has no structure of its own: bodies, attachments, attached messages; each under every encoding it may have. */
import type { Role, TransferEncoding, View } from "../core/message.ts";
import { decodeBinhex } from "./binhex.ts";
import { type Claims, isMessage, isMultipart } from "./claims.ts";
import { binhexRoom } from "./decode.ts";
import type { Range } from "./delimiters.ts";
import { parseHeader } from "./header.ts";
import { otherReadings } from "./leaf-readings.ts";
import type { Leaf, Parts } from "./parts.ts";
import type { Report } from "./report.ts";
import { findTextFiles, type TextFile } from "./text-files.ts";

/** A stretch of the message that was taken for text or left as it is: other structures may hide in it. */
export interface Plain {
  readonly path: string;
  readonly range: Range;
  readonly kind: "text" | "attachment" | "aside" | "header";
}

export interface Leaves {
  readonly message: Buffer;
  readonly parts: Parts;
  readonly report: Report;
  /** Stretches in which codes and other structures are looked for, once each. */
  readonly plain: Map<string, Plain>;
  /** 1, or the number of the alternative reading that is being walked. */
  reading: number;
  /** While octets are searched that were read already: only what the message has not yet is added. */
  onlyNew: boolean;
}

const isText = (type: string): boolean => type === "text/plain" || type === "text/html";

const roleOf = ({ types, attachment }: Claims): Role =>
  !attachment && types.length > 0 && types.every(isText) ? "body" : "attachment";

const viewOf = ({ start, end }: Range, encoding: TransferEncoding): View => ({
  offset: start,
  length: end - start,
  encoding,
});

/** Only base64 and at least two lines' worth of it, as far as a first look goes. */
function looksLikeBase64(raw: Buffer): boolean {
  const text = raw.toString("latin1", 0, Math.min(raw.length, 1024)).trim();
  return text.length >= 24 && /^(?:[A-Za-z0-9+/]{4,}={0,2}[ \t]*\r?\n)*[A-Za-z0-9+/]+={0,2}$/.test(text);
}

const looksQuoted = (raw: Buffer): boolean => /=(?:[0-9A-F]{2}|\r?\n)/.test(raw.toString("latin1", 0, 64 * 1024));

/** Starts with fields that only a message's header has. */
const looksLikeMessage = (raw: Buffer): boolean =>
  parseHeader(raw.subarray(0, 4096)).fields.some(({ name }) =>
    ["received", "from", "to", "subject", "date", "message-id", "mime-version", "return-path", "content-type"].includes(
      name,
    ),
  );

function encodingsOf(claims: Claims, raw: Buffer, role: Role): readonly TransferEncoding[] {
  const encodings = new Set(claims.encodings);
  // Nobody said base64, or nobody said it in words that everybody reads.
  if ((claims.unsureEncoding || role === "attachment") && encodings.has("identity") && looksLikeBase64(raw))
    encodings.add("base64");
  // Not of the standard: most readers leave it as it stands.
  if (encodings.has("uuencode") || encodings.has("yenc")) encodings.add("identity");
  if (claims.unsureEncoding && looksQuoted(raw)) encodings.add("quoted-printable");
  return [...encodings];
}

const keyOf = ({ start, end }: Range): string => `${start} ${end}`;

export function notePlain(leaves: Leaves, plain: Plain): void {
  const key = keyOf(plain.range);
  if (!leaves.plain.has(key)) leaves.plain.set(key, plain);
}

/** `aside`: preamble or epilogue, which no reader shows. */
export function addLeaf(leaves: Leaves, path: string, range: Range, claims: Claims, aside = false): void {
  const role = roleOf(claims);
  const raw = leaves.message.subarray(range.start, range.end);
  const encodings = encodingsOf(claims, raw, role);
  const fresh = !leaves.plain.has(keyOf(range));
  const sniffed = encodings.filter((encoding) => encoding !== "identity" && !claims.encodings.includes(encoding));
  if (sniffed.length > 0)
    leaves.report.add(path, {
      rule: "undeclared-encoding",
      grade: claims.unsureEncoding ? "conflict" : "odd",
      text: `Looks like ${sniffed.join(" and ")}, which nobody declared`,
    });
  const leaf = { path, role, names: claims.names, declaredTypes: claims.types };
  const whole = encodings.map((encoding) => addReadings(leaves, leaf, viewOf(range, encoding), sniffed));
  if (whole.every(Boolean)) return;
  notePlain(leaves, { path, range, kind: aside ? "aside" : role === "body" ? "text" : "attachment" });
  if (fresh) addTextFiles(leaves, path, range, claims.types, encodings);
}

/** One encoding and the readings that it has. False if other structures may hide in the octets. */
function addReadings(
  { message, parts, report, reading, onlyNew }: Leaves,
  leaf: Omit<Leaf, "view">,
  view: View,
  sniffed: readonly TransferEncoding[],
): boolean {
  const digest = parts.add({ ...leaf, view }, reading, onlyNew);
  if (!digest) return true;
  const raw = message.subarray(view.offset, view.offset + view.length);
  const { views, notes } = otherReadings(raw, view, digest, leaf.role === "body");
  if (!sniffed.includes(view.encoding)) for (const note of notes) report.add(leaf.path, note);
  for (const other of views) parts.add({ ...leaf, view: other }, Math.max(2, reading), onlyNew);
  return view.encoding === "base64" && digest.junk === 0;
}

/** Files that stand in a text by a code of their own become parts: "1.uu1", "1.uu2" … */
function addTextFiles(
  leaves: Leaves,
  path: string,
  range: Range,
  types: readonly string[],
  encodings: readonly TransferEncoding[],
): void {
  const { message, parts, report, reading } = leaves;
  const { files, more } = findTextFiles(message, range.start, range.end);
  if (more) report.add(path, { incomplete: "limit", text: "More beginnings of encoded files than are looked at" });
  files.forEach((file, index) => {
    const { start, end, name, encoding, open } = file;
    // With the encoding declared, the first file is the part itself.
    const whole = index === 0 && encodings.includes(encoding);
    const own = whole ? path : `${path}.uu${index + 1}`;
    const names = name === "" ? namesOf(message, file) : [name.slice(0, 1000)];
    const view = viewOf({ start, end }, encoding);
    parts.add(
      { path: own, role: "attachment", names, declaredTypes: whole ? types : [], view },
      reading,
      leaves.onlyNew,
    );
    if (open)
      report.add(own, { rule: "unclosed-uuencode", grade: "harmless", text: "An encoded file without its end" });
    if (encoding === "binhex") addForks(leaves, own, { start, end });
  });
}

const forks = (message: Buffer, { start, end }: Range) => {
  const raw = message.subarray(start, end);
  return decodeBinhex(raw, binhexRoom(raw));
};

function namesOf(message: Buffer, file: TextFile): readonly string[] {
  const name = file.encoding === "binhex" ? (forks(message, file)?.name ?? "") : "";
  return name === "" ? [] : [name];
}

/** The data fork is there already. */
function addForks(leaves: Leaves, path: string, range: Range): void {
  const { message, parts, report, reading } = leaves;
  const content = forks(message, range);
  if (!content) report.add(path, { incomplete: "malformed", text: "BinHex that holds no file" });
  else if (content.cut === "limit")
    report.add(path, { incomplete: "limit", text: "More comes out of this BinHex than is looked at" });
  if (!content || content.resource.length === 0) return;
  const view = viewOf(range, "binhex-resource");
  parts.add({ path, role: "attachment", names: [content.name], declaredTypes: [], view }, reading, leaves.onlyNew);
}

/** True if the attached message's own parts can be views on the outer one. An encoded one is opened later, by the extractor for messages. */
export function addMessage(leaves: Leaves, path: string, range: Range, claims: Claims): boolean {
  const { message, parts, report } = leaves;
  const plain = looksLikeMessage(message.subarray(range.start, range.end));
  const declared = claims.encodings;
  const encoded = declared.filter((encoding) => encoding !== "identity");
  // RFC 2046 §5.2.1 allows no encoding here: readers that go by that see the octets as they stand.
  const open = declared.includes("identity") || plain;
  if (open && encoded.length > 0)
    report.add(path, {
      rule: "conflicting-encoding",
      grade: "conflict",
      text: "A message that can be read encoded and as it stands",
    });
  const encodings: readonly TransferEncoding[] = open ? ["identity", ...encoded] : encoded;
  const role: Role = "attached-message";
  for (const encoding of encodings)
    parts.add(
      { path, role, names: claims.names, declaredTypes: claims.types, view: viewOf(range, encoding) },
      leaves.reading,
      leaves.onlyNew,
    );
  if (!claims.types.every(isMessage) && claims.types.some((type) => !isMessage(type) && !isMultipart(type)))
    addLeaf(leaves, path, range, claims);
  return open;
}
