/** How a message is cut so that some of its parts are gone; all other octets stay as they are. */
import type { Bytes } from "./message.ts";

/** Octets that go. */
export interface Edit {
  readonly start: Bytes;
  readonly end: Bytes;
  /** What comes in their place: nothing; a part of ours, its fields and its text; or that as the body of a message, whose header stands in front. */
  readonly put: "nothing" | "part" | "body";
  /** Paths of the parts that go, of those that were asked for. */
  readonly parts: readonly string[];
}

export interface Cutting {
  /** In the order of the message, none touching another; empty if it cannot be done. */
  readonly edits: readonly Edit[];
  /** Something that goes lies within what is signed or encrypted: nobody could verify or open the rest. */
  readonly signed: boolean;
  /** Why it cannot be done; "" if it can. */
  readonly refusal: string;
}
