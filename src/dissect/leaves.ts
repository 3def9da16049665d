/** Adds what has no structure of its own: bodies, attachments, attached messages; each under every encoding it may have. */
import type { Role, TransferEncoding, View } from "../core/message.ts";
import { firstPadding } from "./base64.ts";
import { type Claims, isMessage } from "./claims.ts";
import { type Decoded, decodeOctets } from "./decode.ts";
import type { Range } from "./delimiters.ts";
import { parseHeader } from "./header.ts";
import type { Digest, Parts } from "./parts.ts";
import type { Report } from "./report.ts";
import { findUuFiles } from "./uuencode.ts";

export interface Leaves {
  readonly message: Buffer;
  readonly parts: Parts;
  readonly report: Report;
  /** Ranges in which uuencoded files were looked for. */
  readonly searched: Set<string>;
  /** 1, or the number of the alternative reading that is being walked. */
  reading: number;
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
  const text = raw.toString("latin1", 0, Math.min(raw.length, 1024)).trimEnd();
  return text.length >= 100 && /^\s*(?:[A-Za-z0-9+/]{20,}={0,2}\r?\n)*[A-Za-z0-9+/]+={0,2}$/.test(text);
}

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
  if ((claims.unknownEncoding || role === "attachment") && encodings.has("identity") && looksLikeBase64(raw))
    encodings.add("base64");
  return [...encodings];
}

/** What base64 that is not as it should be means, and the readings that follow from it. */
function afterBase64(leaves: Leaves, path: string, range: Range, digest: Digest): readonly View[] {
  const { message, report } = leaves;
  const note = (rule: string, text: string): void => report.add(path, { rule, severity: "low", text });
  const views: View[] = [];
  if (digest.restarts > 0) {
    note("base64-restarts", "Base64 goes on after its padding");
    const end = firstPadding(message.subarray(range.start, range.end));
    if (end !== null) views.push({ offset: range.start, length: end, encoding: "base64" });
  }
  if (digest.junk > 0) note("base64-junk", `${digest.junk} octets inside base64 are none of it`);
  if (digest.junk * 8 > digest.size) views.push(viewOf(range, "identity"));
  return views;
}

/** An encoded text is decoded once, for its hash and for what may stand in it. */
function decodeBody(leaves: Leaves, path: string, raw: Buffer, encoding: TransferEncoding): Decoded | undefined {
  if (encoding === "identity" || encoding === "uuencode") return undefined;
  const decoded = decodeOctets(raw, encoding);
  noteUuFiles(leaves, path, decoded.bytes);
  return decoded;
}

export function addLeaf(leaves: Leaves, path: string, range: Range, claims: Claims): void {
  const { message, parts, report, searched } = leaves;
  const role = roleOf(claims);
  const raw = message.subarray(range.start, range.end);
  const { names, types: declaredTypes } = claims;
  const add = (view: View, decoded?: Decoded): Digest | null =>
    parts.add({ path, role, names, declaredTypes, view }, leaves.reading, decoded);
  const encodings = encodingsOf(claims, raw, role);
  const declared = claims.encodings.includes("base64");
  if (encodings.includes("base64") && !declared)
    report.add(path, { rule: "undeclared-base64", severity: "low", text: "Looks like base64, which nobody declared" });
  const key = `${range.start} ${range.end}`;
  const fresh = !searched.has(key);
  searched.add(key);
  for (const encoding of encodings) {
    const decoded = fresh && role === "body" ? decodeBody(leaves, path, raw, encoding) : undefined;
    const digest = add(viewOf(range, encoding), decoded);
    if (digest && encoding === "base64" && declared)
      for (const view of afterBase64(leaves, path, range, digest)) add(view);
  }
  if (declaredTypes.includes("message/partial"))
    report.add(path, { incomplete: "unsupported", text: "A fragment of a message; the others travel by themselves" });
  if (fresh) addUuFiles(leaves, path, range, declaredTypes, encodings);
}

/** Behind another encoding a file has no place in the message: it is seen as text only. */
function noteUuFiles({ report }: Leaves, path: string, text: Buffer): void {
  const { files, more } = findUuFiles(text, 0, text.length);
  if (files.length > 0 || more)
    report.add(path, { incomplete: "unsupported", text: "A uuencoded file inside a text that is encoded itself" });
}

/** Files that stand uuencoded in a text become parts: "1.uu1", "1.uu2" … */
function addUuFiles(
  { message, parts, report, reading }: Leaves,
  path: string,
  range: Range,
  types: readonly string[],
  encodings: readonly TransferEncoding[],
): void {
  if (!encodings.includes("identity") && !encodings.includes("uuencode")) return;
  const { files, more } = findUuFiles(message, range.start, range.end);
  if (more) report.add(path, { incomplete: "limit", text: "More beginnings of uuencoded files than are looked at" });
  files.forEach(({ start, end, name, encoding, open }, index) => {
    // With the encoding declared, the first file is the part itself.
    const whole = index === 0 && !encodings.includes("identity");
    const own = whole ? path : `${path}.uu${index + 1}`;
    const names = name === "" ? [] : [name.slice(0, 1000)];
    const view = viewOf({ start, end }, encoding);
    parts.add({ path: own, role: "attachment", names, declaredTypes: whole ? types : [], view }, reading);
    if (open)
      report.add(own, { rule: "unclosed-uuencode", severity: "info", text: "A uuencoded file without its end" });
  });
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
      severity: "high",
      text: "A message that can be read encoded and as it stands",
    });
  const encodings: readonly TransferEncoding[] = open ? ["identity", ...encoded] : encoded;
  const role: Role = "attached-message";
  for (const encoding of encodings)
    parts.add(
      { path, role, names: claims.names, declaredTypes: claims.types, view: viewOf(range, encoding) },
      leaves.reading,
    );
  if (!claims.types.every(isMessage) && claims.types.some((type) => !isMessage(type) && !type.startsWith("multipart/")))
    addLeaf(leaves, path, range, claims);
  return open;
}
