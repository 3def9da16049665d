/** Calendars and address cards: attachments that stand in the lines themselves become members, addresses of others an artefact. RFC 5545 §3.8.1.1, RFC 6350, RFC 2426 */
import { artefact } from "./artefacts.ts";
import type { Extractor } from "./extractor.ts";

const wanted = new Set(["text/calendar", "text/vcard"]);
const properties =
  /^(?:[\w-]{1,40}\.)?(ATTACH|PHOTO|LOGO|SOUND|KEY|IMAGE|STRUCTURED-DATA)((?:;[^:\r\n"]{0,400}(?:"[^"\r\n]{0,400}")?){0,12}):(.*)$/gim;
const inline = /^data:([\w.+/-]{0,100})(?:;[\w.+=-]{1,60}){0,4},/i;
const addresses =
  /\b(?:https?|file|ftp|smb|search-ms):[^\s"<>\\,;]{3,2000}|\\\\\\\\[\w.-]{1,200}\\\\[^\s"<>;]{1,400}/gi;

/** Lines are folded at 75 octets. RFC 5545 §3.1; older ones fold base64 without a blank line's end. */
const unfolded = (text: string): string => text.replace(/\r?\n[ \t]/g, "");

const parameter = (parameters: string, name: string): string =>
  new RegExp(`;${name}="?([^";]{1,400})`, "i").exec(parameters)?.[1] ?? "";

interface Attachment {
  readonly names: readonly string[];
  readonly declaredTypes: readonly string[];
  readonly bytes: Buffer;
}

const nameParameters = ["X-FILENAME", "FILENAME", "X-APPLE-FILENAME", "X-LABEL"];

function namesOf(parameters: string): string[] {
  const names = nameParameters.map((name) => parameter(parameters, name)).filter((name) => name !== "");
  return [...new Set(names.map((name) => Buffer.from(name, "latin1").toString()))];
}

/** Octets that stand in the line itself; null if it leads elsewhere. */
function readAttachment(parameters: string, value: string): Attachment | null {
  const link = inline.exec(value);
  const isBase64 = /;ENCODING="?(?:BASE64|B)\b/i.test(parameters) || /;base64,/i.test(link?.[0] ?? "");
  if (!link && !isBase64) return null;
  const data = link ? value.slice(link[0].length) : value;
  const bytes = isBase64 ? Buffer.from(data, "base64") : Buffer.from(decodePercent(data), "latin1");
  const declared = (parameter(parameters, "FMTTYPE") || (link?.[1] ?? "")).toLowerCase();
  return { names: namesOf(parameters), declaredTypes: declared === "" ? [] : [declared], bytes };
}

const decodePercent = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_whole, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));

export const calendarExtractor: Extractor = {
  name: "calendar",
  version: "1",
  wants: ({ types }) => types.some((type) => wanted.has(type)),
  *extract(_part, bytes, budget) {
    const text = unfolded(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1"));
    for (const [, , parameters = "", value = ""] of text.matchAll(properties)) {
      const attachment = readAttachment(parameters, value.trim());
      if (!attachment || attachment.bytes.length === 0) continue;
      budget.spend({ members: 1, bytes: attachment.bytes.length });
      yield attachment;
    }
    yield* artefact("urls", [...new Set([...text.matchAll(addresses)].map(([url]) => url))], budget);
  },
};
