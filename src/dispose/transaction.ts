/** One mail transaction: MAIL, RCPT, DATA, octets, final dot. RFC 5321 §3.3; all that may be pipelined is (RFC 2920). */
import { GatewayError } from "../core/errors.ts";
import { says } from "../core/replies.ts";
import { is, type Reply } from "../core/status.ts";
import { forwardCommand, impersonate } from "./introduce.ts";
import type { Mixed, Outgoing } from "./next-hop.ts";
import { isAscii, isSafePath } from "./paths.ts";
import { type RawReply, toReply } from "./reply-reader.ts";
import type { SmtpClient } from "./smtp-client.ts";
import { Stuffer } from "./stuffing.ts";

/** How far it came; read by the caller also when `transact` throws. */
export interface Progress {
  readonly replies: Map<string, Reply>;
  /** `mixed` was asked: no other next hop may get this message now. */
  isMixed: boolean;
  /** Our final dot may have reached the hop. */
  ended: boolean;
}

export const newProgress = (): Progress => ({ replies: new Map(), isMixed: false, ended: false });

/** Written at once; smaller pieces are put together. */
const flushBytes = 65_536;

const { badAddress, noUtf8Address, noUtf8Header, tooLargeForHop } = says;

/** Fills `progress.replies`. Throws NEXT_HOP_…, what `mixed` or `octets()` throw, and the signal's reason; the connection is then useless. */
export async function transact(
  client: SmtpClient,
  message: Outgoing,
  mixed: Mixed,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const abort = (): void => {
    if (!progress.ended) client.wire.destroy();
  };
  signal.throwIfAborted();
  signal.addEventListener("abort", abort);
  try {
    await impersonate(client, message.envelope);
    const asked = screen(client, message, progress.replies);
    if (asked.length > 0) await converse(client, message, asked, mixed, progress);
  } catch (error) {
    if (!progress.ended) signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function converse(
  client: SmtpClient,
  message: Outgoing,
  asked: readonly string[],
  mixed: Mixed,
  progress: Progress,
): Promise<void> {
  const go = await envelope(client, message, asked, progress.replies);
  if (!go) return;
  const accepted = asked.filter((path) => !progress.replies.has(path));
  if (go.code !== 354) {
    const answer = refusal(go);
    for (const path of accepted) progress.replies.set(path, answer);
    return;
  }
  if (accepted.length === 0) return loneDot(client);
  if (progress.replies.size > 0) {
    progress.isMixed = true;
    await mixed(accepted, new Map(progress.replies));
  }
  const early = await data(client, message, progress);
  const answer = early ? refusal(early) : toReply(await client.read("final dot", client.target.policy.timeouts.data));
  client.isDirty = false;
  for (const path of accepted) progress.replies.set(path, answer);
}

/** What no recipient can get through this hop. */
function refusedForAll(client: SmtpClient, message: Outgoing): Reply | null {
  const { reversePath, extensions } = message.envelope;
  if (!isSafePath(reversePath)) return badAddress;
  const limit = Number(client.extensions.get("SIZE") ?? 0);
  if (limit > 0 && (totalBytes(message) ?? 0) > limit) return tooLargeForHop;
  if (client.offers("SMTPUTF8")) return null;
  return !isAscii(reversePath) ? noUtf8Address : extensions.smtpUtf8 ? noUtf8Header : null;
}

/** Enters the replies that need no asking; returns the paths that the hop shall be asked about. */
function screen(client: SmtpClient, message: Outgoing, replies: Map<string, Reply>): readonly string[] {
  const all = refusedForAll(client, message);
  const asked = new Set<string>();
  for (const path of message.forwardPaths) {
    if (!isSafePath(path)) replies.set(path, badAddress);
    else if (!client.offers("SMTPUTF8") && !isAscii(path)) replies.set(path, noUtf8Address);
    else if (all) replies.set(path, all);
    else asked.add(path);
  }
  return [...asked];
}

const totalBytes = (message: Outgoing): number | null =>
  message.size === undefined ? null : message.size + Buffer.byteLength(message.fields);

/**
 * RFC 1870 §4, RFC 6531 §3.4.
 * Deviation: RFC 6152 §3 wants 8-bit content converted or returned if the hop has no 8BITMIME. We send it as it is: converting would
 * break signatures and change what was scanned, and a bounce would lose mail that every server in use takes.
 */
function mailCommand(client: SmtpClient, message: Outgoing): string {
  const { reversePath, extensions } = message.envelope;
  const bytes = totalBytes(message);
  const size = bytes !== null && client.offers("SIZE") ? ` SIZE=${bytes}` : "";
  const body = extensions.eightBitMime && client.offers("8BITMIME") ? " BODY=8BITMIME" : "";
  const needsUtf8 = extensions.smtpUtf8 || ![reversePath, ...message.forwardPaths].every(isAscii);
  const utf8 = needsUtf8 && client.offers("SMTPUTF8") ? " SMTPUTF8" : "";
  return `MAIL FROM:<${reversePath}>${size}${body}${utf8}`;
}

/** MAIL, RCPT, DATA. Enters refusals; returns the reply to DATA, or null if it came to none. */
async function envelope(
  client: SmtpClient,
  message: Outgoing,
  asked: readonly string[],
  replies: Map<string, Reply>,
): Promise<RawReply | null> {
  const forward = forwardCommand(client, message.envelope);
  const mail = mailCommand(client, message);
  const next = client.group([
    ...(forward === null ? [] : [forward]),
    mail,
    ...asked.map((path) => `RCPT TO:<${path}>`),
    "DATA",
  ]);
  const mayStop = !client.offers("PIPELINING");
  // A hop that does not believe us takes the message all the same.
  if (forward !== null) await next();
  const sender = toReply(await next());
  if (!is(sender, 2)) {
    for (const path of asked) replies.set(path, sender);
    return mayStop ? null : afterRefusedMail(client, asked.length, next);
  }
  for (const path of asked) {
    const answer = toReply(await next());
    if (!is(answer, 2)) replies.set(path, answer);
  }
  return mayStop && asked.every((path) => replies.has(path)) ? null : next();
}

/** What was pipelined behind it. A hop that takes recipients without a sender might deliver the lone dot to them: hang up instead. */
async function afterRefusedMail(
  client: SmtpClient,
  recipients: number,
  next: () => Promise<RawReply>,
): Promise<RawReply | null> {
  for (let i = 0; i < recipients; i++) {
    if (!is(toReply(await next()), 2)) continue;
    client.wire.destroy();
    return null;
  }
  return next();
}

/** A reply that must not be 2yz: to DATA instead of 354, or in the midst of the octets. */
function refusal(raw: RawReply): Reply {
  const answer = toReply(raw);
  if (is(answer, 2))
    throw new GatewayError("NEXT_HOP_PROTOCOL", { connected: true, what: `${raw.code} before the end` });
  return answer;
}

/** The hop wants data for no recipient at all: an empty message ends the transaction (RFC 2920 §3.1). */
async function loneDot(client: SmtpClient): Promise<void> {
  client.wire.send(".\r\n", 1);
  await client.read("lone dot");
  client.isDirty = false;
}

const joined = (pieces: readonly Uint8Array[]): Uint8Array => {
  const [only, another] = pieces;
  return only && !another ? only : Buffer.concat(pieces);
};

/** Fields and octets, then the final dot. Returns what the hop said before it, if it did. */
async function data(client: SmtpClient, message: Outgoing, progress: Progress): Promise<RawReply | null> {
  const stuffer = new Stuffer();
  const { command } = client.target.policy.timeouts;
  let pieces: Uint8Array[] = [stuffer.push(Buffer.from(message.fields))];
  let bytes = 0;
  client.wire.expect();
  for await (const chunk of message.octets()) {
    client.wire.check();
    pieces.push(stuffer.push(chunk));
    bytes += chunk.length;
    if (bytes < flushBytes) continue;
    client.wire.send(joined(pieces));
    pieces = [];
    bytes = 0;
    await client.wire.drained("octets", command);
    if (!client.wire.hasReply) continue;
    const early = await client.read("octets");
    client.wire.destroy();
    return early;
  }
  client.wire.check();
  pieces.push(stuffer.last());
  progress.ended = true;
  client.wire.send(joined(pieces));
  return null;
}
