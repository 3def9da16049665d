/** Wires copies of held messages, adoption and its undoing. */
import { Gauge, type Registry } from "prom-client";
import { z } from "zod";
import { adopt, type Adopted, type AdoptionOptions, cedeAll, cedeIfTaken, requireNode } from "./adoption.ts";
import { clusterSeal, openBlobs } from "./compose-cluster.ts";
import { groupOf } from "./compose-held.ts";
import { addressOf } from "./compose-stores.ts";
import type { Config } from "./config-schema.ts";
import { looks, parse } from "./control/review-handlers.ts";
import type { Handler } from "./control/server.ts";
import { explain, GatewayError, isGatewayError } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import { isQueueId } from "./core/queue-id.ts";
import type { Custody } from "./dispose/custody.ts";
import { HeldCopies } from "./held-copies.ts";
import type { Clock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import { withAdoptionLock } from "./records/adoption-lock.ts";
import { Releases } from "./records/releases.ts";
import type { SpoolEvent } from "./spool/disk-spool.ts";
import type { Journal } from "./spool/journal.ts";
import type { Entry, Spool } from "./spool/spool.ts";

export interface CopiesOptions {
  readonly config: Config;
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Registry;
}

type Handlers = ReadonlyMap<string, Handler>;

export interface Copies {
  onMove(event: SpoolEvent): void;
  /** Of commands about held messages: a decision comes into the copy, and what others have adopted is not decided about here. */
  guarded(handlers: Handlers): Handlers;
  /** What this gateway does on request. */
  handlers(custody: Pick<Custody, "quarantined">): Handlers;
  start(): void;
  close(): Promise<void>;
}

/** Nobody waits longer for a store before a start or a decision. */
const patienceMs: Millis = 5_000;

const adopting = z.object({
  node: z.string(),
  by: z.string().min(1).max(200),
  why: z.string().max(2000),
  force: z.boolean().default(false),
});

/** Throws NODE_ALIVE, DATABASE_UNAVAILABLE. */
async function requireDead({ catalog }: Config, node: string): Promise<void> {
  if (!catalog) {
    const remedy = "make sure that it is dead, then --force";
    throw new GatewayError("NODE_ALIVE", { node, why: "without `catalog` nobody can know", remedy });
  }
  const releases = new Releases(addressOf(catalog));
  try {
    const alive = (await releases.nodes()).find((one) => one.node === node && one.role === "serve" && one.isAlive);
    if (!alive) return;
    const seen = `${Math.round(alive.silentMs / 1000)} s ago`;
    throw new GatewayError("NODE_ALIVE", { node, seen, remedy: "stop it; half a minute later it counts as dead" });
  } finally {
    await releases.close();
  }
}

/** Null after that time; the work goes on. */
function within<T>(work: Promise<T>): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), patienceMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/** Gives up first what others have adopted. */
export async function keepCopies(options: CopiesOptions): Promise<Copies> {
  const { config, spool, journal, clock, log, registry } = options;
  if (!config.blobs) throw new GatewayError("CONFIG_INVALID", { problem: "blobs is not set" });
  const { node } = config.cluster;
  const blobs = await openBlobs(config.blobs);
  const seal = clusterSeal(config, "held");
  const copies = new HeldCopies({ node, blobs, seal, spool, log });
  const adoption: AdoptionOptions = { node, blobs, seal, spool, journal, clock };
  new Gauge({
    name: "sallyport_held_copies_pending",
    help: "Held messages whose copy in the blob store is not known to be up to date",
    registers: [registry],
    collect() {
      this.set(copies.pending);
    },
  });
  const ceding = cedeAll(adoption).then(
    (count) => count > 0 && log.warn("ceded", { count }),
    (error: unknown) => log.warn("copies_away", { error_cause: explain(error) }),
  );
  await within(ceding);

  async function requireOurs(id: unknown): Promise<void> {
    if (!isQueueId(id)) return;
    // A store that is away keeps nobody from deciding.
    const isTaken = await within(cedeIfTaken(adoption, id)).catch((error: unknown) => {
      if (isGatewayError(error) && error.temporary) return false;
      throw error;
    });
    if (isTaken) throw new GatewayError("SPOOL_NOT_THERE", { queue_id: id, why: "another node has adopted it" });
  }

  const guard =
    (handle: Handler): Handler =>
    async (args) => {
      const { id } = args;
      await requireOurs(id);
      const answer = await handle(args);
      if (isQueueId(id)) copies.changed(id);
      return answer;
    };

  return {
    onMove({ id, from, to }) {
      if (from === "quarantine" || to === "quarantine") copies.changed(id);
    },
    guarded: (handlers) =>
      new Map([...handlers].map(([name, handle]) => [name, looks.has(name) ? handle : guard(handle)])),
    handlers: (custody) =>
      new Map<string, Handler>([
        [
          "adopt",
          async (args): Promise<Adopted> => {
            const { node: from, by, why, force } = parse(adopting, args);
            if (requireNode(from) === node) throw new GatewayError("USAGE", { node, problem: "this node is itself" });
            if (!force) await requireDead(config, from);
            const text = `adopted from ${from} by ${by}: ${why}`;
            const tell = async (entry: Entry, text: string): Promise<void> =>
              custody.quarantined(entry, await groupOf(entry), text);
            const work = (hold: () => Promise<void>): Promise<Adopted> => adopt(adoption, from, { tell, hold, text });
            // Without a database that all share nobody can know of the others.
            if (!config.catalog) return work(() => Promise.resolve());
            return withAdoptionLock(addressOf(config.catalog), from, work);
          },
        ],
      ]),
    start: () => copies.start(),
    async close() {
      await copies.close();
      await ceding;
      await blobs.close();
    },
  };
}
