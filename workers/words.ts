/** Words of a message that may be passwords: those behind words such as "password" first, then those alone on a line, then what looks like one, then names of files. */
import type { Part } from "../src/core/message.ts";
import type { Dissection } from "../src/core/outcome.ts";
import { type Password, passwordLimits, type PasswordSource, type Words } from "../src/core/password.ts";
import { rawReadings } from "../src/dissect/charset.ts";
import { decodeView } from "../src/dissect/decode.ts";

const mostOctets = 64 * 1024;
const mostBodies = 4;
const mostLines = 400;
const longestLine = 500;
/** A password stands on the line that speaks of it, or on one of these many behind it. */
const linesBehind = 5;

const speaks =
  /パスワード|パスコード|解凍|展開|開封|復号|暗証|pass ?(?:word|code|phrase|wd)?\b|\bp\/?w\b|\bpwd\b|\bkey\b|kennwort|passwort|mot de passe|contrase|密码|口令|비밀번호|암호/i;
/** What stands between the word and the password. */
const lead = /^[^:=：＝「『"'“【<\[]{0,40}?(?:[:=：＝]|は|is\b|ist\b|→|⇒|->)\s*/i;
const brackets = /[「」『』"“”'‘’()（）\[\]【】<>＜＞《》〈〉]/;
const edges = /^[、。，．,.;:!?…・]+|[、。，．,.;:!?…]+$|(?:です|となります|になります|でございます)(?:[。.]|$)/g;

interface Found {
  readonly led: string[];
  readonly alone: string[];
  readonly mixed: string[];
}

const isWord = (text: string): boolean =>
  text.length > 0 && text.length <= passwordLimits.characters && !/[\s\p{Cc}]/u.test(text);
const isAlone = (line: string): boolean =>
  line.length >= 4 && line.length <= 64 && /^[!-~]+$/.test(line) && !/^https?:/i.test(line);
const looksMade = (text: string): boolean =>
  /^[!-~]{6,40}$/.test(text) && /\d/.test(text) && /[a-z]/i.test(text) && !/^https?:|@.*\./i.test(text);

/** In brackets or quotes, between blanks, and without the marks of a sentence around it; as it stands comes first. */
function tokens(text: string): string[] {
  const quoted = [...text.matchAll(/[「『"“'‘【]([^」』"”'’】]{1,128})[」』"”'’】]/g)].map(([, inside = ""]) =>
    inside.trim(),
  );
  const plain = text.split(/\s+/).flatMap((token) => {
    const bare = token.replaceAll(edges, "");
    return [token, bare, ...bare.split(brackets)];
  });
  return [...quoted, ...plain].filter((token) => token.length > 1);
}

/** What stands on a line behind the word that speaks of a password. */
function behind(line: string, at: number, length: number): string[] {
  const rest = line.slice(at + length);
  const value = rest.replace(lead, "");
  return value === rest ? tokens(rest) : [value.trim(), ...tokens(value)];
}

/** Full-width letters as others; as it stands where that would move what stands behind. */
function folded(line: string): string {
  const plain = /[^\0-\x7f]/.test(line) ? line.normalize("NFKC") : line;
  return plain.length === line.length ? plain : line;
}

function readLines(text: string): Found {
  const found: Found = { led: [], alone: [], mixed: [] };
  // Full-width letters are folded to find the words; the password is kept as it stands, and folded.
  const lines = text.split(/\r\n|\r|\n/, mostLines).map((line) => line.slice(0, longestLine).trim());
  const isSpoken = lines.some((line) => /[^\0-\x7f]/.test(line)) || speaks.test(lines.join("\n"));
  let near = 0;
  for (const line of lines) {
    const spoken = isSpoken ? speaks.exec(folded(line)) : null;
    if (spoken) {
      found.led.push(...behind(line, spoken.index, spoken[0].length));
      near = linesBehind;
    } else if (near > 0 && line !== "") {
      near--;
      if (tokens(line).length <= 4) found.led.push(line.replace(/^[^:：=＝]{0,20}[:：=＝]\s*/, ""), ...tokens(line));
    }
    if (isAlone(line)) found.alone.push(line);
    if (/\d/.test(line)) found.mixed.push(...tokens(line).filter(looksMade));
  }
  return found;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

const breaks = /^\/?(?:br|p|div|tr|td|li|h\d|table|body|head|title)$/;
const unread = new Set(["style", "script"]);

const decoded = (text: string): string =>
  text.replaceAll(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w{2,6}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null;
      if (code !== null) return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : " ";
      return entities[name?.toLowerCase() ?? ""] ?? whole;
    },
  );

/** Enough of HTML to read its words, in one go from front to back: what never closes is looked for once. */
function reduced(html: string): string {
  const lower = html.toLowerCase();
  const open = new Set(unread);
  let text = "";
  let at = 0;
  for (let start = html.indexOf("<"); start >= 0; start = html.indexOf("<", at)) {
    const end = html.indexOf(">", start);
    if (end < 0) break;
    text += html.slice(at, start);
    const name = /^\/?[a-z0-9]{1,16}/.exec(lower.slice(start + 1, start + 20))?.[0] ?? "";
    if (breaks.test(name)) text += "\n";
    at = end + 1;
    if (!open.has(name)) continue;
    const close = lower.indexOf(`</${name}`, at);
    if (close < 0) open.delete(name);
    else at = close;
  }
  return decoded(text + html.slice(at));
}

function textOf(message: Buffer, part: Part): string {
  if (!part.view) return "";
  const view = { ...part.view, length: Math.min(part.view.length, 2 * mostOctets) };
  const [text = ""] = rawReadings(decodeView(message, view).subarray(0, mostOctets));
  return part.declaredTypes.includes("text/html") || /^\s*<(?:!doctype|html)/i.test(text) ? reduced(text) : text;
}

/** A name says its password seldom, and then as a whole or between signs. */
const nameWords = (name: string): string[] => {
  const stem = name.replace(/\.[^.]{1,5}$/, "");
  return [stem, ...stem.split(/[\s_.()（）【】\[\]-]+/)].filter((word) => word.length > 2);
};

/** Each word as it stands and with full-width letters folded; no more than may be kept. */
function collect(groups: readonly (readonly [from: PasswordSource, words: readonly string[]])[]): readonly Password[] {
  const all = new Map<string, Password>();
  for (const [from, words] of groups)
    for (const word of words)
      for (const text of [word.normalize("NFKC").trim(), word.trim()])
        if (all.size < passwordLimits.candidates && isWord(text) && !all.has(text)) all.set(text, { text, from });
  return [...all.values()];
}

export function wordsOf(message: Buffer, { parts, header }: Pick<Dissection, "parts" | "header">): Words {
  const subject = readLines(header.subject);
  const bodies = parts.filter(({ role }) => role === "body").slice(0, mostBodies);
  const body = readLines(bodies.map((part) => textOf(message, part)).join("\n"));
  const names = parts.flatMap((part) => part.names.slice(0, 2)).slice(0, 20);
  const candidates = collect([
    ["subject", subject.led],
    ["body", body.led.slice(0, 32)],
    ["body", body.alone.slice(0, 16)],
    ["body", body.mixed.slice(0, 16)],
    ["name", names.flatMap(nameWords)],
    ["subject", tokens(header.subject)],
  ]);
  return { candidates, told: subject.led.length + body.led.length > 0 };
}
