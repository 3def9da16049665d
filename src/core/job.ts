/** What is asked of workers: jobs carry references and small content, never more. */
import type { Bytes, Envelope, Millis, Part, View } from "./message.ts";
import type { Cutting } from "./cutting.ts";
import type { MessageView } from "./message-view.ts";
import type { Dissected, PartReport } from "./outcome.ts";
import type { Password } from "./password.ts";

/** Octets that stay put while a job looks at them: small ones travel with the job, large ones lie in a file of the spool. */
export type Content =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly file: string; readonly size: Bytes };

export interface DissectLimits {
  readonly parts: number;
  readonly depth: number;
  readonly headerBytes: Bytes;
}

/** Constant limits of one job; the purse of the whole message is kept by `inspect`. Counted on octets really produced. */
export interface InspectLimits {
  readonly members: number;
  readonly bytes: Bytes;
  readonly memberBytes: Bytes;
  readonly depth: number;
  /** Produced : given, above the first MiB. */
  readonly ratio: number;
}

/** What of a message is always new (the message itself, its bodies) may be examined in the go that dissects it: one round trip instead of several. */
export interface Ahead {
  readonly envelope: Pick<Envelope, "reversePath" | "forwardPaths">;
  readonly direction: string;
  readonly limits: InspectLimits;
  readonly ruleSet: string;
}

export interface DissectJob {
  readonly kind: "dissect";
  readonly id: string;
  readonly content: Content;
  readonly limits: DissectLimits;
  readonly deadlineMs: Millis;
  /** As in InspectJob. */
  readonly priority?: number;
  readonly ahead?: Ahead;
}

/** External variables of YARA, by name. */
export type Externals = Readonly<Record<string, string | number | boolean>>;

export interface InspectJob {
  readonly kind: "inspect";
  /** The key of the verdict cache; equal ids in flight share one result. */
  readonly id: string;
  readonly content: Content;
  readonly view: View;
  readonly part: Part;
  readonly externals: Externals;
  /** To be tried on what is encrypted; of a part that stayed closed without. */
  readonly passwords?: readonly Password[];
  /** A worker that has another rule set refuses the job. */
  readonly ruleSet: string;
  readonly limits: InspectLimits;
  readonly deadlineMs: Millis;
  /** Where others wait as well: none (a client or a person waits) before 5 (mail that is ours already) before 10 (back-tests). */
  readonly priority?: number;
}

/** Of what a person is shown. */
export interface ViewLimits {
  readonly parts: number;
  readonly headerChars: number;
  /** Of the text, and again of the HTML reduced to text. */
  readonly textChars: number;
}

/** The message as a mail program would show it; asked for by a person. */
export interface ViewJob {
  readonly kind: "view";
  readonly id: string;
  readonly content: Content;
  readonly limits: ViewLimits;
  readonly deadlineMs: Millis;
}

/** A part to be cut out, as the dissector has found it. */
export type Target = Pick<Part, "path" | "role"> & { readonly view: View };

/** Where to cut, so that parts of a message are gone: asked for by the policy. */
export interface StripJob {
  readonly kind: "strip";
  readonly id: string;
  readonly content: Content;
  /** At least one. */
  readonly targets: readonly Target[];
  readonly limits: DissectLimits;
  readonly deadlineMs: Millis;
}

export type Job = DissectJob | InspectJob | ViewJob | StripJob;
export type JobResult = Dissected | PartReport | MessageView | Cutting;
