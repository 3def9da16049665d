/** What all connections of this gateway share. */
import type { SmtpConfig } from "../config-schema.ts";
import type { Clock } from "../observe/clock.ts";
import type { Log } from "../observe/log.ts";
import type { AcceptEvent } from "./deps.ts";
import type { Limits } from "./limits.ts";
import type { Peer, Session } from "./session.ts";

export interface Edge {
  readonly hostname: string;
  readonly config: SmtpConfig;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  onEvent(event: AcceptEvent): void;
  /** Lists of addresses that are trusted with what they say about clients. */
  readonly trusts: Readonly<Record<"PROXY" | "XCLIENT" | "XFORWARD", (address: string) => boolean>>;
  newSession(peer: Peer): Session;
}
