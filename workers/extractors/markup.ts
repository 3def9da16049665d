/** HTML and SVG: what links and scripts carry becomes members, scripts and their decoded layers become artefacts. RFC 2397, HTML §4.12 */
import type { Part } from "../../src/core/message.ts";
import { inUtf8 } from "../formats/script/codings.ts";
import { transcribed } from "../identify/text.ts";
import { artefact } from "./artefacts.ts";
import type { Budget, Extractor, Odd, Yielded } from "./extractor.ts";
import { type Carried, Unravel } from "./unravel.ts";

export const markupRules = {
  "html.smuggling": "A script of the page carries a file in pieces of text, and saves it",
  "html.encoded-file": "A script of the page carries a file in pieces of text",
  "html.encoded-script": "A script of the page holds another script, encoded",
} as const;

const markup = new Set([
  "text/html",
  "image/svg+xml",
  "application/hta",
  "application/xslt+xml",
  "application/xhtml+xml",
]);

/** What makes a page worth taking apart. */
const marks = /<script|<svg|data:[\w.+/-]{0,100}[;,]|srcdoc|javascript:|\son\w{3,20}\s{0,9}=/i;
const attributes =
  /\s(?:on\w{3,20}|srcdoc|href|src|action|formaction|xlink:href)\s{0,9}=\s{0,9}(?:"([^"]{1,1000000})"|'([^']{1,1000000})')/gi;
const saves =
  /createObjectURL|msSave(?:OrOpen)?Blob|\.download\b|\bdownload\s*[=,]|["']download["']|\.click\s*\(|application\/octet-stream/i;
const grave = /type\s*=\s*\\?["']?password|ActiveXObject|WScript\.|powershell|createObjectURL|msSave(?:OrOpen)?Blob/i;
const fileNames =
  /(?:download["']?\s{0,9}[=,:]\s{0,9}|\bFile\(\[[^\]]{0,200}\]\s{0,9},\s{0,9}|msSave(?:OrOpen)?Blob\([^,()]{1,100},\s{0,9})["'`]([^"'`\r\n]{1,200})["'`]/gi;
const mostNames = 4;

const entities: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
  tab: "\t",
  newline: "\n",
  colon: ":",
  lpar: "(",
  rpar: ")",
};
const withoutEntities = (text: string): string =>
  text.includes("&")
    ? text.replace(
        /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,8}));?/gi,
        (whole, hex?: string, decimal?: string, name?: string) => {
          const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal ?? Number.NaN);
          if (code >= 0 && code <= 0x10ffff) return String.fromCodePoint(code);
          return entities[name?.toLowerCase() ?? ""] ?? whole;
        },
      )
    : text;

/** The content of every script element, up to its end or that of the page. */
function inlineScripts(text: string): string[] {
  const found: string[] = [];
  const lower = text.toLowerCase();
  for (let open = lower.indexOf("<script"); open >= 0; ) {
    const start = lower.indexOf(">", open) + 1;
    if (start === 0) break;
    const close = lower.indexOf("</script", start);
    const end = close < 0 ? text.length : close;
    const body = text.slice(start, end).replace(/^\s*(?:<!\[CDATA\[|<!--)/, "");
    if (/\S/.test(body)) found.push(body);
    open = lower.indexOf("<script", end);
  }
  return found;
}

/** Attributes that act: scripts by themselves, or documents. */
function actingAttributes(text: string): string[] {
  const found: string[] = [];
  for (const [whole, double, single] of text.matchAll(attributes)) {
    const value = withoutEntities(double ?? single ?? "");
    if (/^\s(?:on|srcdoc)/i.test(whole) || /^[\s\x00-\x1f]*(?:javascript|vbscript):/i.test(value)) found.push(value);
  }
  return found;
}

interface Page {
  readonly text: string;
  readonly scripts: readonly string[];
  readonly acting: readonly string[];
}

function* judge({ text }: Page, { files, texts }: Unravel): Generator<Odd> {
  const hidden = files.filter(({ from, isActive }) => from === "script" && isActive);
  if (hidden.length > 0) {
    const doesSave = saves.test(text) || texts.some((layer) => saves.test(layer));
    const rule = doesSave ? "html.smuggling" : "html.encoded-file";
    yield { rule, severity: doesSave ? "high" : "medium", text: markupRules[rule] };
  }
  if (texts.length > 0) {
    const isGrave = texts.some((layer) => grave.test(layer));
    yield {
      rule: "html.encoded-script",
      severity: isGrave ? "medium" : "info",
      text: markupRules["html.encoded-script"],
    };
  }
}

export function* carriedFiles(files: readonly Carried[], names: readonly string[], budget: Budget): Generator<Yielded> {
  for (const { bytes, declaredTypes, from, names: own } of files) {
    budget.spend({ members: 1 });
    yield { names: from === "script" ? names : own, declaredTypes, bytes };
  }
}

const namesIn = (texts: readonly string[]): string[] =>
  [...new Set(texts.flatMap((text) => [...text.matchAll(fileNames)].map(([, name = ""]) => name)))].slice(0, mostNames);

const isOpenable = ({ types }: Part): boolean => types.some((type) => markup.has(type));

export const markupExtractor: Extractor = {
  name: "markup",
  version: "1",
  wants: (part, bytes) => {
    if (!isOpenable(part)) return false;
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return part.role !== "body" || bytes[1] === 0 || bytes[0] === 0 || marks.test(raw.toString("latin1"));
  },
  *extract(part, bytes, budget) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const wide = transcribed(raw);
    const text = (wide ?? raw).toString("latin1");
    const page: Page = { text, scripts: inlineScripts(text), acting: actingAttributes(text) };
    const unravel = new Unravel((count) => budget.spend({ bytes: count }));
    unravel.links(text);
    for (const one of page.acting) unravel.links(one, 1);
    for (const one of [...page.scripts, ...page.acting]) unravel.script(one);
    yield* carriedFiles(unravel.files, namesIn([text, ...unravel.texts]), budget);
    yield* judge(page, unravel);
    // In the body of a message the page itself is read by the rules; what is new is only what was encoded.
    const clear = part.role === "body" && !wide ? [] : [...page.scripts, ...page.acting];
    yield* artefact("script", [...clear, ...unravel.texts].map(inUtf8), budget);
    yield* artefact("commands", unravel.commands, budget);
  },
};
