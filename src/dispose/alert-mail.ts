/** Alerts to the postmaster as mail: one for each kind and time, whatever the number of occurrences. RFC 5322, RFC 3834. Pure. */
import { mailDate, oneLine, part } from "./notice-text.ts";

export interface AlertFacts {
  readonly id: string;
  readonly subject: string;
  readonly lines: readonly string[];
  /** Occurrences that are not listed. */
  readonly more: number;
  readonly advice: string;
  readonly hostname: string;
  readonly from: string;
  readonly to: string;
  readonly now: Date;
}

const longest = 300;

/** Whatever came from outside, in printable ASCII: it can forge no field, move no cursor, and turn no reading direction. */
export const plain = (text: string): string =>
  text
    .slice(0, longest)
    .replace(/[^\x20-\x7e]/gu, (char) => `\\x{${(char.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`);

export function makeAlert(facts: AlertFacts): Buffer {
  const { id, hostname, from, to, now, lines, more } = facts;
  const text = [
    `This is the mail gateway at ${hostname}.\r\n`,
    `${facts.subject}:\r\n`,
    ...lines.map((line) => `  ${plain(line)}`),
    ...(more > 0 ? [`  and ${more} more`] : []),
    "",
    `What to do: ${facts.advice}`,
    "The log has the details. The next mail of this kind is sent after notifications.alerts_every at the earliest.",
    "",
  ].join("\r\n");
  const head = [
    `From: Mail Gateway <${oneLine(from)}>`,
    `To: <${oneLine(to)}>`,
    `Subject: [sallyport] ${plain(facts.subject)}`,
    `Date: ${mailDate(now)}`,
    `Message-ID: <${id}.alert@${oneLine(hostname)}>`,
    // RFC 3834 §5: nobody's program is to answer.
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
  ].join("\r\n");
  return Buffer.from(`${head}\r\n${part("text/plain; charset=utf-8", text)}`);
}
