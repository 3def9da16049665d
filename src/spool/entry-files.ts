/** Reads the files of an entry, and says whether they can be trusted to be whole. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { GatewayError } from "../core/errors.ts";
import type { Bytes, Envelope, QueueId } from "../core/message.ts";
import { errnoOf } from "./durable.ts";
import { asSpoolError } from "./faults.ts";
import { envelopeFile, formatFile, messageFile, spoolFormat } from "./layout.ts";
import type { ReviewLine } from "./spool.ts";

const corrupt = (id: string, file: string, why: string, cause?: unknown): GatewayError =>
  new GatewayError("SPOOL_CORRUPT", { queue_id: id, file, why }, cause);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const toBytes = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** Null if there is no such file, or no such folder. */
export async function readOptional(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** The value in a file of the entry, or null. Throws SPOOL_CORRUPT. */
export async function readValue(folder: string, id: QueueId, file: string): Promise<unknown> {
  const bytes = await readOptional(join(folder, file)).catch((error: unknown) => {
    throw asSpoolError(error, { queue_id: id, file });
  });
  if (bytes === null) return null;
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch (error) {
    throw corrupt(id, file, "no JSON", error);
  }
}

const isPath = (path: unknown): boolean =>
  isRecord(path) && typeof path["address"] === "string" && typeof path["route"] === "string";

function isEnvelope(value: unknown): value is Envelope {
  if (!isRecord(value)) return false;
  const { client, forwardPaths, extensions } = value;
  const texts = ["queueId", "sessionId", "reversePath", "arrivedAt", "trace"];
  return (
    texts.every((name) => typeof value[name] === "string") &&
    isRecord(client) &&
    isRecord(extensions) &&
    Array.isArray(forwardPaths) &&
    forwardPaths.length > 0 &&
    forwardPaths.every(isPath)
  );
}

/** Envelope and size of a claimed entry, or null if its folder is not there. Throws SPOOL_CORRUPT. */
export async function readEntry(
  folder: string,
  id: QueueId,
): Promise<{ readonly envelope: Envelope; readonly size: Bytes } | null> {
  const format = await readOptional(join(folder, formatFile));
  if (format === null) {
    if ((await stat(folder).catch(() => null)) === null) return null;
    throw corrupt(id, formatFile, "not there");
  }
  if (format.toString("latin1").trim() !== String(spoolFormat)) throw corrupt(id, formatFile, "unknown");
  const envelope = await readValue(folder, id, envelopeFile);
  if (!isEnvelope(envelope) || envelope.queueId !== id)
    throw corrupt(id, envelopeFile, "not the envelope of this entry");
  const message = await stat(join(folder, messageFile)).catch((error: unknown) => {
    throw errnoOf(error) === "ENOENT" ? corrupt(id, messageFile, "not there", error) : error;
  });
  if (!message.isFile()) throw corrupt(id, messageFile, "not a file");
  return { envelope, size: message.size };
}

/** Lines that were acknowledged; a piece that a power cut left behind was not, and is passed over. */
export function parseReview(bytes: Buffer): readonly ReviewLine[] {
  const lines: ReviewLine[] = [];
  for (const text of bytes.toString("utf8").split("\n")) {
    try {
      const value: unknown = JSON.parse(text);
      if (isRecord(value) && typeof value["what"] === "string") lines.push(value as unknown as ReviewLine);
    } catch {
      // Empty after the last line end, or torn.
    }
  }
  return lines;
}
