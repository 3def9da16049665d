/** What a person is shown of a held message: text only, bounded, every character of it the sender's. */
import type { Bytes } from "./message.ts";
import type { Incomplete } from "./outcome.ts";

export interface HeaderField {
  /** As written; "" for a line without a colon. */
  readonly name: string;
  /** Unfolded, encoded-words decoded (RFC 2047). */
  readonly value: string;
}

export interface SeenAttachment {
  /** "" without a name. */
  readonly name: string;
  /** As declared, or as the name's ending suggests. */
  readonly type: string;
  /** Decoded octets. */
  readonly size: Bytes;
  /** Shown inside the text: a picture of an HTML body. */
  readonly related: boolean;
}

/** The message as a mail program would show it. */
export interface MessageView {
  /** In the message's order. */
  readonly fields: readonly HeaderField[];
  /** The plain-text bodies, one after the other. */
  readonly text: string;
  /** The HTML bodies reduced to text, with the targets of their links. */
  readonly html: string;
  readonly attachments: readonly SeenAttachment[];
  /** What is left out for its size, a sentence each. */
  readonly cut: readonly string[];
  /** Set where the reader came to no end: what is above is all that it saw until then. */
  readonly incomplete: { readonly why: Incomplete; readonly text: string } | null;
}
