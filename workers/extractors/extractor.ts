/** Opens one kind of container. Yields members in stored order; never writes to a path taken from the archive. Contract. */
import type { Artefact, Bytes, Part } from "../../src/core/message.ts";
import type { Incomplete, Severity } from "../../src/core/outcome.ts";
import type { PasswordSource } from "../../src/core/password.ts";
import type { Keyring } from "../keyring.ts";

/** One purse per job. Throws Stop("limit") before the cost is paid; counts octets really produced, never declared ones. */
export interface Budget {
  spend(cost: { readonly members?: number; readonly bytes?: Bytes }): void;
  /** How many more bytes one member may have: the least of all limits that are left. */
  readonly memberRoom: Bytes;
  readonly spent: { readonly members: number; readonly bytes: Bytes };
}

export interface Member {
  /** Every candidate name, the most plausible first. */
  readonly names: readonly string[];
  readonly declaredTypes: readonly string[];
  readonly bytes: Uint8Array;
  /** It was encrypted, and a password from there opens it. */
  readonly opened?: PasswordSource;
}

/** Why an extractor could not go on. What was yielded before stays valid; the outcome is *incomplete*. */
export class Stop extends Error {
  readonly why: Incomplete;
  /** Names that could be read although the content could not (an encrypted zip). */
  readonly names: readonly string[];
  constructor(why: Incomplete, text: string, names: readonly string[] = []) {
    super(text);
    this.why = why;
    this.names = names;
  }
}

/** A member that could not be opened although the rest could: reported, never skipped. Without names: something is wrong with the container itself. */
export interface Closed {
  readonly names: readonly string[];
  /** Its octets as they lie in the container, where they can be told. */
  readonly bytes?: Uint8Array;
  readonly why: Incomplete;
  readonly text: string;
}

/** Something odd about the container itself, although all of it could be read: becomes a finding on it. */
export interface Odd {
  readonly rule: string;
  readonly severity: Severity;
  readonly tags?: readonly string[];
  readonly text: string;
}

/** Made from the part for rules to read: never a file of the sender's, so it has no name to judge and is not opened. Paid for like a member. */
export interface Derived {
  readonly artefact: Artefact;
  /** In UTF-8. */
  readonly bytes: Uint8Array;
  /** As of a member. */
  readonly opened?: PasswordSource;
}

export type Yielded = Member | Closed | Odd | Derived;

export interface Extractor {
  readonly name: string;
  readonly version: string;
  wants(part: Part, bytes: Uint8Array): boolean;
  /** Throws Stop, nothing else for any octets whatever. Spends for each member and its octets before yielding it. */
  extract(part: Part, bytes: Uint8Array, budget: Budget, keyring?: Keyring): Iterable<Yielded>;
}
