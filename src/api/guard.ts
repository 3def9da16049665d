/** May this caller do this? The one place that decides it, for every operation. */
import type { Listed } from "../catalog/catalog.ts";
import { GatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import type { Caller, Desk } from "./desk.ts";
import type { Operation } from "./operation.ts";

/** Before anything of the request is looked at. Throws SIGN_IN_NEEDED, NOT_ALLOWED. */
export function admit({ access }: Operation, caller: Caller | null): void {
  if (access.who === "anyone") return;
  if (caller === null) throw new GatewayError("SIGN_IN_NEEDED");
  if (access.who === "session") return;
  if (caller.needsSecondFactor)
    throw new GatewayError("NOT_ALLOWED", { problem: "set up an authenticator app or a passkey first" });
  if (!caller.permissions.has(access.who)) throw new GatewayError("NOT_ALLOWED", { problem: `needs ${access.who}` });
  if (access.where === "all" && caller.routes !== null)
    throw new GatewayError("NOT_ALLOWED", { problem: "needs an account for all routes" });
}

export const maySee = ({ routes }: Caller, route: string): boolean => routes === null || routes.has(route);

/** Of a message in the path. What is of other routes is not there. Throws NOT_FOUND. */
export async function ownMessage(desk: Desk, caller: Caller, id: QueueId): Promise<Listed> {
  const listed = await desk.catalog.get(id);
  if (!listed || !maySee(caller, listed.route)) throw new GatewayError("NOT_FOUND", { id });
  return listed;
}

const longestReason = 500;

/** Why content is looked at; null where nobody need say. Throws NOT_ALLOWED. */
export function contentReason({ settings }: Desk, { account }: Caller, given: unknown): string | null {
  const text = typeof given === "string" ? decoded(given).trim().slice(0, longestReason) : "";
  if (text !== "") return text;
  if (!settings.contentNeedsReason.includes(account.role)) return null;
  throw new GatewayError("NOT_ALLOWED", { problem: "say why in the header x-reason (percent-encoded UTF-8)" });
}

/** Header fields hold ASCII; reasons are in people's languages. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
