/** What 7-Zip's complaints mean for us. Its texts are those of version 24.09. */
import type { Incomplete } from "../../../src/core/outcome.ts";

/** Why something is not whole, in our words; null for what is no fault of the archive. */
export interface Meaning {
  readonly why: Incomplete;
  readonly text: string;
}

const meanings: readonly (readonly [RegExp, Incomplete, string])[] = [
  [/password|encrypted/i, "encrypted", "The file is encrypted"],
  [/^Missing volume/, "unsupported", "Other parts of the set of volumes are missing"],
  [/^Unsupported (?:Method|feature)|not supported/i, "unsupported", "Compressed with an unknown method"],
  [/allocate|memory/i, "limit", "Opening it takes more memory than the limit"],
  [/as archive|Is not archive/i, "malformed", "Nothing in it can be read"],
  [/^Unexpected end|Unavailable data/, "malformed", "it breaks off"],
  [/^CRC|^Data Error/, "malformed", "the data of a file are damaged"],
  [/^Headers Error|Unconfirmed start/, "malformed", "its headers are damaged"],
];

/** Said of honest files as well: what stands behind an archive is looked at by ourselves. */
const harmless = /data after the end|with offset|^Path = |^Can.t open|^Open (?:ERRORS|WARNING)/i;

export function meaningOf(complaint: string): Meaning | null {
  if (harmless.test(complaint)) return null;
  const [, why, text] = meanings.find(([pattern]) => pattern.test(complaint)) ?? [];
  return { why: why ?? "malformed", text: text ?? `the unpacker says: ${complaint}` };
}
