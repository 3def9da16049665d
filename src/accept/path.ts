/**
 * The argument of MAIL and RCPT: a path and its parameters, RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2. The library's own parser turns A-labels
 * into U-labels and splits quoted local parts; a relay must hand addresses on as they came (RFC 5321 §2.3.11).
 * Deviation: dots may stand anywhere in a local part (old addresses of Japanese carriers), and a local part may exceed 64 octets within
 * the limit of the path (forwarders write the original address into it; RFC 5321 §4.5.3.1 asks to accept more where possible).
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

export interface Mailbox {
  /** As received, without source route. Empty for the null reverse-path. */
  readonly address: string;
  readonly localPart: string;
  /** "" for `postmaster` alone. */
  readonly domain: string;
}

export interface ParsedPath extends Mailbox {
  /** Keywords in upper case; `true` if there is no value. */
  readonly parameters: ReadonlyMap<string, string | true>;
  /** A keyword that was given twice. */
  readonly duplicate: string | null;
}

/** RFC 5321 §4.5.3.1.3, §4.5.3.1.2; octets, the path with its brackets. */
const longestPath = 256;
const longestDomain = 255;

/** C0, C1, and what shows as nothing or turns the reading direction: only of use to forge what people or logs see. U+FFFD is what broken UTF-8 becomes. */
const forbidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/u;

const sourceRoute = /^@[^\s,:@<>]+(?:,@[^\s,:@<>]+)*:/;
const mailbox = /^(?:"((?:[^"\\]|\\.)*)"|([^\s"<>()[\]\\,;:@]+))@(\[[0-9A-Za-z:.]+\]|[^\s"<>()[\]\\,;:@]+)$/u;
const label = /^[0-9A-Za-z_\u0080-\u{10ffff}](?:[0-9A-Za-z_\u0080-\u{10ffff}-]*[0-9A-Za-z_\u0080-\u{10ffff}])?$/u;
const parameter = /^([0-9A-Za-z][0-9A-Za-z-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?$/;

function isLiteral(domain: string): boolean {
  const content = domain.slice(1, -1).replace(/^IPv6:/i, "");
  return isIP(content) === (/^\[IPv6:/i.test(domain) ? 6 : 4);
}

function isDomain(domain: string): boolean {
  if (Buffer.byteLength(domain) > longestDomain) return false;
  if (domain.startsWith("[")) return isLiteral(domain);
  const isAscii = /^[\x21-\x7e]*$/.test(domain);
  return (
    domain.split(".").every((part) => label.test(part) && (!isAscii || part.length <= 63)) && asciiDomain(domain) !== ""
  );
}

/** For comparisons: lower case, A-labels. "" if the domain cannot be one. RFC 5890 §2.3.2.1. */
export const asciiDomain = (domain: string): string =>
  /^[0-9A-Za-z._-]*$/.test(domain) ? domain.toLowerCase() : domainToASCII(domain);

export function parseMailbox(text: string): Mailbox | null {
  const [, quoted, atom, domain = ""] = mailbox.exec(text) ?? [];
  const localPart = quoted?.replace(/\\(.)/gu, "$1") ?? atom;
  return localPart !== undefined && isDomain(domain) ? { address: text, localPart, domain } : null;
}

/** Splits "<path> parameters"; quoted local parts may hold ">" and spaces. */
const argument = /^(?:MAIL FROM|RCPT TO): *<((?:"(?:[^"\\]|\\.)*"|[^"<>])*)>((?: +[^ ]+)*) *$/iu;

function parseParameters(text: string): Pick<ParsedPath, "parameters" | "duplicate"> | null {
  const parameters = new Map<string, string | true>();
  let duplicate: string | null = null;
  for (const word of text.split(/ +/).filter(Boolean)) {
    const [, name, value] = parameter.exec(word) ?? [];
    if (name === undefined) return null;
    const key = name.toUpperCase();
    if (parameters.has(key)) duplicate = key;
    parameters.set(key, value ?? true);
  }
  return { parameters, duplicate };
}

/** Null for anything that is no path of this verb. */
export function parsePath(verb: "MAIL FROM" | "RCPT TO", command: string): ParsedPath | null {
  const [, path, tail = ""] = argument.exec(command) ?? [];
  if (path === undefined || !command.toUpperCase().startsWith(verb)) return null;
  if (forbidden.test(command) || Buffer.byteLength(path) + 2 > longestPath) return null;
  const rest = parseParameters(tail);
  const found = bare(verb, path) ?? parseMailbox(path.replace(sourceRoute, ""));
  return found && rest && { ...found, ...rest };
}

/** The null reverse-path (RFC 5321 §4.5.5), and `postmaster` without a domain (RFC 5321 §4.5.1). */
function bare(verb: string, path: string): Mailbox | null {
  if (verb === "MAIL FROM" && path === "") return { address: "", localPart: "", domain: "" };
  if (verb === "RCPT TO" && path.toLowerCase() === "postmaster") return { address: path, localPart: path, domain: "" };
  return null;
}
