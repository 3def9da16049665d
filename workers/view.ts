/** A message as a mail program would show it, for a person: mailparser's reading, bounded. Loaded on demand, by children that are replaced afterwards (R21). */
import { Readable } from "node:stream";
import { type AttachmentStream, type HeaderLines, MailParser, type MessageText } from "mailparser";
import type { ViewLimits } from "../src/core/job.ts";
import type { HeaderField, MessageView, SeenAttachment } from "../src/core/message-view.ts";
import { decodeWords } from "../src/dissect/words.ts";

/** Of HTML before its reduction, which takes seconds for fifty thousand tags within each other. */
const mostHtml = 256 * 1024;
const mostAttachments = 1_000;
const longestName = 500;
const sliceBytes = 16 * 1024;
/** The gateway's own limit is mostly lower: whatever it took is to be seen. */
const maxHeadSize = 16 * 2 ** 20;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Reading {
  lines: HeaderLines;
  readonly attachments: Mutable<SeenAttachment>[];
  attachmentsLeftOut: number;
  text: string;
  html: string;
  problem: Error | null;
}

/** In pieces, so that the splitter does not run far ahead of what is read: if it fails, the more is seen. */
function* slices(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += sliceBytes) yield content.subarray(at, at + sliceBytes);
}

/** Never rejects: what the parser saw until it failed is an answer too. */
function read(content: Buffer, maxChildNodes: number): Promise<Reading> {
  const seen: Reading = { lines: [], attachments: [], attachmentsLeftOut: 0, text: "", html: "", problem: null };
  const options = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, maxChildNodes, maxHeadSize };
  const parser = new MailParser(options);
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      seen.problem ??= error;
      parser.destroy();
      resolve(seen);
    };
    function attach(item: AttachmentStream): void {
      const name = item.filename?.slice(0, longestName) ?? "";
      const type = item.contentType.slice(0, longestName);
      const attachment = { name, type, size: 0, related: item.related ?? false };
      if (seen.attachments.length < mostAttachments) seen.attachments.push(attachment);
      else seen.attachmentsLeftOut++;
      (item.content as Readable)
        .on("data", (chunk: Buffer) => {
          attachment.size += chunk.length;
        })
        .on("error", fail)
        .on("end", () => item.release());
    }
    parser.on("headerLines", (lines: HeaderLines) => {
      // A message without a header has one empty line of it.
      seen.lines = lines.filter(({ line }) => line !== "");
    });
    parser.on("data", (item: AttachmentStream | MessageText) => {
      if (item.type === "attachment") return attach(item);
      seen.text = item.text ?? "";
      seen.html = typeof item.html === "string" ? item.html : "";
    });
    parser.on("error", fail);
    parser.on("end", () => resolve(seen));
    Readable.from(slices(content)).pipe(parser);
  });
}

/** mailparser reduces HTML only where it is the whole message: so it gets it as one. */
function reduce(html: string): Promise<Pick<Reading, "text" | "problem">> {
  const { promise, resolve } = Promise.withResolvers<Pick<Reading, "text" | "problem">>();
  const parser = new MailParser({ skipTextToHtml: true, skipImageLinks: true });
  let problem: Error | null = null;
  parser.on("error", (error: Error) => {
    problem ??= error;
  });
  parser.on("data", ({ text = "" }: MessageText) => resolve({ text: problem ? "" : text.trim(), problem }));
  parser.end(`Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${html}`);
  return promise;
}

class Cutter {
  readonly sentences: string[] = [];

  chars(what: string, text: string, most: number): string {
    if (text.length <= most) return text;
    this.sentences.push(`${what}: the first ${most} of ${text.length} characters`);
    return text.slice(0, most);
  }

  items(what: string, leftOut: number): void {
    if (leftOut > 0) this.sentences.push(`${what}: ${leftOut} more`);
  }
}

/** `line` is octets, as latin1. */
function asField(line: string): HeaderField {
  const unfolded = line.replace(/\r?\n(?=[ \t])/g, "");
  const colon = unfolded.indexOf(":");
  return { name: unfolded.slice(0, Math.max(0, colon)).trim(), value: decodeWords(unfolded.slice(colon + 1).trim()) };
}

function fieldsOf(lines: HeaderLines, most: number, cutter: Cutter): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  let left = most;
  for (const { line } of lines) {
    if (left <= 0) break;
    const { name, value } = asField(line);
    fields.push({
      name: name.slice(0, longestName),
      value: cutter.chars(`header field ${fields.length + 1}`, value, left),
    });
    left -= name.length + value.length;
  }
  cutter.items("header fields", lines.length - fields.length);
  return fields;
}

function incompleteOf(problem: (Error & { readonly code?: string }) | null): MessageView["incomplete"] {
  if (!problem) return null;
  const why = problem.code === "EMAXLEN" ? "limit" : "malformed";
  return { why, text: `mailparser: ${problem.message}`.slice(0, 300) };
}

export async function view(content: Buffer, limits: ViewLimits): Promise<MessageView> {
  const seen = await read(content, limits.parts);
  const cutter = new Cutter();
  const source = cutter.chars("HTML source", seen.html, mostHtml);
  const reduced = source === "" ? { text: "", problem: null } : await reduce(source);
  const fields = fieldsOf(seen.lines, limits.headerChars, cutter);
  const text = cutter.chars("text", seen.text, limits.textChars);
  const html = cutter.chars("HTML as text", reduced.text, limits.textChars);
  cutter.items("attachments", seen.attachmentsLeftOut);
  return {
    fields,
    text,
    html,
    attachments: seen.attachments,
    cut: cutter.sentences,
    incomplete: incompleteOf(seen.problem ?? reduced.problem),
  };
}
