/** What we answer to MAIL, RCPT and DATA. Knows nothing of sockets or of the library. */
import { explain, isGatewayError } from "../core/errors.ts";
import type { Client, Envelope, ForwardPath, QueueId } from "../core/message.ts";
import { code, enhanced, is, type Reply } from "../core/status.ts";
import type { Entry } from "../spool/spool.ts";
import type { Fault } from "./data-feed.ts";
import type { AcceptDeps } from "./deps.ts";
import type { Limits } from "./limits.ts";
import { Refused, wholesome } from "./octets.ts";
import { checkMailParameters } from "./parameters.ts";
import type { ParsedPath } from "./path.ts";
import type { Recipient, Recipients } from "./recipients.ts";
import { says } from "../core/replies.ts";
import { reasonFor } from "./reply.ts";
import { receivedField } from "./trace.ts";

/** What the connection knows of the client at this moment; XCLIENT, XFORWARD and EHLO change it. */
export interface Peer {
  readonly sessionId: string;
  client(): Client;
}

interface Transaction {
  readonly queueId: QueueId;
  readonly reversePath: string;
  readonly smtpUtf8: boolean;
  readonly eightBitMime: boolean;
  readonly forwardPaths: Map<string, ForwardPath>;
}

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

export class Session {
  readonly #deps: AcceptDeps;
  readonly #recipients: Recipients;
  readonly #limits: Limits;
  readonly #peer: Peer;
  readonly #gone = new AbortController();
  #transaction: Transaction | null = null;
  #messages = 0;

  constructor(deps: AcceptDeps, recipients: Recipients, limits: Limits, peer: Peer) {
    this.#deps = deps;
    this.#recipients = recipients;
    this.#limits = limits;
    this.#peer = peer;
  }

  /** The connection is closed. */
  gone(): void {
    this.#gone.abort();
  }

  async mail(path: ParsedPath): Promise<Reply> {
    this.#transaction = null;
    const client = this.#peer.client();
    const refusal =
      this.#refusesConnection(client) ??
      checkMailParameters(path.parameters, this.#deps.config.smtp.message_size) ??
      this.#refusesSender(path, client) ??
      this.#deps.admit() ??
      (await this.#lacksSpace(path));
    if (refusal) return this.#refuse(refusal, "MAIL", { reverse_path: path.address });
    this.#transaction = {
      queueId: this.#deps.spool.newId(),
      reversePath: path.address,
      smtpUtf8: path.parameters.has("SMTPUTF8"),
      eightBitMime: String(path.parameters.get("BODY")).toUpperCase() === "8BITMIME",
      forwardPaths: new Map(),
    };
    return says.senderOk;
  }

  #refusesConnection(client: Client): Reply | null {
    const { smtp } = this.#deps.config;
    if (smtp.tls.require && client.tls === null) return says.tlsFirst;
    return this.#messages >= smtp.max_messages ? says.tooManyMessages : null;
  }

  #refusesSender(path: ParsedPath, client: Client): Reply | null {
    if (!isAscii(path.address) && !path.parameters.has("SMTPUTF8")) return says.utf8NotAnnounced;
    return this.#limits.message(client.address) ? null : says.tooManyPerMinute;
  }

  /** RFC 1870 §6.1. Small messages do not touch the disk before they are claimed. */
  async #lacksSpace(path: ParsedPath): Promise<Reply | null> {
    const size = Number(path.parameters.get("SIZE") ?? 0);
    if (size <= this.#deps.config.spool.memory) return null;
    return (await this.#deps.spool.room()) < size ? says.noSpace : null;
  }

  async rcpt(path: ParsedPath): Promise<Reply> {
    const transaction = this.#transaction;
    if (!transaction) return says.mailFirst;
    if (path.parameters.size > 0) return says.unknownParameter;
    if (!isAscii(path.address) && !transaction.smtpUtf8) return says.utf8NotAnnounced;
    const recipient = this.#recipients.find(path);
    const refusal =
      "status" in recipient
        ? recipient
        : (this.#refusesRecipient(recipient, transaction) ?? (await this.#unknown(recipient, transaction)));
    if (refusal)
      return this.#refuse(refusal, "RCPT", {
        queue_id: transaction.queueId,
        reverse_path: transaction.reversePath,
        forward_path: path.address,
      });
    const { address, route, key } = recipient as Recipient;
    if (!transaction.forwardPaths.has(key)) transaction.forwardPaths.set(key, { address, route });
    return says.recipientOk;
  }

  /** Mail for the postmaster is refused by nobody's list (RFC 5321 §4.5.1). */
  #refusesRecipient(recipient: Recipient, { forwardPaths, reversePath }: Transaction): Reply | null {
    if (forwardPaths.size >= this.#deps.config.smtp.max_recipients && !forwardPaths.has(recipient.key))
      return says.tooManyRecipients;
    const { address, route, isPostmaster } = recipient;
    const envelope = { client: this.#peer.client(), reversePath };
    const refused = isPostmaster ? null : this.#deps.refuses(envelope, { address, route });
    return refused ?? this.#deps.admit(route);
  }

  /** R24: what the next hop does not know is refused with its words; what nobody can tell now is 450. */
  async #unknown(recipient: Recipient, { reversePath, forwardPaths }: Transaction): Promise<Reply | null> {
    if (!recipient.verify || forwardPaths.has(recipient.key)) return null;
    try {
      const opinion = await this.#deps.verify(recipient.route, reversePath, recipient.address, this.#gone.signal);
      return is(opinion, 2) ? null : is(opinion, 5) ? opinion : says.recipientUnknowable;
    } catch (error) {
      this.#deps.log.error("verify_failed", { session_id: this.#peer.sessionId, error_cause: explain(error) });
      return says.recipientUnknowable;
    }
  }

  /**
   * Takes the message and waits for what becomes of it. Null: the client is gone, there is nobody to tell.
   * May return before `source` is at its end; the caller reads on up to the final dot.
   */
  async data(source: AsyncIterator<Buffer>, fault: () => Fault | null): Promise<Reply | null> {
    const transaction = this.#transaction;
    this.#transaction = null;
    if (!transaction) return says.recipientFirst;
    this.#messages += 1;
    const envelope = this.#envelope(transaction);
    let entry: Entry;
    try {
      entry = await this.#deps.spool.arrive(envelope, wholesome(source, this.#deps.config.smtp, fault));
    } catch (error) {
      const reply = this.#excuse(error, envelope);
      if (!reply) return null;
      this.#deps.onEvent({ kind: "refused", reason: reasonFor(reply) });
      return this.#refuse(reply, "DATA", { queue_id: envelope.queueId, reverse_path: envelope.reversePath });
    }
    return this.#settle(entry);
  }

  async #settle(entry: Entry): Promise<Reply | null> {
    const started = this.#deps.clock.monotonic();
    const { client, reversePath, forwardPaths, queueId, sessionId } = entry.envelope;
    this.#deps.onEvent({ kind: "received", sizeBytes: entry.size });
    this.#deps.log.info("accepted", {
      queue_id: queueId,
      session_id: sessionId,
      client: client.address,
      helo: client.helo,
      reverse_path: reversePath,
      forward_paths: forwardPaths.map(({ address }) => address),
      size_bytes: entry.size,
    });
    let reply: Reply;
    try {
      reply = await this.#deps.receive(entry, this.#gone.signal);
    } catch (error) {
      this.#deps.log.error("receive_failed", { queue_id: queueId, error_cause: explain(error) });
      if (entry.state === "arriving") await entry.remove();
      reply = says.failure;
    }
    const elapsedMs = this.#deps.clock.monotonic() - started;
    this.#deps.onEvent({ kind: "replied", class: reply.status.class, elapsedMs });
    this.#deps.log.debug("replied", { queue_id: queueId, ...shown(reply), elapsed_ms: Math.round(elapsedMs) });
    return reply;
  }

  #envelope({ queueId, reversePath, smtpUtf8, eightBitMime, forwardPaths }: Transaction): Envelope {
    const client = this.#peer.client();
    const at = this.#deps.clock.now();
    // RFC 6531 §4.3: the protocol is named differently only if the extension was used.
    const protocol = smtpUtf8 ? `UTF8${client.protocol.replace(/^E/, "")}` : client.protocol;
    const known = { ...client, protocol };
    const paths = [...forwardPaths.values()];
    const addresses = paths.map(({ address }) => address);
    return {
      queueId,
      sessionId: this.#peer.sessionId,
      client: known,
      reversePath,
      forwardPaths: paths,
      extensions: { eightBitMime, smtpUtf8 },
      arrivedAt: at.toISOString(),
      trace: receivedField({
        client: known,
        hostname: this.#deps.config.hostname,
        queueId,
        forwardPaths: addresses,
        at,
      }),
    };
  }

  #excuse(error: unknown, envelope: Envelope): Reply | null {
    if (error instanceof Refused) return error.reply;
    if (this.#gone.signal.aborted) return null;
    if (isGatewayError(error, "SPOOL_FULL")) return says.noSpace;
    this.#deps.log.error("arrival_failed", { queue_id: envelope.queueId, error_cause: explain(error) });
    return says.failure;
  }

  /** One line for each thing refused, so that "where is my mail" has an answer. */
  #refuse(reply: Reply, verb: "MAIL" | "RCPT" | "DATA", fields: Readonly<Record<string, unknown>>): Reply {
    const client = this.#peer.client();
    const who = { session_id: this.#peer.sessionId, client: client.address, helo: client.helo };
    this.#deps.log.info("rejected", { verb, ...who, ...fields, ...shown(reply), text: reply.text });
    return reply;
  }
}

const shown = ({ status }: Reply): Readonly<Record<string, unknown>> => ({
  reply: code(status),
  status: enhanced(status),
});
