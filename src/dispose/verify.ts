/** Asks a next hop, in a transaction that stops after RCPT, whether it would take a recipient. */
import { says } from "../core/replies.ts";
import { is, type Reply } from "../core/status.ts";
import { isAscii, isSafePath } from "./paths.ts";
import { toReply } from "./reply-reader.ts";
import type { SmtpClient } from "./smtp-client.ts";

export interface Answer {
  readonly reply: Reply;
  /** False if it may depend on who the sender is. */
  readonly isAboutRecipient: boolean;
}

const policySubject = 7;

/**
 * The null reverse-path first: its answer holds for every sender and may be kept. Hops that refuse it, or refuse the recipient for
 * reasons of policy, are asked again with the real one, and what they say then is not kept.
 */
export async function askRecipient(client: SmtpClient, reversePath: string, forwardPath: string): Promise<Answer> {
  const own = ownReply(client, reversePath, forwardPath);
  if (own) return { reply: own, isAboutRecipient: false };
  const { sender, recipient } = await dialogue(client, "", forwardPath);
  const wasPolicy = recipient?.status.class === 5 && recipient.status.subject === policySubject;
  if (recipient && is(sender, 2) && !wasPolicy) return { reply: recipient, isAboutRecipient: true };
  if (reversePath === "") return { reply: recipient ?? sender, isAboutRecipient: false };
  const again = await dialogue(client, reversePath, forwardPath);
  return { reply: again.recipient ?? again.sender, isAboutRecipient: false };
}

function ownReply(client: SmtpClient, reversePath: string, forwardPath: string): Reply | null {
  if (!isSafePath(forwardPath) || !isSafePath(reversePath)) return says.badAddress;
  if (client.offers("SMTPUTF8") || isAscii(forwardPath + reversePath)) return null;
  return says.noUtf8Address;
}

/** `recipient` is null if the sender was refused already. */
async function dialogue(
  client: SmtpClient,
  reversePath: string,
  forwardPath: string,
): Promise<{ readonly sender: Reply; readonly recipient: Reply | null }> {
  const utf8 = isAscii(reversePath + forwardPath) ? "" : " SMTPUTF8";
  const next = client.group([`MAIL FROM:<${reversePath}>${utf8}`, `RCPT TO:<${forwardPath}>`, "RSET"]);
  const sender = toReply(await next());
  const recipient = toReply(await next());
  client.isDirty = Math.floor((await next()).code / 100) !== 2;
  return { sender, recipient: is(sender, 2) ? recipient : null };
}
