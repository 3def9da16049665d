/** Replies of an SMTP server, from octets in any pieces to code, enhanced code and text. RFC 5321 §4.2, RFC 2034. */
import { GatewayError } from "../core/errors.ts";
import type { Reply } from "../core/status.ts";

export interface RawReply {
  /** 200 to 599. */
  readonly code: number;
  /** What follows the code on each line, as Latin-1. */
  readonly lines: readonly string[];
}

/** RFC 5321 §4.5.3.1.5 allows 512 octets a line; real servers are a little longer, hostile ones a lot. */
const longestLine = 4_096;
const mostLines = 256;
const longestText = 500;

const nonsense = (what: string, got: string): GatewayError =>
  new GatewayError("NEXT_HOP_PROTOCOL", { what, got: clean(got).slice(0, 100) });

/** RFC 5321 §4.2 has HT and printable ASCII only; anything else could steer a terminal or forge a line at our client. */
function clean(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, (odd) => (/^[\t\r\n]+$/.test(odd) ? " " : "?"));
}

export class ReplyReader {
  #rest = "";
  #code = 0;
  #lines: string[] = [];

  /** Whole replies, in order. Throws NEXT_HOP_PROTOCOL; the connection is then of no use any more. */
  feed(chunk: Buffer): RawReply[] {
    const text = this.#rest + chunk.toString("latin1");
    const replies: RawReply[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
      const reply = this.#line(text.slice(start, text[end - 1] === "\r" ? end - 1 : end));
      if (reply) replies.push(reply);
      start = end + 1;
    }
    this.#rest = text.slice(start);
    if (this.#rest.length > longestLine) throw nonsense("reply line too long", this.#rest);
    return replies;
  }

  /** True in the midst of a reply. */
  get pending(): boolean {
    return this.#rest !== "" || this.#lines.length > 0;
  }

  #line(line: string): RawReply | null {
    if (line.length > longestLine) throw nonsense("reply line too long", line);
    const code = Number(line.slice(0, 3));
    const mark = line[3] ?? " ";
    if (!/^[2-5]\d\d(?:[ -]|$)/.test(line)) throw nonsense("not a reply", line);
    if (this.#lines.length > 0 && code !== this.#code) throw nonsense("two codes in one reply", line);
    if (this.#lines.length === mostLines) throw nonsense("reply of too many lines", line);
    this.#code = code;
    this.#lines.push(line.slice(4));
    if (mark === "-") return null;
    const reply = { code, lines: this.#lines };
    this.#lines = [];
    return reply;
  }
}

const enhancedCode = /^([245])\.(\d{1,3})\.(\d{1,3})(?:[ \t]+|$)/;

/**
 * A final reply as a value. The class comes from the reply code, also where the enhanced code says otherwise; without one it is X.0.0.
 * 421 speaks of the channel it was said on, not of ours: it becomes 451.
 */
export function toReply(raw: RawReply): Reply {
  const [, , subject = "0", detail = "0"] = enhancedCode.exec(raw.lines[0] ?? "") ?? [];
  const text = clean(raw.lines.map((line) => line.replace(enhancedCode, "")).join(" "));
  const digit = Math.floor(raw.code / 100);
  if (digit !== 2 && digit !== 4 && digit !== 5) throw nonsense("unexpected reply", `${raw.code} ${text}`);
  return {
    status: {
      class: digit,
      basic: raw.code === 421 ? 51 : raw.code % 100,
      subject: Number(subject),
      detail: Number(detail),
    },
    text: text.trim().slice(0, longestText),
  };
}
