/** The message on its way into the spool: what is too large, has too large a header, or goes in circles, ends here. */
import type { SmtpConfig } from "../config-schema.ts";
import type { Reply } from "../core/status.ts";
import type { Fault } from "./data-feed.ts";
import { says } from "../core/replies.ts";
import { countReceived } from "./trace.ts";

/** Thrown into the spool, which then leaves nothing behind; the reply is for the client. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(reply.text);
    this.reply = reply;
  }
}

export type OctetLimits = Pick<SmtpConfig, "message_size" | "header_size" | "max_received">;

const CRLF = Buffer.from("\r\n");
const HEADER_END = Buffer.from("\r\n\r\n");
const faults = { bare: says.bareOctets, long: says.lineTooLong } as const satisfies Record<Fault, Reply>;

/** Looks for the first empty line, and at the header once it is whole. */
class Header {
  readonly #limits: OctetLimits;
  readonly #pieces: Buffer[] = [];
  /** What may be the beginning of HEADER_END. At first the line end of DATA, for messages without a header. */
  #tail: Buffer = CRLF;
  #size = 0;
  isOver = false;

  constructor(limits: OctetLimits) {
    this.#limits = limits;
  }

  look(piece: Buffer): void {
    const joined = Buffer.concat([this.#tail, piece]);
    const end = joined.indexOf(HEADER_END);
    const own = end === -1 ? piece : piece.subarray(0, Math.max(0, end - this.#tail.length));
    this.#tail = joined.subarray(-3);
    this.#size += own.length;
    if (this.#size > this.#limits.header_size) throw new Refused(says.headerTooLarge);
    this.#pieces.push(own);
    if (end !== -1) this.finish();
  }

  finish(): void {
    this.isOver = true;
    const received = countReceived(Buffer.concat(this.#pieces.splice(0)).toString("latin1"));
    if (received > this.#limits.max_received) throw new Refused(says.loop);
  }
}

/**
 * Passes the octets on as they are, or throws Refused. Never ends the source early: what comes behind a refusal must still be read
 * up to the final dot. `fault` tells what the feed has seen so far.
 */
export async function* wholesome(
  source: AsyncIterator<Buffer>,
  limits: OctetLimits,
  fault: () => Fault | null,
): AsyncGenerator<Buffer> {
  const header = new Header(limits);
  let size = 0;
  for (let next = await source.next(); next.done !== true; next = await source.next()) {
    size += next.value.length;
    if (size > limits.message_size) throw new Refused(says.tooLarge);
    if (!header.isOver) header.look(next.value);
    yield next.value;
  }
  const seen = fault();
  if (seen) throw new Refused(faults[seen]);
  if (!header.isOver) header.finish();
}
