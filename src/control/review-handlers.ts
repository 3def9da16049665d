/** Requests about held messages → the review module. The same table serves the running gateway and a command that holds the lock itself. */
import { z } from "zod";
import { GatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import { isQueueId } from "../core/queue-id.ts";
import type { Review } from "../review/review.ts";
import type { Handler } from "./server.ts";

const id = z.string().transform((text, context): QueueId => {
  if (isQueueId(text)) return text;
  context.addIssue({ code: "custom", message: "not a queue id" });
  return z.NEVER;
});
const act = z.object({ id, by: z.string().min(1).max(200), why: z.string().max(2000) });
const releasing = act.extend({ to: z.array(z.string().max(320)).min(1).nullable().default(null) });

/** What changes nothing, and so may be asked as often as one likes. */
export const looks: ReadonlySet<string> = new Set(["show", "view"]);

export function parse<T>(schema: z.ZodType<T>, args: unknown): T {
  const parsed = schema.safeParse(args);
  if (parsed.success) return parsed.data;
  throw new GatewayError("USAGE", {
    problem: parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; "),
  });
}

export function reviewHandlers(review: Review): ReadonlyMap<string, Handler> {
  return new Map<string, Handler>([
    ["show", (args) => review.show(parse(z.object({ id }), args).id)],
    ["view", (args) => review.view(parse(z.object({ id }), args).id)],
    [
      "release",
      (args) => {
        const { id: held, to, ...who } = parse(releasing, args);
        return review.release(held, who, to);
      },
    ],
    [
      "discard",
      (args) => {
        const { id: held, ...who } = parse(act, args);
        return review.discard(held, who);
      },
    ],
    [
      "rescan",
      (args) => {
        const { id: held, ...who } = parse(act, args);
        return review.rescan(held, who);
      },
    ],
  ]);
}
