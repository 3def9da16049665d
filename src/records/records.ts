/** What people decide that is not about one message: allow and block entries, disabled rules, the bypass. No cache: backed up, never touched by a rebuild. Contract. */
import type { Accounts } from "./accounts.ts";
import type { Audit } from "./audit.ts";

export type ListKind = "allow" | "block";
export type ListSubject = "hash" | "sender" | "recipient";

export interface ListEntry {
  readonly id: number;
  readonly kind: ListKind;
  readonly subject: ListSubject;
  /** SHA-256 in lower case; an address or "@domain" in lower case. */
  readonly value: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
  /** RFC 3339, or null for ever. */
  readonly expires: string | null;
}

export interface Bypass {
  readonly until: string;
  readonly by: string;
  readonly reason: string;
  /** Names of routes; empty means all. */
  readonly routes: readonly string[];
}

/** A frozen picture of all that is in force, cheap to take, handed to the pure stages. */
export interface ListSnapshot {
  readonly entries: readonly ListEntry[];
  readonly disabledRules: readonly string[];
  readonly bypass: Bypass | null;
}

export interface Records {
  readonly accounts: Accounts;
  readonly audit: Audit;
  add(entry: Omit<ListEntry, "id" | "at">): Promise<ListEntry>;
  /** False if there was none. */
  remove(kind: ListKind, subject: ListSubject, value: string): Promise<boolean>;
  list(kind?: ListKind): Promise<readonly ListEntry[]>;
  disableRule(rule: string, by: string, reason: string): Promise<void>;
  enableRule(rule: string): Promise<boolean>;
  disabledRules(): Promise<
    readonly { readonly rule: string; readonly by: string; readonly reason: string; readonly at: string }[]
  >;
  setBypass(bypass: Bypass | null): Promise<void>;
  /** Expired entries left out; synchronous, from memory, re-read when another process has written. */
  snapshot(): ListSnapshot;
  close(): Promise<void>;
}
