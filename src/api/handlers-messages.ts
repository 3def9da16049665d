/** Lists of messages, and one of them. */
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import type { MessageView } from "../core/message-view.ts";
import { isQueueId } from "../core/queue-id.ts";
import { maySee } from "./guard.ts";
import type { Handlers } from "./handler.ts";
import { queryOf, toPage, toSummary } from "./queries.ts";
import { departed, type Held, toMessage } from "./to-message.ts";

export function cursorId(cursor: string | undefined): { readonly before?: QueueId } {
  if (cursor === undefined) return {};
  if (isQueueId(cursor)) return { before: cursor };
  throw new GatewayError("USAGE", { problem: "cursor is not one of ours" });
}

const here = new Set(["incoming", "active", "deferred", "quarantine"]);

export const messageHandlers: Handlers<"messages.list" | "messages.show" | "messages.view"> = {
  async "messages.list"({ desk, caller, query }) {
    const { limit, cursor, ...filters } = query;
    const found = await desk.catalog.find(queryOf(caller, filters), { limit: limit + 1, ...cursorId(cursor) });
    return toPage(found, limit, toSummary, (one) => one.queueId);
  },

  async "messages.show"({ desk, caller, listed }) {
    if (!here.has(listed.state)) return departed(listed);
    try {
      const held = (await desk.review(listed, "show", { id: listed.queueId })) as Held;
      // The list knows the route of the first recipient only.
      if (!held.envelope.forwardPaths.every(({ route }) => maySee(caller, route)))
        throw new GatewayError("NOT_FOUND", { id: listed.queueId });
      return toMessage(listed, held);
    } catch (error) {
      // It has left a moment ago, and the list does not know yet.
      if (isGatewayError(error, "SPOOL_NOT_THERE")) return departed(listed);
      throw error;
    }
  },

  async "messages.view"({ desk, listed }) {
    const seen = (await desk.review(listed, "view", { id: listed.queueId })) as MessageView;
    return {
      ...seen,
      fields: seen.fields.map((one) => ({ ...one })),
      attachments: seen.attachments.map((one) => ({ ...one })),
      cut: [...seen.cut],
    };
  },
};
