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
  /** Rules that matched, at most 50. */
  readonly rules: readonly string[];
  /** Names of attachments and members, at most 100. */
  readonly names: readonly string[];
  /** SHA-256 of parts and members, at most 200. */
  readonly hashes: readonly string[];
  readonly reason: string;
}

export interface Query {
  readonly states?: readonly Summary["state"][];
  /** Words; each must occur in sender, recipients, subject, names or rules. */
  readonly text?: string;
  readonly rule?: string;
  readonly sha256?: string;
  readonly since?: string;
}

export interface Catalog {
  /** Inserts or replaces by queue id. Grouped; resolves once stored. */
  record(summary: Summary): Promise<void>;
  forget(id: QueueId): Promise<void>;
  get(id: QueueId): Promise<Summary | null>;
  /** Newest first; `before` is the last id of the previous page. */
  find(where: Query, page: { readonly before?: QueueId; readonly limit: number }): Promise<readonly Summary[]>;
  counts(): Promise<Readonly<Partial<Record<Summary["state"], number>>>>;
  /** Empties the index, for a rebuild. */
  clear(): Promise<void>;
  close(): Promise<void>;
}
