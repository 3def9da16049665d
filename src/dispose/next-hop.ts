/** The SMTP client side as the stages see it: one transaction with a next hop, and the question whether a recipient exists. Contract. */
import type { Bytes, Envelope } from "../core/message.ts";
import type { Reply } from "../core/status.ts";

export interface Outgoing {
  readonly envelope: Envelope;
  /** Some or all of the envelope's forward-paths. */
  readonly forwardPaths: readonly string[];
  /** Our fields for the top, each with its CRLF. */
  readonly fields: string;
  /** Asked anew for each next hop that is tried. A piece must not change once it is given. */
  octets(): AsyncIterable<Uint8Array>;
  /** Of the octets, without `fields`: announced to a next hop that wants to know (RFC 1870). */
  readonly size?: Bytes;
}

/** Asked when the next hop has taken some recipients and refused others, before the octets are ended (R8). Rejecting gives up the transaction. */
export type Mixed = (accepted: readonly string[], refused: ReadonlyMap<string, Reply>) => Promise<void>;

export interface NextHop {
  /** Sends one message; every forward-path gets a reply: the next hop's, or a 4yz of ours when it was silent or unreachable (never throws for that). */
  send(route: string, message: Outgoing, mixed: Mixed, signal: AbortSignal): Promise<Delivered>;
  /** A dialogue up to RCPT, cached: 2 exists, 5 does not, 4 cannot be known now. */
  verify(route: string, reversePath: string, forwardPath: string, signal: AbortSignal): Promise<Reply>;
  /** For `doctor`: connects, EHLO, QUIT. One line per next hop of the route. */
  probe(
    route: string,
    signal: AbortSignal,
  ): Promise<
    readonly { readonly hop: string; readonly ok: boolean; readonly text: string; readonly tls: string | null }[]
  >;
  close(): Promise<void>;
}

export interface Delivered {
  readonly replies: ReadonlyMap<string, Reply>;
  /** host:port that answered last. */
  readonly hop: string;
  /** True once our final dot may have reached the next hop: from then on a retry may duplicate (RFC 1047). */
  readonly ended: boolean;
}
