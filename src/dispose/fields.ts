/** Our fields for the top of a message: what was found, above our trace field (docs/adr/0014-result-fields.md). Nothing in them is the sender's text. */
import type { Envelope } from "../core/message.ts";
import type { Finding } from "../core/outcome.ts";

export interface Result {
  readonly envelope: Envelope;
  /** `released`: a person decided. `notice`: mail of our own. `unscanned`: nothing could be scanned, and the route forwards then. */
  readonly result: "clean" | "found" | "incomplete" | "released" | "notice" | "unscanned";
  /** Version of the rules, "" if none were asked. */
  readonly ruleSet: string;
  readonly tags: readonly string[];
  readonly findings: readonly Finding[];
}

/** RFC 5322 §2.1.1. */
const lineLength = 78;
const mostItems = 20;
const longestItem = 64;

/** Each with its CRLF; the trace field comes last, so that whatever stands above it is ours and whatever stands below is not. */
export function topFields({ envelope, result, ruleSet, tags, findings }: Result): string {
  const facts = [result, `id=${safe(envelope.queueId)}`];
  // A released message, or a part of one that was split: it left under an id of its own, and came under the one in the trace field.
  const [, received] = /\bid ([0-9A-Z]{26})$/m.exec(envelope.trace.replaceAll("\r\n", "\n")) ?? [];
  if (received !== undefined && received !== envelope.queueId) facts.push(`received=${received}`);
  if (ruleSet !== "") facts.push(`rules=${safe(ruleSet).slice(0, 16)}`);
  const found = new Set(findings.map(({ rule, severity, part }) => `${safe(rule)} ${severity} ${safe(part)}`));
  return [
    field("X-Sallyport-Result", facts, ";"),
    field("X-Sallyport-Tags", [...new Set(tags.map(safe))], ","),
    field("X-Sallyport-Findings", [...found], ","),
    envelope.trace,
  ].join("");
}

/** Rules and tags are an admin's text, paths count from the sender's octets: none may end a line, start a comment or a quoted string. */
const safe = (text: string): string => text.replace(/[^A-Za-z0-9._~/-]/g, "_").slice(0, longestItem) || "_";

/** "" without items. Folded before the item that would pass the line's end. */
function field(name: string, items: readonly string[], separator: string): string {
  if (items.length === 0) return "";
  const more = items.length - mostItems;
  const shown = more > 0 ? [...items.slice(0, mostItems), `and ${more} more`] : items;
  let line = `${name}:`;
  let text = "";
  for (const [i, item] of shown.entries()) {
    const next = i < shown.length - 1 ? ` ${item}${separator}` : ` ${item}`;
    if (line.length + next.length > lineLength) {
      text += `${line}\r\n`;
      line = "";
    }
    line += next;
  }
  return `${text}${line}\r\n`;
}
