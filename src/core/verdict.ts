/** The judgement with its reasons, enough to explain the decision years later. */
import type { Millis } from "./message.ts";
import type { Finding } from "./outcome.ts";
import type { Reply } from "./status.ts";

/** What happens to the message. Words of RFC 7489 (reject, quarantine) and RFC 5321 (forward = relay to the next hop). */
export type Disposition =
  | { readonly kind: "forward"; readonly tags: readonly string[] }
  | { readonly kind: "quarantine"; readonly reason: string }
  /** A copy without the parts that the reasons name goes on; the original is held. */
  | Strip
  /** Kept back for a time, then judged again. */
  | { readonly kind: "hold"; readonly reason: string; readonly forMs: Millis }
  | { readonly kind: "reject"; readonly reply: Reply<5> }
  | { readonly kind: "defer"; readonly reply: Reply<4> };

export interface Strip {
  readonly kind: "strip";
  readonly reason: string;
  /** What stands in the place of a part, with words in braces to be filled in; null: our own wording. */
  readonly notice: string | null;
  /** Signed and encrypted mail too, although nobody can verify or open it then. */
  readonly signed: boolean;
  /** What happens where nothing can be stripped, or what is left is not to be forwarded. */
  readonly otherwise: Extract<Disposition, { readonly kind: "quarantine" | "reject" }>;
}

/** Where a line of the policy stands. */
export interface PolicyPlace {
  /** As it was named in the configuration. */
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
}

/** Recipients that share a disposition. Several groups become one derived entry each. */
export interface Group {
  /** Addresses, in the order of RCPT. */
  readonly forwardPaths: readonly string[];
  readonly route: string;
  readonly disposition: Disposition;
  /** The findings that led here; empty for a clean message. */
  readonly because: readonly Finding[];
  /** The line of the policy that decided: its name, or "default". */
  readonly policyLine: string;
  /** Absent where no line of a policy decided (lists, bypass, crashes), and in verdicts of older versions. */
  readonly policyAt?: PolicyPlace;
  /** What would have been done in `mode: enforce`, where the route only observes. */
  readonly observed?: Disposition;
}

export interface Verdict {
  /** At least one; together they hold every forward-path exactly once. */
  readonly groups: readonly Group[];
  /** "clean", "found" or "incomplete": the worst that was seen, before any policy. */
  readonly summary: "clean" | "found" | "incomplete";
  readonly policyVersion: string;
  readonly ruleSet: string;
}
