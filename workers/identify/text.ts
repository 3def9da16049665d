/** Tells text apart: scripts, markup, shortcuts, messages. Both detectors are blind or slow here, so these are our own marks, on the first 32 KiB. */
import { isMbox } from "../formats/mbox.ts";
import { elements, interpreters, languages, openings, rooted, settings } from "./text-marks.ts";
import { mbox, mimeArchive, plain, rfc822 } from "./types.ts";

const headBytes = 32 * 1024;

/** Octets that no text has in any charset of mail; ESC stays, ISO-2022-JP needs it. */
const foreign = /[\x00-\x06\x0e-\x1a\x1c-\x1f]/;

/** UTF-16 without its mark: every other octet of the beginning is zero. */
function looksUtf16(head: Buffer): "le" | "be" | null {
  const length = Math.min(head.length & ~1, 64);
  if (length < 8) return null;
  let even = 0;
  let odd = 0;
  for (let i = 0; i < length; i += 2) {
    if (head[i] === 0) even++;
    if (head[i + 1] === 0) odd++;
  }
  const most = (length / 2) * 0.9;
  return odd >= most && even === 0 ? "le" : even >= most && odd === 0 ? "be" : null;
}

function fromUtf16(head: Buffer, order: "le" | "be"): string {
  const even = Buffer.from(head.subarray(0, head.length & ~1));
  return (order === "be" ? even.swap16() : even).toString("utf16le");
}

/** The order of its octets, if it is UTF-16 with its mark or without. */
function orderOf(head: Buffer): "le" | "be" | null {
  if (head[0] === 0xff && head[1] === 0xfe) return "le";
  if (head[0] === 0xfe && head[1] === 0xff) return "be";
  return looksUtf16(head);
}

/** UTF-16 text in UTF-8, whole, as browsers and script hosts read it; null if it is anything else. */
export function transcribed(bytes: Buffer): Buffer | null {
  const order = orderOf(bytes);
  return order === null ? null : Buffer.from(fromUtf16(bytes, order).replace(/^\ufeff/, ""));
}

/** The beginning as text, or null if it is none. Eight-bit octets stay as they are: all marks are ASCII. */
export function readText(bytes: Buffer): string | null {
  const head = bytes.subarray(0, headBytes);
  if (head.length === 0) return null;
  if (head[0] === 0xff && head[1] === 0xfe) return fromUtf16(head.subarray(2), "le");
  if (head[0] === 0xfe && head[1] === 0xff) return fromUtf16(head.subarray(2), "be");
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return head.toString("latin1", 3);
  const wide = looksUtf16(head);
  if (wide) return fromUtf16(head, wide);
  const text = head.toString("latin1");
  return foreign.test(text) ? null : text;
}

const commentOrDeclaration = /^(?:\s+|<\?[^>]{0,1000}\?>|<!--[\s\S]{0,4000}?-->|<!DOCTYPE\b[^>]{0,1000}>)/i;

/** The name of the first element, after declarations and comments; "" if the text begins otherwise. */
function rootElement(text: string): string {
  let rest = text.slice(0, 16_384);
  for (let i = 0; i < 20; i++) {
    const skipped = commentOrDeclaration.exec(rest);
    if (!skipped) break;
    rest = rest.slice(skipped[0].length);
  }
  return /^<([\w:-]{1,60})/.exec(rest)?.[1]?.toLowerCase() ?? "";
}

const htmlElements = new Set(
  "html head body script style meta title link base iframe frameset form table div span p a img center font br h1 h2 h3 ul ol input svg:script noscript object embed".split(
    " ",
  ),
);

function byRoot(text: string): string | null {
  const root = rootElement(text);
  if (root === "svg" || root === "svg:svg") return "image/svg+xml";
  if (root === "xsl:stylesheet" || root === "xsl:transform") return "application/xslt+xml";
  if (htmlElements.has(root)) return "text/html";
  const acting = rooted.find(([, roots, inside]) => roots.includes(root) && inside.test(text));
  if (acting) return acting[0];
  return root === "" ? null : "text/xml";
}

function byMarkup(text: string): string | null {
  const particular = elements.find(([, pattern]) => pattern.test(text));
  if (particular) return particular[0];
  if (/^\s*<\?php\b/i.test(text)) return "text/x-php";
  if (/^\s*<!doctype html/i.test(text)) return "text/html";
  const root = byRoot(text);
  if (root !== null && root !== "text/xml") return root;
  return /<(?:html|script|iframe)[\s>]/i.test(text) ? "text/html" : root;
}

const fieldLine = /^([!-9;-~]{1,76}):[ \t]?.*(?:\r?\n[ \t].*)*\r?\n/;
const knownField =
  /^(?:received|return-path|delivered-to|from|to|cc|subject|date|message-id|mime-version|content-type|content-transfer-encoding|content-location|reply-to|sender|dkim-signature|x-[\w-]+|resent-[\w-]+|in-reply-to|references|list-[\w-]+|authentication-results|arc-[\w-]+|snapshot-content-location)$/;

/** The fields that mail has, from the front, by name. */
function readFields(text: string): ReadonlyMap<string, string> {
  let rest = text.slice(0, 16_384).replace(/^(?:\s*\r?\n)?(?:From \S.{0,200}\r?\n)?/, "");
  const fields = new Map<string, string>();
  for (let i = 0; i < 60; i++) {
    const line = fieldLine.exec(rest);
    const name = line?.[1]?.toLowerCase() ?? "";
    const isKnown = knownField.test(name);
    if (!line || (!isKnown && fields.size === 0)) break;
    if (isKnown) fields.set(name, line[0]);
    rest = rest.slice(line[0].length);
  }
  return fields;
}

/** A header of at least three fields that mail has: RFC 5322 §2.1. An mbox line may come first. */
function byHeader(text: string): string[] | null {
  const fields = readFields(text);
  const isMime = fields.has("mime-version");
  const cameByMail = fields.has("received") && !fields.has("snapshot-content-location");
  if (isMime && !cameByMail && /multipart\/related/i.test(fields.get("content-type") ?? "")) return [mimeArchive];
  const isMail = ["from", "received", "message-id", "subject"].some((name) => fields.has(name));
  return (fields.size >= 3 && isMail) || (fields.size >= 2 && isMime) ? [rfc822] : null;
}

/** The likeliest script language, or null. */
function byLanguage(text: string): string | null {
  let best: string | null = null;
  let most = 2;
  for (const { type, marks } of languages) {
    const score = marks.reduce((sum, [weight, pattern]) => sum + (pattern.test(text) ? weight : 0), 0);
    if (score > most) [best, most] = [type, score];
  }
  return best;
}

/** Without white space and byte order marks in front. */
const trimmed = (text: string): string => text.replace(/^[\s\uFEFF]+/, "");

function byOpening(text: string): string | null {
  if (text.startsWith("#!")) return interpreters.find(([, pattern]) => pattern.test(text.slice(0, 120)))?.[0] ?? null;
  return openings.find(([, pattern]) => pattern.test(text))?.[0] ?? null;
}

/** What a text is; the most telling mark wins. */
export function classifyText(text: string): readonly string[] {
  const body = trimmed(text);
  const opening = byOpening(body);
  if (opening) return [opening];
  const header = isMbox(body) ? [mbox] : byHeader(body);
  if (header) return header;
  const small = settings.find(([, pattern]) => pattern.test(body.slice(0, 8192)))?.[0];
  if (small) return [small];
  const markup = body.includes("<") ? byMarkup(body) : null;
  return [markup ?? byLanguage(body) ?? (/^[[{]\s*["\]}[{\d-]/.test(body) ? "application/json" : plain)];
}

/** A body is read by people, not run: only HTML and plain text are told apart. */
export const classifyBody = (text: string): string => (byMarkup(trimmed(text)) === "text/html" ? "text/html" : plain);
