/** Every text that a client can see before a message is judged. The library has words of its own; they are replaced here as well. */
import { code, enhanced, type Reply, reply } from "../core/status.ts";

export const says = {
  ok: reply(2, 50, "0.0", "OK"),
  senderOk: reply(2, 50, "1.0", "Sender accepted"),
  recipientOk: reply(2, 50, "1.5", "Recipient accepted"),
  cannotVerify: reply(2, 52, "1.5", "Addresses are not verified here; send the message"),
  help: reply(2, 14, "0.0", "See RFC 5321"),
  bye: reply(2, 21, "0.0", "Closing the connection"),
  readyForTls: reply(2, 20, "0.0", "Ready to start TLS"),

  shuttingDown: reply(4, 21, "3.2", "Shutting down, please come back"),
  tooManyConnections: reply(4, 21, "3.2", "Too many connections, please come back"),
  tooManyFromClient: reply(4, 21, "7.0", "Too many connections from your address"),
  tooManyMessages: reply(4, 21, "7.0", "Too many messages in one connection; open another"),
  tooManyErrors: reply(4, 21, "7.0", "Too many errors"),
  timeout: reply(4, 21, "4.2", "Waited too long"),
  tooSlow: reply(4, 21, "4.2", "The message comes in too slowly"),
  sessionTooLong: reply(4, 21, "4.2", "The connection has lasted too long"),
  notMail: reply(4, 21, "7.0", "This is a mail server"),
  closing: reply(4, 21, "3.0", "Closing the connection"),
  tooManyPerMinute: reply(4, 50, "7.1", "Too many messages from your address, please come back"),
  recipientUnknowable: reply(4, 50, "4.1", "The recipient cannot be verified now, please come back"),
  failure: reply(4, 51, "3.0", "Something went wrong here, please come back"),
  noSpace: reply(4, 52, "3.1", "Not enough space, please come back"),
  tooManyRecipients: reply(4, 52, "5.3", "Too many recipients in one message"),

  unknownCommand: reply(5, 0, "5.2", "Command not recognised"),
  commandTooLong: reply(5, 0, "5.2", "Command line too long"),
  commandNotCrlf: reply(5, 0, "5.2", "Lines end in CR LF and hold no other CR, LF or NUL"),
  lineTooLong: reply(5, 0, "5.2", "The message holds a line that is too long"),
  syntax: reply(5, 1, "5.4", "Syntax error in parameters"),
  badSender: reply(5, 1, "1.7", "Bad sender address syntax"),
  badRecipient: reply(5, 1, "1.3", "Bad recipient address syntax"),
  notImplemented: reply(5, 2, "5.1", "Command not implemented"),
  outOfSequence: reply(5, 3, "5.1", "Bad sequence of commands"),
  helloFirst: reply(5, 3, "5.1", "Send EHLO or HELO first"),
  mailFirst: reply(5, 3, "5.1", "Send MAIL first"),
  recipientFirst: reply(5, 3, "5.1", "No valid recipients; send RCPT first"),
  nestedMail: reply(5, 3, "5.1", "A message is already under way"),
  tlsActive: reply(5, 3, "5.1", "TLS is already active"),
  tlsFirst: reply(5, 30, "7.0", "Issue STARTTLS first"),
  notAllowed: reply(5, 50, "7.1", "Not allowed for this client"),
  relayDenied: reply(5, 50, "7.1", "Relaying denied"),
  routedByClient: reply(5, 50, "7.1", "Relaying denied: the local part holds a route"),
  bareOctets: reply(5, 50, "6.0", "The message holds a bare CR, a bare LF or a NUL"),
  tooLarge: reply(5, 52, "3.4", "The message is larger than SIZE says"),
  headerTooLarge: reply(5, 52, "3.4", "The header of the message is too large"),
  utf8NotAnnounced: reply(5, 53, "6.7", "The address needs SMTPUTF8"),
  outOfStep: reply(5, 54, "5.0", "Input came before the reply that it must wait for (RFC 2920 section 3.1)"),
  loop: reply(5, 54, "4.6", "The message goes in circles: too many Received fields"),
  unknownParameter: reply(5, 55, "5.4", "Parameter not recognised"),
} as const satisfies Record<string, Reply>;

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
