/** The fields of a message's header that say what its body is, as ranges of octets: they go when its body is replaced. */
import type { Range } from "./delimiters.ts";
import type { Entity } from "./walk.ts";

/** As loosely as the header is read: what some reader may take for such a field is one. */
const ofBody = /^(?:\xef\xbb\xbf)?[\s\0]*(?:content-[!-9;-~]*|mime-version)[\s\0]*:/i;
const anyField = /^[!-9;-~]+[\s\0]*:/;
const emptyLine = /\r?\n$/;

export interface OwnFields {
  readonly fields: readonly Range[];
  /** Behind the last field, in front of the empty line. */
  readonly headerEnd: number;
}

/** A field goes with the lines that follow it until another field begins: some readers take them for its continuation. */
export function ownFields(message: Buffer, { start, bodyStart }: Entity): OwnFields {
  const text = message.toString("latin1", start, bodyStart);
  const fields: { start: number; end: number }[] = [];
  let isGoing = false;
  let headerEnd = start;
  for (let at = 0; at < text.length; ) {
    const lf = text.indexOf("\n", at);
    // A line without its end could not be followed by another.
    if (lf < 0) break;
    const end = lf + 1;
    const line = text.slice(at, end);
    if (line.replace(emptyLine, "") === "") break;
    if (ofBody.test(line)) isGoing = true;
    else if (anyField.test(line)) isGoing = false;
    if (isGoing) {
      const last = fields.at(-1);
      if (last?.end === start + at) last.end = start + end;
      else fields.push({ start: start + at, end: start + end });
    }
    at = end;
    headerEnd = start + end;
  }
  return { fields, headerEnd };
}
