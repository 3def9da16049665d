/** An index of the spool and the journal for lists and searches; may lag, may be rebuilt, never decides. Contract. */
import type { QueueId } from "../core/message.ts";
import type { Severity } from "../core/outcome.ts";
import type { State } from "../core/state.ts";
import type { Disposition } from "../core/verdict.ts";

export interface Summary {
  readonly queueId: QueueId;
  /** A spool state, or what became of a message that has left. */
  readonly state: Exclude<State, "arriving"> | "forwarded" | "rejected" | "discarded" | "bounced" | "expired";
  readonly arrivedAt: string;
  readonly route: string;
  readonly client: string;
  readonly reversePath: string;
  readonly forwardPaths: readonly string[];
  readonly subject: string;
  readonly size: number;
  readonly sha256: string;
  readonly disposition: Disposition["kind"] | null;
  readonly summary: "clean" | "found" | "incomplete" | null;
  readonly severity: Severity | null;
  /** Rules that matched, at most 50: first what the policy acted on (`incomplete.limit` for what was not seen to its end), then the worst. */
  readonly rules: readonly string[];
  /** Names of attachments and members, at most 100. */
  readonly names: readonly string[];
  /** SHA-256 of parts and members, at most 200. */
  readonly hashes: readonly string[];
  readonly reason: string;
}

export interface Listed extends Summary {
  /** The gateway in whose spool it lies, or lay. */
  readonly node: string;
}

/** All that is given must hold. Lists mean any of their items; an empty one holds for nothing. */
export interface Query {
  readonly states?: readonly Summary["state"][];
  readonly severities?: readonly Severity[];
  readonly dispositions?: readonly Disposition["kind"][];
  readonly nodes?: readonly string[];
  /** Of its first recipient. */
  readonly routes?: readonly string[];
  /** Words; each must occur in sender, recipients, subject, names or rules, and may go on there. */
  readonly text?: string;
  /** A piece of it, wherever it stands; case and accents do not count, and so for the three below. */
  readonly sender?: string;
  readonly recipient?: string;
  readonly subject?: string;
  /** Of an attachment or a member. */
  readonly fileName?: string;
  readonly rule?: string;
  /** Of the message, a part or a member. */
  readonly sha256?: string;
  readonly since?: string;
  readonly until?: string;
}

export interface Page {
  /** The last id of the page before. */
  readonly before?: QueueId;
  readonly limit: number;
}

/** `takeOver`: of a message that we have adopted. Without it the row of another node stays as it is. */
export interface RecordOptions {
  readonly takeOver?: boolean;
}

export interface Catalog {
  /** Inserts or replaces by queue id, as a message of our own node. Grouped; resolves once stored. */
  record(summary: Summary, options?: RecordOptions): Promise<void>;
  forget(id: QueueId): Promise<void>;
  get(id: QueueId): Promise<Listed | null>;
  /** Newest first, of all nodes. */
  find(where: Query, page: Page): Promise<readonly Listed[]>;
  counts(): Promise<Readonly<Partial<Record<Summary["state"], number>>>>;
  /** Removes what our own node has recorded, for a rebuild; it then counts as not filled. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** Is every row of ours there? Not of a catalog that was just made, nor of one whose filling was cut short. */
export interface Filling {
  isFilled(): Promise<boolean>;
  setFilled(): Promise<void>;
}
