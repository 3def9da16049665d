/** What our client hears when a next hop was silent, unreachable or made no sense: always 4yz, never the hop's name. */
import { type ErrorCode, errorText, GatewayError } from "../core/errors.ts";
import { is, type Reply, reply } from "../core/status.ts";

/** RFC 3463: X.4.1 no answer from host, X.4.2 bad connection, X.5.0 protocol, X.7.5 cryptographic failure. */
const details: Partial<Record<ErrorCode, string>> = {
  NEXT_HOP_UNREACHABLE: "4.1",
  NEXT_HOP_PROTOCOL: "5.0",
  NEXT_HOP_TLS: "7.5",
};

/** A 4yz that the hop itself gave in `detail.reply` (421 at its greeting, say) is passed on. */
export function failureReply(error: GatewayError): Reply<4> {
  const said = error.detail.reply as Reply | undefined;
  if (said && is(said, 4)) return said;
  const lost = error.code === "NEXT_HOP_UNREACHABLE" && error.detail.connected === true;
  return lost
    ? reply(4, 51, "4.2", "The connection to the next hop was lost or timed out")
    : reply(4, 51, details[error.code] ?? "3.0", errorText(error.code));
}

/** A failure of a next hop, and not of ours. */
export const isHopError = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && error.code in details;
