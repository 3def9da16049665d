/** What our client hears when a next hop was silent, unreachable or made no sense: always 4yz, never the hop's name. */
import { type ErrorCode, GatewayError } from "../core/errors.ts";
import { says } from "../core/replies.ts";
import { is, type Reply } from "../core/status.ts";

/** RFC 3463: X.4.1 no answer from host, X.4.2 bad connection, X.5.0 protocol, X.7.5 cryptographic failure. */
const answers: Partial<Record<ErrorCode, Reply<4>>> = {
  NEXT_HOP_UNREACHABLE: says.hopUnreachable,
  NEXT_HOP_PROTOCOL: says.hopNonsense,
  NEXT_HOP_TLS: says.hopTls,
};

/** A 4yz that the hop itself gave in `detail.reply` (421 at its greeting, say) is passed on. */
export function failureReply(error: GatewayError): Reply<4> {
  const said = error.detail.reply as Reply | undefined;
  if (said && is(said, 4)) return said;
  const lost = error.code === "NEXT_HOP_UNREACHABLE" && error.detail.connected === true;
  return lost ? says.hopLost : (answers[error.code] ?? says.failure);
}

/** A failure of a next hop, and not of ours. */
export const isHopError = (error: unknown): error is GatewayError =>
  error instanceof GatewayError && error.code in answers;
