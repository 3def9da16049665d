/** Replies as lines: the words of the library are replaced by those of our one table (core/replies.ts). */
import { says } from "../core/replies.ts";
import { code, enhanced, type Reply } from "../core/status.ts";

export type Saying = keyof typeof says;

const sayings = new Map<Reply, Saying>(Object.entries(says).map(([name, said]) => [said, name as Saying]));
/** A label for metrics; what a next hop or a block list said has none of ours. */
export const reasonFor = (said: Reply): Saying | "elsewhere" => sayings.get(said) ?? "elsewhere";

/** Lines without an enhanced status code. RFC 5321 §4.2.2 (354), RFC 2034 §3 (the greeting). */
export const startMail = "End data with <CR><LF>.<CR><LF>";
export const greeting = (hostname: string): string => `${hostname} ESMTP`;

/** What the library would say, and what we say instead. What is not here goes by its code. */
const instead = new Map<string, Reply>([
  ["Timeout - closing connection", says.timeout],
  ["Server shutting down", says.shuttingDown],
  ["HTTP requests not allowed", says.notMail],
  ["Flushed", says.ok],
  ["Error: send HELO/EHLO first", says.helloFirst],
  ["Error: nested MAIL command", says.nestedMail],
  ["Error: Mail transaction in progress", says.nestedMail],
  ["Error: need MAIL command", says.mailFirst],
  ["Error: need RCPT command", says.recipientFirst],
  ["Error: TLS already active", says.tlsActive],
  ["Error: Bad sender address syntax", says.badSender],
  ["Error: Bad recipient address syntax", says.badRecipient],
]);

const byContext = new Map<string, Reply>([
  ["MAIL_FROM_OK", says.senderOk],
  ["RCPT_TO_OK", says.recipientOk],
]);

const byCode = new Map<number, Reply>([
  [214, says.help],
  [220, says.readyForTls],
  [221, says.bye],
  [250, says.ok],
  [252, says.cannotVerify],
  [421, says.closing],
  [451, says.failure],
  [500, says.unknownCommand],
  [501, says.syntax],
  [502, says.notImplemented],
  [503, says.outOfSequence],
  [550, says.notAllowed],
]);

/** The reply for words of the library; never its own text. */
export const worded = (codeOfLibrary: number, text: string, context: string): Reply =>
  instead.get(text) ?? byContext.get(context) ?? byCode.get(codeOfLibrary) ?? says.failure;

/** RFC 5321 §4.5.3.1.5: 512 octets with code and CRLF. */
const longestText = 480;

/** A reply on one line of printable ASCII, whoever wrote its text: RFC 5321 §4.2. */
export function line(said: Reply): { readonly code: number; readonly text: string } {
  const text = `${enhanced(said.status)} ${said.text}`.replace(/[^\x20-\x7e]+/g, "?").slice(0, longestText);
  return { code: code(said.status), text };
}
