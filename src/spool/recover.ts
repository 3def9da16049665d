/** What a start finds and puts in order, under the lock, before anyone else looks (the crash table of docs/architecture.md). */
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { explain, GatewayError, isGatewayError } from "../core/errors.ts";
import type { QueueId } from "../core/message.ts";
import { isQueueId } from "../core/queue-id.ts";
import type { Claimed } from "../core/state.ts";
import type { Log } from "../observe/log.ts";
import { type Durable, errnoOf, unfinished } from "./durable.ts";
import { readEntry, readOptional } from "./entry-files.ts";
import { formatFile, isDay, type Layout, spoolFormat } from "./layout.ts";

export interface Recovery {
  /** Left in `arriving`: never ours, the client sends again. */
  readonly swept: number;
  /** From `active` back to `incoming`. */
  readonly returned: number;
  /** Set aside because they cannot be read: each is a message that we took and cannot account for. */
  readonly corrupt: readonly { readonly id: QueueId; readonly state: Claimed; readonly why: string }[];
}

const atOnce = 16;

async function names(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** Ids of the entries in a folder, oldest first; whatever else lies there is none of ours. */
export const idsIn = async (folder: string): Promise<readonly QueueId[]> =>
  (await names(folder)).filter(isQueueId).sort();

export const daysIn = async (folder: string): Promise<readonly string[]> => (await names(folder)).filter(isDay).sort();

/** Throws SPOOL_FORMAT if a newer version has written here. */
export async function checkFormat(layout: Layout): Promise<boolean> {
  const found = await readOptional(layout.format);
  if (found === null) return false;
  const text = found.toString("latin1").trim();
  if (text === String(spoolFormat)) return true;
  throw new GatewayError("SPOOL_FORMAT", {
    found: text.slice(0, 20),
    known: spoolFormat,
    remedy: "start the version of Sallyport that wrote this spool, or let it empty the spool first",
  });
}

/** The folder and those above it, each made to stay. */
export async function makeRoot(durable: Durable, folder: string): Promise<void> {
  try {
    await durable.keepFolder(folder);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeRoot(durable, dirname(folder));
    await durable.keepFolder(folder);
  }
}

/** Moves an unreadable entry to `corrupt`, for a person to look at. */
export async function setAside(layout: Layout, durable: Durable, id: QueueId, state: Claimed): Promise<void> {
  const from = layout.entry(state, id);
  const to = layout.entry("corrupt", id);
  await durable.rename(from, to);
  await durable.syncParents(from, to);
}

async function sweep(layout: Layout, durable: Durable): Promise<number> {
  const arriving = layout.state("arriving");
  const left = await readdir(arriving, { withFileTypes: true });
  for (const found of left)
    if (found.isDirectory()) await durable.discard(join(arriving, found.name));
    else await durable.removeFiles(arriving, [found.name]);
  return left.length;
}

/** Null if the entry is whole; files that were being made are removed on the way. */
async function fault(layout: Layout, durable: Durable, id: QueueId, state: Claimed): Promise<string | null> {
  const folder = layout.entry(state, id);
  try {
    await readEntry(folder, id);
    const left = (await names(folder)).filter((name) => name.endsWith(unfinished));
    if (left.length > 0) await durable.removeFiles(folder, left);
    return null;
  } catch (error) {
    if (isGatewayError(error, "SPOOL_CORRUPT")) return explain(error);
    throw error;
  }
}

/** All of `active` goes back, as Postfix's queue manager does it; one sync for all of them. */
async function putBack(layout: Layout, durable: Durable): Promise<{ returned: number; twice: readonly QueueId[] }> {
  const twice: QueueId[] = [];
  const found = await idsIn(layout.state("active"));
  for (const id of found)
    try {
      await durable.rename(layout.entry("active", id), layout.entry("incoming", id));
    } catch (error) {
      // In both states: no crash leaves that, a restored backup may. One goes on, the other is shown to a person.
      if (!["ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) throw error;
      twice.push(id);
    }
  if (found.length > 0)
    await durable.syncParents(join(layout.state("active"), "any"), join(layout.state("incoming"), "any"));
  return { returned: found.length - twice.length, twice };
}

async function check(layout: Layout, durable: Durable, state: Claimed): Promise<Recovery["corrupt"]> {
  const corrupt: { id: QueueId; state: Claimed; why: string }[] = [];
  const ids = (await idsIn(layout.state(state))).values();
  const worker = async (): Promise<void> => {
    for (const id of ids) {
      const why = await fault(layout, durable, id, state);
      if (why === null) continue;
      await setAside(layout, durable, id, state);
      corrupt.push({ id, state, why });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return corrupt;
}

export async function recover(layout: Layout, durable: Durable, log: Log): Promise<Recovery> {
  const isKnown = await checkFormat(layout);
  await Promise.all(layout.folders.map((folder) => durable.keepFolder(folder)));
  if (!isKnown) await durable.replace(layout.root, formatFile, Buffer.from(`${spoolFormat}\n`));
  const swept = await sweep(layout, durable);
  const { returned, twice } = await putBack(layout, durable);
  const corrupt = twice.map((id) => ({ id, state: "active" as const, why: "also in incoming" }));
  for (const { id, state } of corrupt) await setAside(layout, durable, id, state);
  // Held messages are checked when somebody opens them: there may be hundreds of thousands.
  const unreadable = [...(await check(layout, durable, "incoming")), ...(await check(layout, durable, "deferred"))];
  const held = layout.state("quarantine");
  for (const day of await daysIn(held)) await durable.removeEmpty(join(held, day));
  for (const { id, state, why } of unreadable)
    log.error("corrupt", { queue_id: id, state_from: state, error_cause: why });
  return { swept, returned, corrupt: [...corrupt, ...unreadable] };
}
