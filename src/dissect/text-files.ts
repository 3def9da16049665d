/** Files that stand in a text by codes of their own: uuencode, yEnc, BinHex; each with its extent. */
import type { TransferEncoding } from "../core/message.ts";
import { findBinhexFiles } from "./binhex.ts";
import { findUuFiles } from "./uuencode.ts";
import { findYencFiles } from "./yenc.ts";

export interface TextFile {
  readonly start: number;
  readonly end: number;
  /** Octets as latin1; "" without one. */
  readonly name: string;
  readonly encoding: TransferEncoding;
  /** It runs to the end of the text. */
  readonly open: boolean;
}

export interface TextFiles {
  readonly files: readonly TextFile[];
  /** There were more places to look at. */
  readonly more: boolean;
}

const nothing = { files: [], more: false };

/** In `bytes` from `start` to `end`, kind by kind. */
export function findTextFiles(bytes: Buffer, start: number, end: number): TextFiles {
  const text = bytes.subarray(start, end);
  // One search for both: the word is not frequent, the signs before it are.
  const begins = text.includes("begin");
  const uu = begins ? findUuFiles(bytes, start, end) : nothing;
  const yenc = begins ? findYencFiles(bytes, start, end) : nothing;
  const binhex = findBinhexFiles(bytes, start, end);
  return {
    files: [
      ...uu.files,
      ...yenc.files.map((file): TextFile => ({ ...file, encoding: "yenc" })),
      ...binhex.files.map((file): TextFile => ({ ...file, name: "", encoding: "binhex" })),
    ],
    more: uu.more || yenc.more || binhex.more,
  };
}
