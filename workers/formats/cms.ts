/** Objects of the Cryptographic Message Syntax: what kind they are, and the content that they wrap around. RFC 5652, RFC 3274, RFC 5083 */
import { children, type Element, octetsOf, readElement, tags } from "./ber.ts";

export type CmsKind = "data" | "signed" | "enveloped" | "compressed" | "authenticated";

/** Content of the object identifiers. */
const kinds: Readonly<Record<string, CmsKind>> = {
  "2a864886f70d010701": "data",
  "2a864886f70d010702": "signed",
  "2a864886f70d010703": "enveloped",
  // Signed and enveloped at once: of PKCS #7 only. RFC 2315 §11
  "2a864886f70d010704": "enveloped",
  "2a864886f70d010705": "authenticated",
  "2a864886f70d010706": "enveloped",
  "2a864886f70d0109100102": "authenticated",
  "2a864886f70d0109100109": "compressed",
  "2a864886f70d0109100117": "enveloped",
};

export interface Cms {
  readonly kind: CmsKind;
  /** Gives the octets before compression is undone; null if they are not sent along, or are sealed. */
  readonly content: (() => Buffer) | null;
  /** It breaks off. */
  readonly cut: boolean;
}

const nameOf = (bytes: Buffer, { tag, start, end }: Element): string =>
  tag === tags.oid ? bytes.toString("hex", start, Math.min(end, start + 32)) : "";

/** The string in `[0] EXPLICIT`; PKCS #7 allows any element there. RFC 2315 §7 */
function explicitContent(bytes: Buffer, wrapper: Element): Pick<Cms, "content" | "cut"> {
  const [inner] = children(bytes, wrapper);
  if (!inner) return { content: null, cut: wrapper.cut };
  const isString = (inner.tag & 0x1f) === tags.octets;
  const content = () => (isString ? octetsOf(bytes, inner) : bytes.subarray(inner.start, inner.end));
  return { content, cut: wrapper.cut || inner.cut };
}

/** EncapsulatedContentInfo is the first sequence of a name and an explicit content, or of a name alone. RFC 5652 §5.2 */
function encapsulated(bytes: Buffer, object: Element): Pick<Cms, "content" | "cut"> {
  for (const field of children(bytes, object)) {
    if (field.tag !== tags.sequence) continue;
    const [name, wrapper] = children(bytes, field);
    if (!name || name.tag !== tags.oid || wrapper?.tag !== tags.explicit0) continue;
    return explicitContent(bytes, wrapper);
  }
  return { content: null, cut: false };
}

/** Null if no such object begins here. */
export function readCmsObject(bytes: Buffer): Cms | null {
  const info = bytes[0] === tags.sequence ? readElement(bytes, 0) : null;
  if (!info) return null;
  const [name, wrapper] = children(bytes, info);
  const kind = name && kinds[nameOf(bytes, name)];
  if (!kind) return null;
  const cut = info.cut;
  if (wrapper?.tag !== tags.explicit0) return { kind, content: null, cut };
  if (kind === "data") return { kind, ...explicitContent(bytes, wrapper) };
  const [object] = children(bytes, wrapper);
  if (!object || kind === "enveloped") return { kind, content: null, cut: cut || !object };
  const inner = encapsulated(bytes, object);
  return { kind, content: inner.content, cut: cut || inner.cut };
}

const armour = /^\s*-----BEGIN (?:PKCS ?#?7(?: SIGNED DATA)?|CMS)-----[^\n]*\n/;
/** A sequence with a length of two octets or more, or of indefinite length, in base64. */
const bare = /^\s*M(?:I[IAMQ]|[A-H])[A-Za-z0-9+/]{5}/;

/** The object that a text holds in base64, with or without its armour; null if it is no such text. RFC 7468 §9 */
export function unarmoured(text: string): Buffer | null {
  const head = armour.exec(text)?.[0];
  if (head === undefined && !bare.test(text)) return null;
  const rest = text.slice(head?.length ?? 0);
  const end = rest.indexOf("-----END");
  const body = end < 0 ? rest : rest.slice(0, end);
  // Other octets than those of base64 are skipped by all readers; a text in words is none.
  return /^[A-Za-z0-9+/=\s]*$/.test(body.slice(0, 4096)) ? Buffer.from(body, "base64") : null;
}
