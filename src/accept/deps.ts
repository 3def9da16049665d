/** What the SMTP edge needs from the rest, and what it tells it. Wired in compose. */
import type { Config } from "../config-schema.ts";
import type { Envelope, ForwardPath } from "../core/message.ts";
import type { Reply } from "../core/status.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Entry, Spool } from "../spool/spool.ts";
import type { Saying } from "./reply.ts";

/** For metrics. `refused` comes before a message is judged, whatever was refused: a connection, a command, a recipient, octets. */
export type AcceptEvent =
  | { readonly kind: "connected" }
  | { readonly kind: "refused"; readonly reason: Saying | "elsewhere" }
  /** The final dot has been seen and the octets are in the spool. */
  | { readonly kind: "received"; readonly sizeBytes: number }
  /** The reply after the final dot. */
  | { readonly kind: "replied"; readonly class: 2 | 4 | 5; readonly elapsedMs: number };

export interface AcceptDeps {
  /** Parsed, with absolute folders. */
  readonly config: Config;
  readonly spool: Pick<Spool, "arrive" | "newId" | "room">;
  readonly log: Log;
  readonly clock: Clock;
  /** Asks the next hop: 2 exists, 5 does not, 4 cannot be known now (R24). */
  verify(route: string, reversePath: string, forwardPath: string, signal: AbortSignal): Promise<Reply>;
  /** Everything after the final dot; resolves with what the client is to hear. Never throws for expected things. */
  receive(entry: Entry, clientGone: AbortSignal): Promise<Reply>;
  /** Overload, or the disk is low: the 4yz to say at MAIL; with a route, at RCPT: that one has its share already. */
  admit(route?: string): Reply | null;
  /** Blocked by the lists, and refused by the policy for that whatever the message may hold: said at RCPT. */
  refuses(envelope: Pick<Envelope, "client" | "reversePath">, forwardPath: ForwardPath): Reply | null;
  onEvent(event: AcceptEvent): void;
}
