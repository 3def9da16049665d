/** What a person decides about a held message: done by the running gateway, or, without one, here under its lock. */
import { followed } from "../compose-rebuild.ts";
import type { Config } from "../config-schema.ts";
import { looks, reviewHandlers } from "../control/review-handlers.ts";
import { GatewayError, isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import { systemClock } from "../observe/clock.ts";
import { createLog } from "../observe/log.ts";
import { createReview } from "../review/review.ts";
import { derivedId } from "../spool/ids.ts";
import { openFilled, withCatalog } from "./catalog.ts";
import { askGateway, type Custody, orNotFound, toStandardError, withCustody } from "./custody.ts";
import { viewAlone } from "./view.ts";

type ReviewArgs = Readonly<Record<string, unknown>> & { readonly id: QueueId };

/** The other node that holds it, as far as the catalog that all share knows. Throws DATABASE_UNAVAILABLE. */
async function otherOwner(config: Config, id: QueueId): Promise<string | null> {
  if (config.catalog === undefined) return null;
  const listed = await withCatalog(config, (catalog) => catalog.get(id));
  return listed && listed.node !== config.cluster.node ? listed.node : null;
}

async function askOwner(config: Config, node: string, command: string, args: ReviewArgs): Promise<unknown> {
  if (config.queue === undefined) {
    const remedy = `run this on ${node}, or set queue on all nodes: it carries commands to them`;
    throw new GatewayError("NOT_FOUND", { id: args.id, node, remedy });
  }
  const { openAsking } = await import("../compose-remote.ts");
  const asking = openAsking(config);
  try {
    return await asking.ask(node, command, args);
  } finally {
    asking.close();
  }
}

/** By this machine's gateway, or, without one, right here; the next start goes on from there. */
async function reviewHere(config: Config, command: string, args: ReviewArgs): Promise<unknown> {
  try {
    return await askGateway(config, command, args);
  } catch (error) {
    if (!isGatewayError(error, "CONTROL_UNAVAILABLE")) throw error;
  }
  const isLook = looks.has(command);
  return withCustody(config, isLook, (custody) =>
    isLook ? handle(config, command, args, custody) : handleAndTell(config, command, args, custody),
  );
}

/** A review command, by the gateway that holds the message. */
export const review = (
  config: Config,
  command: "show" | "view" | "release" | "discard" | "rescan",
  args: ReviewArgs,
): Promise<unknown> =>
  orNotFound(args.id, async () => {
    let unknown: unknown = null;
    const owner = await otherOwner(config, args.id).catch((error: unknown) => {
      unknown = error;
      return null;
    });
    if (owner !== null) return askOwner(config, owner, command, args);
    try {
      return await reviewHere(config, command, args);
    } catch (error) {
      // Not here, and who has it cannot be known: that is another thing than that nobody has it.
      throw unknown !== null && isGatewayError(error, "SPOOL_NOT_THERE") ? unknown : error;
    }
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
