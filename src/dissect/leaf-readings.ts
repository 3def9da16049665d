/** The other readings of a leaf: what decoders make of base64 and quoted-printable that are not as they should be. */
import type { TransferEncoding, View } from "../core/message.ts";
import { firstForeign, firstPadding, lastGroup } from "./base64.ts";
import type { Digest } from "./parts.ts";
import type { Note } from "./report.ts";

export interface OtherReadings {
  readonly views: readonly View[];
  readonly notes: readonly Note[];
}

const nothing: OtherReadings = { views: [], notes: [] };
const footerBytes = 64 * 1024;

/** Words behind the end, as mailing lists put them there: no reader takes them for data. */
function isProse(raw: Buffer): boolean {
  const text = raw.toString("latin1", 0, footerBytes).trim();
  return text.length < footerBytes - 1 && !/[A-Za-z0-9+/]{44}/.test(text) && /^[^A-Za-z0-9+/\s]|\S[ \t]+\S/.test(text);
}

const at = (view: View, length: number, encoding: TransferEncoding): View => ({
  offset: view.offset,
  length,
  encoding,
});

/** Decoders skip what is foreign, stop at it, or stop at the first padding; some go on over padding, some know the alphabet of URLs. */
function ofBase64(raw: Buffer, view: View, digest: Digest): OtherReadings {
  const { junk, restarts, size, rest } = digest;
  // Some drop a group that is not whole, some take what is there of it.
  const views: View[] = rest > 1 ? [at(view, lastGroup(raw, rest), "base64")] : [];
  if (junk === 0 && restarts === 0) return { views, notes: [] };
  const ends = endsOf(raw, digest);
  for (const end of ends) views.push(at(view, end, "base64"));
  const end = Math.min(...ends, raw.length);
  const footer = end < raw.length && isProse(raw.subarray(end));
  views.push(at(view, raw.length, "base64-groups"));
  if (!footer) views.push(at(view, raw.length, "base64-joined"));
  if (junk > 0 && /[-_]/.test(raw.toString("latin1", 0, 1024 * 1024))) views.push(at(view, raw.length, "base64-url"));
  if (junk * 8 > size) views.push(at(view, raw.length, "identity"));
  return { views, notes: notesOf(digest, footer) };
}

/** Where readers stop that do not go on over what should not be there. */
function endsOf(raw: Buffer, { junk, restarts }: Digest): readonly number[] {
  const ends = [restarts > 0 ? firstPadding(raw) : null, junk > 0 ? firstForeign(raw) : null];
  return ends.flatMap((end) => end ?? []);
}

function notesOf({ junk, restarts }: Digest, footer: boolean): readonly Note[] {
  const notes: Note[] = [];
  if (restarts > 0)
    notes.push({
      rule: "base64-restarts",
      grade: footer ? "harmless" : "conflict",
      text: "Base64 goes on after its padding",
    });
  if (junk > 0)
    notes.push({
      rule: "base64-junk",
      grade: footer ? "harmless" : "odd",
      text: `${junk} octets inside base64 are none of it`,
    });
  return notes;
}

/** Decoders keep a wrong escape, or drop its sign; keep blanks at line ends, or do not. */
function ofQuotedPrintable(view: View, { junk, rest }: Digest, isBody: boolean): OtherReadings {
  const views: View[] = [];
  if (junk > 0) views.push({ ...view, encoding: "quoted-printable-bare" });
  // Blanks at line ends are nothing that a text to be read is judged by.
  if (junk > 0 || (rest > 0 && !isBody)) views.push({ ...view, encoding: "quoted-printable-strict" });
  const text = `${junk} escapes of quoted-printable are none`;
  return { views, notes: junk > 0 ? [{ rule: "broken-escapes", grade: "harmless", text }] : [] };
}

/** `digest` is what the tolerant decoder said of `view`, whose octets are `raw`. */
export function otherReadings(raw: Buffer, view: View, digest: Digest, isBody: boolean): OtherReadings {
  if (view.encoding === "base64") return ofBase64(raw, view, digest);
  if (view.encoding === "quoted-printable") return ofQuotedPrintable(view, digest, isBody);
  return nothing;
}
