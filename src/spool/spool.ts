/**
 * The only truth about messages. A message is ours if and only if its folder is outside `arriving/`; its state is the folder.
 * Contract; the implementation is disk-spool.ts, the suite test/contract/spool.ts.
 */
import type { Content } from "../core/job.ts";
import type { Bytes, Envelope, QueueId, Sha256 } from "../core/message.ts";
import type { Claimed, State } from "../core/state.ts";

/** Files made whole, once, and never edited. */
export type Target = "parts.json" | "inspection.json" | "verdict.json" | "release.json" | "strip.json";

/** One message. Claim, once(), record() and moves of one entry exclude each other; paths are resolved under that mutex. */
export interface Entry {
  readonly id: QueueId;
  readonly envelope: Envelope;
  readonly size: Bytes;
  /** Where it is now; changes with claim() and move(). "gone" after remove(). */
  readonly state: State | "gone";
  /** The octets as received, un-stuffed, CRLF line ends, without our trace field. Valid until the next claim or move. */
  content(): Content;
  /** The same octets in pieces, for sending; goes on over a claim or a move. */
  octets(): AsyncIterable<Uint8Array>;
  /** Takes responsibility: syncs every file, renames out of `arriving`, syncs both parents. Does nothing if it was claimed before. Throws SPOOL_FULL, SPOOL_UNWRITABLE (temporary; the entry is then gone for good, R11). */
  claim(to: Exclude<Claimed, "corrupt">): Promise<void>;
  /** One rename and the sync of both parents. Throws SPOOL_NOT_THERE if another owner was faster. */
  move(to: Claimed): Promise<void>;
  /** Forgets the message. In `arriving` nothing is synced. */
  remove(): Promise<void>;
  /** Returns the file's value if it exists; otherwise makes, stores and returns it. While arriving, it is kept in memory. */
  once<T>(file: Target, make: () => T | Promise<T>): Promise<T>;
  /** The file's value, or null. */
  read<T>(file: Target | "delivery.json"): Promise<T | null>;
  /** Undoes a step and all later ones, for a rescan. */
  forget(file: Target): Promise<void>;
  /** Replaces `delivery.json` whole. Synced once the entry is claimed. */
  record(delivery: Delivery): Promise<void>;
  /** Appends a line to `review.ndjson` and syncs it. */
  append(line: ReviewLine): Promise<void>;
  review(): Promise<readonly ReviewLine[]>;
  /** Both claimed: if their octets are equal, they take room once from then on. False if they are not, or if the other one has moved meanwhile. */
  shareOctets(other: Entry): Promise<boolean>;
}

/** How far forwarding has come, per forward-path. */
export interface Delivery {
  /** Begun judgements and transactions since the claim; written before each (R12). */
  readonly attempts: number;
  /** RFC 3339; when to try next. */
  readonly nextAttempt: string | null;
  /** When forwarding is given up, RFC 3339. */
  readonly expires: string | null;
  /** "mark": a judgement is under way and would count as a crash if it is still set at the next start. */
  readonly judging: boolean;
  readonly crashes: number;
  readonly paths: Readonly<Record<string, PathDelivery>>;
  /** Set before the first of the messages that this one is split into appears: however it is judged after a crash, it is split in this way. */
  readonly split?: readonly SplitPart[];
  /** Set before the stripped copy appears: after a crash it is not made twice, and the original is held whatever it is judged to be by then. */
  readonly stripped?: QueueId;
}

export interface SplitPart {
  readonly id: QueueId;
  readonly forwardPaths: readonly string[];
}

export interface PathDelivery {
  readonly state: "pending" | "sent" | "failed";
  readonly reply: string;
  readonly at: string;
  /** The journal has its line, and its sender the DSN if one is due: a start after a crash need not see to that. */
  readonly told?: boolean;
}

export interface ReviewLine {
  readonly at: string;
  readonly by: string;
  readonly what: "released" | "discarded" | "rescanned" | "commented";
  readonly why: string;
  readonly forwardPaths?: readonly string[];
  readonly released?: QueueId;
}

/** Release makes a new entry; this says why it exists, and dispose obeys it before any verdict. */
export interface Release {
  readonly from: QueueId;
  /** Mail of our own about `from`: nobody has released anything. */
  readonly notice?: true;
  readonly by: string;
  readonly why: string;
  readonly at: string;
}

/** A message without some of its parts, made from a held one: why it exists, and what was removed. */
export interface Stripped {
  readonly from: QueueId;
  readonly policyLine: string;
  readonly removed: readonly Removed[];
}

export interface Removed {
  readonly path: string;
  readonly names: readonly string[];
  readonly types: readonly string[];
  readonly size: Bytes;
  readonly sha256: Sha256;
}

export interface NewEntry {
  readonly envelope: Envelope;
  /** Written into the new entry before it is claimed. */
  readonly files?: Partial<Record<Target, unknown>>;
}

export interface Spool {
  /** Into `arriving`: in memory up to the limit, then in a file. Throws SPOOL_FULL, SPOOL_UNWRITABLE (temporary); passes on what `content` throws, leaving nothing behind. */
  arrive(envelope: Envelope, content: AsyncIterable<Uint8Array>): Promise<Entry>;
  /** A new, claimed entry with the same octets (hard link). If one with this id exists anywhere, that one is returned: release and splitting are safe to repeat. */
  derive(from: Entry, made: NewEntry, to: "incoming" | "quarantine" | "deferred"): Promise<Entry>;
  /** Throws SPOOL_NOT_THERE, SPOOL_CORRUPT. */
  open(id: QueueId, state: Claimed): Promise<Entry>;
  /** Looks through all claimed states. Throws SPOOL_NOT_THERE. */
  find(id: QueueId): Promise<Entry>;
  /** Sorted by arrival. */
  list(state: State): AsyncIterable<QueueId>;
  count(state: State): Promise<number>;
  /** Free bytes above the watermark; negative below it. */
  room(): Promise<Bytes>;
  /** Throws SPOOL_FULL if `bytes` more would go below the watermark. */
  reserve(bytes: Bytes): Promise<Disposable>;
  newId(): QueueId;
  close(): Promise<void>;
}
