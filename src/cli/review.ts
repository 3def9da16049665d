/** What a person decides about a held message: done by the running gateway, or, without one, here under its lock. */
import { followed } from "../compose-rebuild.ts";
import type { Config } from "../config-schema.ts";
import { reviewHandlers } from "../control/review-handlers.ts";
import { isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import { systemClock } from "../observe/clock.ts";
import { createLog } from "../observe/log.ts";
import { createReview } from "../review/review.ts";
import { derivedId } from "../spool/ids.ts";
import { openFilled } from "./catalog.ts";
import { askGateway, type Custody, orNotFound, toStandardError, withCustody } from "./custody.ts";
import { viewAlone } from "./view.ts";

type ReviewArgs = Readonly<Record<string, unknown>> & { readonly id: QueueId };

/** A review command: by the gateway, or, without one, right here; the next start goes on from there. */
export const review = (
  config: Config,
  command: "show" | "view" | "release" | "discard" | "rescan",
  args: ReviewArgs,
): Promise<unknown> =>
  orNotFound(args.id, async () => {
    try {
      return await askGateway(config, command, args);
    } catch (error) {
      if (!isGatewayError(error, "CONTROL_UNAVAILABLE")) throw error;
    }
    const isLook = command === "show" || command === "view";
    return withCustody(config, isLook, (custody) =>
      isLook ? handle(config, command, args, custody) : handleAndTell(config, command, args, custody),
    );
  });

async function handle(config: Config, command: string, args: ReviewArgs, custody: Custody): Promise<unknown> {
  const acts = createReview({
    ...custody,
    clock: systemClock,
    derivedId,
    enqueue: () => undefined,
    view: (id, content) => viewAlone(config, id, content),
  });
  return reviewHandlers(acts).get(command)?.(args);
}

/** Without a gateway nobody else tells the catalog. */
async function handleAndTell(config: Config, command: string, args: ReviewArgs, custody: Custody): Promise<unknown> {
  const catalog = await openFilled(config, custody);
  const journal = followed(custody.journal, catalog, createLog("warn", toStandardError));
  try {
    const answer = await handle(config, command, args, { ...custody, journal });
    const known = command === "rescan" ? await catalog.get(args.id) : null;
    if (known) await catalog.record({ ...known, state: "incoming" });
    return answer;
  } finally {
    await journal.close();
    await catalog.close();
  }
}
