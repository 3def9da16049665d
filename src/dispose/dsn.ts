/** Delivery status notifications: multipart/report for forwarding that failed for good. RFC 3464, RFC 6522, RFC 3834. Pure. */
import type { Envelope } from "../core/message.ts";
import { enhanced, format, type Reply } from "../core/status.ts";
import { mailDate, oneLine, part } from "./notice-text.ts";
import { isAscii } from "./paths.ts";

export interface Failed {
  readonly forwardPath: string;
  /** What the next hop said last; a 4yz means that we have waited long enough. */
  readonly reply: Reply;
  /** host:port, "" if none was ever reached. */
  readonly hop: string;
}

export interface DsnFacts {
  readonly envelope: Envelope;
  /** At least one. */
  readonly failed: readonly Failed[];
  /** The original from its first octet: at least its header; what follows is not used. */
  readonly original: Uint8Array;
  readonly hostname: string;
  /** Address for the From field. */
  readonly from: string;
  readonly now: Date;
}

export interface Dsn {
  /** To be sent with the null reverse-path. */
  readonly forwardPath: string;
  readonly octets: Buffer;
  readonly smtpUtf8: boolean;
}

const mostHeader = 65_536;
const mostListed = 1_000;

/** Null for a message with the null reverse-path: it must not be answered (RFC 5321 §4.5.5). Hostile content is never bounced; that is the caller's duty. */
export function makeDsn(facts: DsnFacts): Dsn | null {
  const { envelope, hostname, from, now } = facts;
  if (envelope.reversePath === "") return null;
  const header = headerOf(facts.original);
  const parts = [part("text/plain; charset=utf-8", letter(facts)), report(facts), headerPart(header)];
  const boundary = `=_${envelope.queueId}`;
  const head = [
    `From: Mail Delivery System <${oneLine(from)}>`,
    `To: <${oneLine(envelope.reversePath)}>`,
    "Subject: Undelivered message returned to sender",
    `Date: ${mailDate(now)}`,
    `Message-ID: <${envelope.queueId}.${now.getTime().toString(36)}.dsn@${oneLine(hostname)}>`,
    // RFC 3834 §5: so that no vacation program answers.
    "Auto-Submitted: auto-replied",
    "MIME-Version: 1.0",
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    "",
    "This is a delivery status notification in MIME format.",
  ].join("\r\n");
  const body = parts.map((each) => `\r\n--${boundary}\r\n${each}`).join("");
  const octets = Buffer.from(`${head}\r\n${body}\r\n--${boundary}--\r\n`);
  return { forwardPath: envelope.reversePath, octets, smtpUtf8: !isAscii(envelope.reversePath + from + hostname) };
}

/** Everything up to the empty line, cut at a line's end. */
function headerOf(original: Uint8Array): Buffer {
  const octets = Buffer.from(original.buffer, original.byteOffset, original.length);
  const end = octets.indexOf("\r\n\r\n");
  const header = octets.subarray(0, end === -1 ? octets.length : end + 2);
  if (header.length <= mostHeader) return header;
  return header.subarray(0, header.lastIndexOf("\r\n", mostHeader - 2) + 2);
}

const headerPart = (header: Buffer): string => part("text/rfc822-headers", header);

function letter({ envelope, failed, hostname }: DsnFacts): string {
  const lines = failed
    .slice(0, mostListed)
    .map(({ forwardPath, reply }) => `<${oneLine(forwardPath)}>\r\n    ${waited(reply)}${format(reply)}\r\n`);
  return [
    `This is the mail gateway at ${hostname}.\r\n`,
    "Your message could not be delivered to the recipients below. It will not be tried again.\r\n",
    ...lines,
    ...(failed.length > mostListed ? [`and ${failed.length - mostListed} more\r\n`] : []),
    `Queue id: ${envelope.queueId}`,
    `Arrived: ${envelope.arrivedAt}\r\n`,
  ].join("\r\n");
}

const waited = (reply: Reply): string => (reply.status.class === 4 ? "tried until its time was up; last reply: " : "");

/** RFC 3464 §2.1: fields of the message, then one group per recipient. */
function report({ envelope, failed, hostname, now }: DsnFacts): string {
  const groups = failed
    .slice(0, mostListed)
    .map(({ forwardPath, reply, hop }) =>
      [
        `Final-Recipient: ${typed(forwardPath)}`,
        "Action: failed",
        `Status: ${enhanced(reply.status)}`,
        ...(hop === "" ? [] : [`Remote-MTA: dns; ${oneLine(hop.replace(/:\d+$/, ""))}`]),
        `Diagnostic-Code: smtp; ${format(reply)}`,
        `Last-Attempt-Date: ${mailDate(now)}`,
        "",
      ].join("\r\n"),
    );
  const message = [
    `Reporting-MTA: dns; ${oneLine(hostname)}`,
    `X-Sallyport-Queue-ID: ${envelope.queueId}`,
    `Arrival-Date: ${mailDate(new Date(envelope.arrivedAt))}`,
    "",
  ].join("\r\n");
  const body = [message, ...groups].join("\r\n");
  return `Content-Type: message/delivery-status\r\n\r\n${body}`;
}

/** RFC 6533 §3: an internationalized address in the form that fits into seven bits. */
function typed(address: string): string {
  if (isAscii(address)) return `rfc822; ${oneLine(address)}`;
  const encoded = address.replace(
    /[^!-~]|[\\+=]/gu,
    (c) => `\\x{${(c.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`,
  );
  return `utf-8; ${encoded}`;
}
