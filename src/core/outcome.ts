/** What dissecting and inspecting say of a message. "incomplete" is never "clean". */
import type { Bytes, HeaderSummary, Millis, Part, Sha256 } from "./message.ts";
import type { Words } from "./password.ts";

export const severities = ["info", "low", "medium", "high", "critical"] as const;
export type Severity = (typeof severities)[number];

/** Where a pattern of a rule matched. */
export interface PatternMatch {
  /** "$a" */
  readonly pattern: string;
  readonly offset: Bytes;
  readonly length: Bytes;
}

export interface Finding {
  /** Path of the part. */
  readonly part: string;
  readonly inspector: string;
  /** Id of the rule, stable over renames: "pack.rule" for YARA, "name.double-extension" for our own checks. */
  readonly rule: string;
  readonly severity: Severity;
  readonly tags: readonly string[];
  /** One sentence for people; may quote the sender's text (escaped where shown). At most 300 characters. */
  readonly text: string;
  /** At most 16. */
  readonly matches?: readonly PatternMatch[];
  /** Author, reference, licence … as the rule states them. */
  readonly meta?: Readonly<Record<string, string | number | boolean>>;
}

/** Why something could not be looked at to its end. */
export const incompletes = ["malformed", "encrypted", "limit", "timeout", "crashed", "unsupported"] as const;
export type Incomplete = (typeof incompletes)[number];

/** What one inspector, extractor or the dissector says of one part. There is no fourth answer. */
export type Outcome = { readonly part: string; readonly inspector: string } & (
  | { readonly kind: "clean" }
  | { readonly kind: "found"; readonly findings: readonly Finding[] }
  | { readonly kind: "incomplete"; readonly why: Incomplete; readonly text: string }
);

/** The message taken apart by its MIME structure. `parts[0]` is the whole message. */
export interface Dissection {
  readonly parts: readonly Part[];
  /** Of inspector "dissect"; empty when all was read without doubt. */
  readonly outcomes: readonly Outcome[];
  readonly header: HeaderSummary;
  readonly sha256: Sha256;
  readonly size: Bytes;
}

/** What a job says of one part and of all that was found inside it. Paths are relative: "" is the part, "/2" its second member. */
export interface PartReport {
  /** Identified media types of the part itself. */
  readonly types: readonly string[];
  readonly members: readonly Part[];
  readonly outcomes: readonly Outcome[];
  readonly spent: { readonly members: number; readonly bytes: Bytes; readonly ms: Millis };
  /** Milliseconds by inspector and extractor. */
  readonly timings: Readonly<Record<string, Millis>>;
  /** Inspector → version, as it ran. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The answer to a dissect job: reports, by path, of the parts that were examined ahead; and words that may be passwords. */
export type Dissected = Dissection & {
  readonly ahead?: Readonly<Record<string, PartReport>>;
  /** Never kept with the message. */
  readonly words?: Words;
};

/** All that is known of one message; paths are absolute. */
export interface Inspection {
  /** The dissected parts with their identified types, then the members found inside them. */
  readonly parts: readonly Part[];
  readonly outcomes: readonly Outcome[];
  readonly versions: Readonly<Record<string, string>>;
  readonly ruleSet: string;
  /** The number under which rules and policy were published; absent where each machine has its own. */
  readonly release?: number;
  /** Parts whose report came from the verdict cache. */
  readonly cached: number;
  readonly elapsedMs: Millis;
}
