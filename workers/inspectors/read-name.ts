/** A file name as a system would take it, whatever a person would see: without invisible characters, folded, split at its dots. */

export interface ReadName {
  readonly raw: string;
  /** The last component as given. */
  readonly base: string;
  readonly components: readonly string[];
  /** Folded; extensions from left to right, each without its dot. */
  readonly extensions: readonly string[];
  /** The last of them, "" if there is none. */
  readonly extension: string;
}

/** Turns the direction of what follows: U+202A–202E, U+2066–2069. */
export const directionControl = /[\u202a-\u202e\u2066-\u2069]/u;
/** Takes no room, or looks like a blank; a joiner is writing, not hiding, where letters or emoji need it. */
export const invisible =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u2060-\u2064\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;
const unseen =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}\u202a-\u202e\u2066-\u2069]/gu;
/** Controls, without those that folding leaves behind. */
export const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/;

const longest = 1024;

/** Without blanks and dots at the end. By hand, since a regular expression would take quadratic time over blanks. */
export function withoutTail(text: string): string {
  let end = text.length;
  while (end > 0 && /[\s.]/u.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

/** NFKC turns full-width letters and dots into their plain forms; Windows drops blanks and dots at the end. */
function fold(base: string): string {
  const plain = base.replace(unseen, "").replaceAll("\u2800", " ").normalize("NFKC");
  return withoutTail(plain.replace(/[\0-\x1f\x7f-\x9f]/g, "")).toLowerCase();
}

/** "invoice.pdf   .exe" has the extensions "pdf" and "exe". */
function extensionsOf(folded: string): string[] {
  return folded
    .split(".")
    .slice(1)
    .map((piece) => piece.trim());
}

export function readName(raw: string): ReadName {
  const components = raw.slice(-longest).split(/[/\\\uff0f\uff3c\u2215\u29f8]/u);
  const base = components.at(-1) ?? "";
  const extensions = extensionsOf(fold(base));
  return { raw, base, components, extensions, extension: extensions.at(-1) ?? "" };
}

/** What another reader would take for the name: up to a NUL, or without an alternate stream. Most names have just one reading. */
export function readings(raw: string): readonly ReadName[] {
  const others: string[] = [];
  if (raw.includes("\0")) others.push(raw.slice(0, raw.indexOf("\0")));
  const stream = /^(.*\.\w{1,12}):[^\s:/\\][^:]*(?::\$DATA)?$/is.exec(raw);
  if (stream?.[1] !== undefined) others.push(stream[1]);
  return [raw, ...others].map(readName);
}

/** For people: what cannot be seen is written out. */
export function quote(name: string): string {
  const shown = name.length > 80 ? `${name.slice(0, 50)}…${name.slice(-28)}` : name;
  const hidden = new RegExp(
    `${control.source}|${invisible.source}|${directionControl.source}|[\\u200c-\\u200f\\t\\r\\n]`,
    "gu",
  );
  return `"${shown.replace(hidden, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)}"`;
}
