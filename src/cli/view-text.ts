/** What a mail program would show of a message, as text that can do nothing to a terminal: the sender's lines stand behind a bar. */
import type { QueueId } from "../core/message.ts";
import type { MessageView } from "../core/message-view.ts";
import { roughSize } from "../core/units.ts";
import { safe } from "./output.ts";

/** Fields that mail programs show. */
const shown = new Set(["from", "sender", "reply-to", "to", "cc", "date", "subject"]);

const barred = (text: string): readonly string[] =>
  text.trim() === ""
    ? []
    : text
        .trimEnd()
        .split(/\r?\n/)
        .map((line) => `| ${safe(line.replaceAll("\t", "    "))}`.trimEnd());

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ["", title, ...lines];

const fieldLines = (fields: MessageView["fields"]): readonly string[] =>
  fields.map(({ name, value }) => `| ${safe(name)}: ${safe(value)}`);

const words = (text: string): string => text.replace(/\s+/g, " ").trim();

function bodies({ text, html }: MessageView): readonly string[] {
  // Most HTML says the same as the text beside it; if it does not, that may be the trick.
  const isRepeated = words(text) === words(html);
  return [...section("Text", barred(text)), ...section("HTML, reduced to text", isRepeated ? [] : barred(html))];
}

const attachmentLine = ({ name, type, size, related }: MessageView["attachments"][number]): string =>
  `| ${safe(name === "" ? "(no name)" : JSON.stringify(name))}, ${safe(type)}, ${roughSize(size)}${related ? ", shown in the text" : ""}`;

/** `all`: every header field, and nothing else. */
export function viewText(
  id: QueueId,
  view: MessageView,
  what: { readonly text: boolean; readonly all: boolean },
): string {
  const { fields, attachments, cut, incomplete } = view;
  const head = what.all ? fields : fields.filter(({ name }) => shown.has(name.toLowerCase()));
  return [
    `Message ${id} as a mail program reads it; behind the bars all is the sender's.`,
    ...section("Header", fieldLines(head)),
    ...(what.text ? [...bodies(view), ...section("Attachments", attachments.map(attachmentLine))] : []),
    ...section("Left out", cut.map(safe)),
    ...(incomplete
      ? [
          "",
          `Not read to its end (${incomplete.why}): ${safe(incomplete.text)}. What stands above is all that was seen.`,
        ]
      : []),
  ].join("\n");
}
