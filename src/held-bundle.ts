/** A held message as one stream of octets, for the blob store: a line of JSON with everything but the message, then the message. */
import { GatewayError } from "./core/errors.ts";
import type { Bytes, Envelope } from "./core/message.ts";
import type { Delivery, Entry, ReviewLine, Target } from "./spool/spool.ts";

const version = 1;
const targets = ["parts.json", "inspection.json", "verdict.json", "release.json"] as const satisfies readonly Target[];

export interface HeldFacts {
  readonly version: number;
  readonly envelope: Envelope;
  readonly files: Partial<Record<Target, unknown>>;
  readonly delivery: Delivery | null;
  readonly review: readonly ReviewLine[];
}

const lineEnd = 10;
/** Results of a message are bounded by their limits; what is longer is none of ours. */
const longestHead: Bytes = 256 * 2 ** 20;

/** Throws SPOOL_NOT_THERE, SPOOL_CORRUPT. */
export async function headOf(entry: Entry): Promise<Buffer> {
  const files: Partial<Record<Target, unknown>> = {};
  for (const target of targets) {
    const value = await entry.read(target);
    if (value !== null) files[target] = value;
  }
  const delivery = await entry.read<Delivery>("delivery.json");
  const facts: HeldFacts = { version, envelope: entry.envelope, files, delivery, review: await entry.review() };
  return Buffer.from(`${JSON.stringify(facts)}\n`);
}

export async function* packed(head: Buffer, entry: Entry): AsyncIterable<Uint8Array> {
  yield head;
  yield* entry.octets();
}

async function* restOf(first: Uint8Array, octets: AsyncIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  if (first.length > 0) yield first;
  for (let next = await octets.next(); next.done !== true; next = await octets.next()) yield next.value;
}

export interface Unpacked {
  readonly facts: HeldFacts;
  readonly message: AsyncIterable<Uint8Array>;
  /** To be called when the message has been read, or will not be: a file may be open behind it. */
  end(): Promise<void>;
}

const unreadable = (why: string): GatewayError => new GatewayError("SPOOL_CORRUPT", { file: "copy", why });

function factsIn(line: Buffer): HeldFacts {
  const facts = JSON.parse(line.toString("utf8")) as HeldFacts;
  if (facts.version !== version) throw unreadable(`version ${String(facts.version)} is unknown`);
  return facts;
}

/** The octets must be read to their end before anything is believed. Throws SPOOL_CORRUPT. */
export async function unpacked(octets: AsyncIterable<Uint8Array>): Promise<Unpacked> {
  const iterator = octets[Symbol.asyncIterator]();
  const end = async (): Promise<void> => void (await iterator.return?.());
  try {
    return { ...(await begin(iterator)), end };
  } catch (error) {
    await end();
    throw error;
  }
}

async function begin(iterator: AsyncIterator<Uint8Array>): Promise<Omit<Unpacked, "end">> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    const end = next.value.indexOf(lineEnd);
    pieces.push(end < 0 ? next.value : next.value.subarray(0, end));
    size += next.value.length;
    if (end >= 0)
      return { facts: factsIn(Buffer.concat(pieces)), message: restOf(next.value.subarray(end + 1), iterator) };
    if (size > longestHead) break;
  }
  throw unreadable("no line with its facts");
}
