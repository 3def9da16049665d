/** The held messages of a lost gateway come into this one's spool, from their copies; and a gateway that was not lost after all gives up what others have adopted. */
import { type BlobStore, notThere } from "./blobs/blob-store.ts";
import { explain, GatewayError, isGatewayError } from "./core/errors.ts";
import type { QueueId } from "./core/message.ts";
import type { Dissection } from "./core/outcome.ts";
import { isQueueId } from "./core/queue-id.ts";
import { type HeldFacts, unpacked } from "./held-bundle.ts";
import { heldContext, heldKey, heldPrefix } from "./held-copies.ts";
import type { Clock } from "./observe/clock.ts";
import type { Seal } from "./seal.ts";
import type { Journal, JournalEvent } from "./spool/journal.ts";
import type { Entry, Spool, Target } from "./spool/spool.ts";

export interface AdoptionOptions {
  /** Ours. */
  readonly node: string;
  readonly blobs: BlobStore;
  readonly seal: Seal;
  readonly spool: Spool;
  readonly journal: Journal;
  readonly clock: Clock;
}

export interface Adopted {
  readonly adopted: readonly QueueId[];
  /** Copies that cannot be read; they stay where they are. */
  readonly failed: readonly { readonly id: string; readonly why: string }[];
}

/** Says to the former owner, should it come back, whose the message is now. */
const takenPrefix = (node: string): string => `adopted/${node}/`;
const takenKey = (node: string, id: QueueId): string => takenPrefix(node) + id;
const takenContext = (node: string, id: QueueId): string => `adopted ${node} ${id}`;

async function* idsBelow(blobs: BlobStore, prefix: string): AsyncIterable<QueueId> {
  for await (const { key } of blobs.list(prefix)) {
    const id = key.slice(prefix.length);
    if (isQueueId(id)) yield id;
  }
}

const ifThere = <T>(found: Promise<T>): Promise<T | null> =>
  found.catch((error: unknown) => {
    if (isGatewayError(error, "SPOOL_NOT_THERE")) return null;
    throw error;
  });

async function note(
  { journal, clock }: AdoptionOptions,
  entry: Entry,
  event: JournalEvent,
  text: string,
): Promise<void> {
  const { queueId, reversePath, forwardPaths: paths } = entry.envelope;
  const forwardPaths = paths.map(({ address }) => address);
  const sha256 = (await entry.read<Dissection>("parts.json"))?.sha256 ?? null;
  const at = clock.now().toISOString();
  await journal.append({ at, event, queueId, forwardPaths, reversePath, sha256, size: entry.size, text }, "synced");
}

async function fill(entry: Entry, { files, delivery, review }: HeldFacts): Promise<void> {
  for (const [target, value] of Object.entries(files)) await entry.once(target as Target, () => value);
  if (delivery) await entry.record(delivery);
  for (const line of review) await entry.append(line);
}

/** On our disk when it resolves: whole, as it was held there. Throws SEAL_BROKEN, SPOOL_CORRUPT, SPOOL_FULL, BLOBS_UNAVAILABLE. */
async function bring({ blobs, seal, spool }: AdoptionOptions, from: string, id: QueueId): Promise<Entry> {
  const { facts, message, end } = await unpacked(seal.openAll(await blobs.get(heldKey(from, id)), heldContext(id)));
  try {
    if (facts.envelope.queueId !== id) throw notThere(heldKey(from, id));
    // The seal is whole once the message has been read to its end.
    const entry = await spool.arrive(facts.envelope, message);
    try {
      await fill(entry, facts);
      await entry.claim("quarantine");
      return entry;
    } catch (error) {
      await entry.remove();
      throw error;
    }
  } finally {
    await end();
  }
}

export type Tell = (entry: Entry, text: string) => Promise<void>;

/** In this order, so that a crash in between loses nothing, and the next try ends what this one began. */
async function adoptOne(options: AdoptionOptions, from: string, id: QueueId, tell: Tell, text: string): Promise<void> {
  const { blobs, seal, spool, node } = options;
  if (!(await blobs.stat(takenKey(from, id)))) {
    const entry = (await ifThere(spool.find(id))) ?? (await bring(options, from, id));
    await note(options, entry, "adopted", text);
    await tell(entry, text);
    const taken = seal.seal(Buffer.from(node), takenContext(from, id));
    await blobs.put(takenKey(from, id), taken.length, taken);
  }
  await blobs.remove(heldKey(from, id));
}

export interface Adopting {
  /** The rest of the gateway hears that it holds one more. */
  readonly tell: Tell;
  /** Rejects if it is no longer ours alone to adopt: asked before each message. */
  readonly hold: () => Promise<void>;
  /** For the journal. */
  readonly text: string;
}

/** Throws BLOBS_UNAVAILABLE, SPOOL_FULL, and what `hold` throws: what was adopted before stays so, and the same again goes on from there. */
export async function adopt(options: AdoptionOptions, from: string, { tell, hold, text }: Adopting): Promise<Adopted> {
  const adopted: QueueId[] = [];
  const failed: { id: string; why: string }[] = [];
  for await (const id of idsBelow(options.blobs, heldPrefix(from))) {
    await hold();
    try {
      await adoptOne(options, from, id, tell, text);
      adopted.push(id);
    } catch (error) {
      // The next one would fare no better.
      if (!isGatewayError(error) || error.temporary) throw error;
      failed.push({ id, why: explain(error) });
    }
  }
  return { adopted, failed };
}

/** Gives up a message of ours that another node has adopted. Says whether that was so. Throws BLOBS_UNAVAILABLE. */
export async function cedeIfTaken(options: AdoptionOptions, id: QueueId): Promise<boolean> {
  const { blobs, seal, spool, node } = options;
  const key = takenKey(node, id);
  if (!(await blobs.stat(key))) return false;
  const pieces: Uint8Array[] = [];
  for await (const piece of await blobs.get(key)) pieces.push(piece);
  const owner = seal.open(Buffer.concat(pieces), takenContext(node, id)).toString("utf8");
  const entry = await ifThere(spool.find(id));
  // On its way to be judged again: if it is held then, it is given up then.
  if (entry && entry.state !== "quarantine") return false;
  if (entry) {
    await note(options, entry, "ceded", `${owner} has adopted it`);
    await entry.remove();
  }
  await blobs.remove(key);
  return true;
}

/** To be called before anything held is acted upon. Returns how many were given up. */
export async function cedeAll(options: AdoptionOptions): Promise<number> {
  let count = 0;
  for await (const id of idsBelow(options.blobs, takenPrefix(options.node)))
    if (await cedeIfTaken(options, id)) count++;
  return count;
}

/** No `held` prefix but that of a node can be meant: throws USAGE. */
export function requireNode(name: unknown): string {
  if (typeof name === "string" && /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) return name;
  throw new GatewayError("USAGE", {
    node: String(name).slice(0, 80),
    remedy: "sallyport doctor --cluster shows the nodes",
  });
}
