/** The nouns of a message: who sent it to whom, and the tree of what is in it. */
import type { PasswordSource } from "./password.ts";

declare const brand: unique symbol;
type Brand<T, Name> = T & { readonly [brand]: Name };

/** 26 characters, sorts by arrival, never used twice. */
export type QueueId = Brand<string, "QueueId">;
/** 64 lower-case hexadecimal digits. */
export type Sha256 = Brand<string, "Sha256">;
export type Bytes = number;
export type Millis = number;

/** The SMTP client that brought the message; with XCLIENT or PROXY what that said. */
export interface Client {
  readonly address: string;
  readonly port: number;
  /** The name that a trusted client told us (XCLIENT, XFORWARD), else null: we ask no DNS. */
  readonly name: string | null;
  readonly helo: string;
  /** As in the trace field, RFC 3848: SMTP, ESMTP, ESMTPS, with UTF8 in front for RFC 6531. */
  readonly protocol: string;
  /** "TLSv1.3 TLS_AES_256_GCM_SHA384", or null without TLS. */
  readonly tls: string | null;
}

/** One address after RCPT TO, and the route (its name in the configuration) that took it. */
export interface ForwardPath {
  readonly address: string;
  readonly route: string;
}

/** What SMTP said about the message, not what the message says of itself. RFC 5321 §2.3.1. */
export interface Envelope {
  readonly queueId: QueueId;
  readonly sessionId: string;
  readonly client: Client;
  /** "" is the null reverse-path, RFC 5321 §4.5.5. */
  readonly reversePath: string;
  /** At least one, in the order of RCPT. */
  readonly forwardPaths: readonly ForwardPath[];
  readonly extensions: { readonly eightBitMime: boolean; readonly smtpUtf8: boolean };
  /** RFC 3339, UTC. */
  readonly arrivedAt: string;
  /** Our Received field, RFC 5321 §4.4, folded, with its last CRLF; goes on top when the message leaves. */
  readonly trace: string;
}

/** Those of RFC 2045 §6 and of other networks; `-joined`, `-groups`, `-url`, `-bare`, `-strict` are what some readers make of damaged ones, `-resource` is the other fork. */
export type TransferEncoding =
  | "identity"
  | "base64"
  | "base64-joined"
  | "base64-groups"
  | "base64-url"
  | "quoted-printable"
  | "quoted-printable-bare"
  | "quoted-printable-strict"
  | "uuencode"
  | "yenc"
  | "binhex"
  | "binhex-resource";

/** Where in the message the octets of a part are, and how they are wrapped. */
export interface View {
  readonly offset: Bytes;
  readonly length: Bytes;
  readonly encoding: TransferEncoding;
  /** Octets in it that are left out, in ascending order: of the whole message, what is shown decoded, as parts of its own. */
  readonly omitted?: readonly Span[];
}

/** A stretch of a view, counted from its start. */
export interface Span {
  readonly start: Bytes;
  readonly end: Bytes;
}

/** `message`: the whole, as received. `body`: text or HTML to be read. `attachment`: all other leaves. `message/rfc822`: an attached one. `member`: found inside a part. `artefact`: made by us from a part for rules to read. */
export type Role = "message" | "body" | "attachment" | "attached-message" | "member" | "artefact";

/** What an artefact is: text in UTF-8 that says in plain words what the part says in its own encoding. */
export const artefacts = ["macro", "script", "text", "urls", "members", "commands"] as const;
export type Artefact = (typeof artefacts)[number];

/**
 * One node of the tree. Several readings of the same octets are several parts (their paths end in `~2`, `~3` …).
 * Names and declared types are sets of claims by the sender, never facts: RFC 2183 §2.3, RFC 2045 §5.
 */
export interface Part {
  /** "0" is the whole message, "1.2" a body part, "1.2/3" the third member of that archive. Unique in the message. */
  readonly path: string;
  readonly role: Role;
  readonly sha256: Sha256;
  /** Of the decoded octets. */
  readonly size: Bytes;
  /** Every candidate name, the most plausible first; decoded, never used as a path on disk. */
  readonly names: readonly string[];
  /** Every declared media type, lower case, without parameters, the most plausible first. */
  readonly declaredTypes: readonly string[];
  /** Identified media types: what the octets are. Empty before inspection. */
  readonly types: readonly string[];
  /** Null for members: their octets exist only while a job runs. */
  readonly view: View | null;
  /** Of members: it lay behind a password, which came from there; so did all that is inside. */
  readonly opened?: PasswordSource;
  /** Of artefacts: what was made, and the path of the part it was made from. */
  readonly derived?: { readonly kind: Artefact; readonly from: string };
}

/** Fields of the header that people search by; decoded, cut at 1,000 characters, never trusted. */
export interface HeaderSummary {
  readonly subject: string;
  readonly from: string;
  readonly to: string;
  readonly messageId: string;
  readonly date: string;
}
