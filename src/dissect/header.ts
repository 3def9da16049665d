/** A header block to fields, loosely: what any reader might take for a field is one. RFC 5322 §2.2. */

export interface Field {
  /** Lower case. */
  readonly name: string;
  /** Octets as latin1, unfolded, without blanks around. */
  readonly value: string;
}

export interface Header {
  readonly fields: readonly Field[];
  /** Where the body starts, from the start of the block. */
  readonly bodyStart: number;
  /** Octets of the header that were not read because of the limit. */
  readonly unread: number;
  /** What is not as RFC 5322 wants it, as clauses for people. */
  readonly oddities: ReadonlySet<string>;
}

const none = "no header";

interface Extent {
  /** End of the fields. */
  readonly end: number;
  readonly bodyStart: number;
}

/** The first empty line; LF counts as a line end too, since attached and stored messages are not as clean as SMTP's. */
function findEnd(bytes: Buffer): Extent | null {
  const [first, second] = bytes;
  if (first === 10) return { end: 0, bodyStart: 1 };
  if (first === 13 && second === 10) return { end: 0, bodyStart: 2 };
  const strict = bytes.indexOf("\n\r\n");
  const loose = (strict < 0 ? bytes : bytes.subarray(0, strict + 1)).indexOf("\n\n");
  if (loose >= 0) return { end: loose + 1, bodyStart: loose + 2 };
  return strict < 0 ? null : { end: strict + 1, bodyStart: strict + 3 };
}

/** The name before the colon, without the blanks and NULs that some readers forgive; null if this is no field. */
function fieldName(line: string, oddities: Set<string>): string | null {
  const colon = line.indexOf(":");
  if (colon < 0 || colon > 200) return null;
  const raw = line.slice(0, colon);
  const name = raw.replace(/^(?:\xef\xbb\xbf)?[\s\0]+|^\xef\xbb\xbf|[\s\0]+$/g, "");
  if (!/^[!-9;-~]+$/.test(name)) return null;
  if (name !== raw) oddities.add("a field name with blanks, NULs or a byte order mark around it");
  return name.toLowerCase();
}

const isFold = (line: string): boolean => line.startsWith(" ") || line.startsWith("\t");
const isMailbox = (line: string): boolean => /^>?From /.test(line);
/** A parameter at the start of a line: a fold whose blank was lost; relays have repaired such fields. */
const lostFold = (line: string, field: { name: string } | undefined): boolean =>
  field?.name.startsWith("content-") === true && /^[\w*-]+\s*=/.test(line);

function readFields(text: string, oddities: Set<string>): readonly Field[] {
  const lines = text.split(/\r?\n|\r/);
  if (/\r(?!\n)/.test(text)) oddities.add("a bare CR, which some readers take for a line end");
  const fields: { name: string; value: string[] }[] = [];
  let open = false;
  lines.forEach((line, index) => {
    if (line === "") return;
    const last = fields.at(-1);
    if (open && isFold(line)) {
      last?.value.push(line);
      return;
    }
    const name = fieldName(line, oddities);
    open = name !== null;
    if (name !== null) fields.push({ name, value: [line.slice(line.indexOf(":") + 1)] });
    else if (last && lostFold(line, last)) {
      last.value.push(" ", line);
      open = true;
      oddities.add("a folded line without its blank");
    } else if (!(index === 0 && isMailbox(line))) oddities.add("a line that is no field");
  });
  return fields.map(({ name, value }) => ({ name, value: value.join("").trim() }));
}

/** Where the body starts if no empty line ends the header: at the first line that is no field, else at the end. */
function bodyWithoutEmptyLine(text: string): number {
  for (let at = 0; at < text.length; ) {
    const lf = text.indexOf("\n", at);
    const end = lf < 0 ? text.length : lf;
    const line = text.slice(at, end);
    const isField = fieldName(line, new Set()) !== null || (at > 0 && isFold(line)) || (at === 0 && isMailbox(line));
    if (!isField) return at;
    at = end + 1;
  }
  return text.length;
}

/** Total: any octets have a header, perhaps an empty one. At most `maxBytes` of it are read. */
export function parseHeader(bytes: Buffer, maxBytes = 1024 * 1024): Header {
  // A delimiter where a header should be: an encoded multipart that was decoded and is read by itself.
  if (bytes[0] === 0x2d && bytes[1] === 0x2d) return { fields: [], bodyStart: 0, unread: 0, oddities: new Set([none]) };
  const oddities = new Set<string>();
  const extent = findEnd(bytes);
  if (!extent) {
    const text = bytes.toString("latin1", 0, Math.min(bytes.length, maxBytes));
    const bodyStart = bodyWithoutEmptyLine(text);
    if (bytes.length > 0) oddities.add(bodyStart > 0 ? "no empty line after the header" : none);
    const unread = bodyStart === text.length ? bytes.length - text.length : 0;
    return { fields: readFields(text.slice(0, bodyStart), oddities), bodyStart: bodyStart + unread, unread, oddities };
  }
  const end = Math.min(extent.end, maxBytes);
  const fields = readFields(bytes.toString("latin1", 0, end), oddities);
  // Text where a header should be: it is the body, as it stands.
  if (fields.length === 0 && extent.end > 0 && extent.end === end)
    return { fields, bodyStart: 0, unread: 0, oddities: new Set([none]) };
  return { fields, bodyStart: extent.bodyStart, unread: extent.end - end, oddities };
}

/** All values of one field, in order. */
export const valuesOf = (fields: readonly Field[], name: string): readonly string[] =>
  fields.filter((field) => field.name === name).map((field) => field.value);
