/** Cuts parts out of a message by their paths, as the gateway does, with a short text in their place. */
import type { Cutting } from "../../src/core/cutting.ts";
import type { DissectLimits } from "../../src/core/job.ts";
import type { Part } from "../../src/core/message.ts";
import { spliced } from "../../src/dispose/splice.ts";
import { cutOut } from "../../src/dissect/cut-out.ts";
import { dissect } from "../../src/dissect/dissect.ts";
import { fixtureLimits } from "./message-fixtures.ts";

export const placeholder = "Content-Type: text/plain\r\n\r\nremoved\r\n";

export interface Cut {
  readonly cutting: Cutting;
  readonly result: Buffer;
  readonly before: readonly Part[];
  readonly after: readonly Part[];
}

export async function cut(
  message: Buffer,
  paths: readonly string[],
  limits: DissectLimits = fixtureLimits,
  pieceBytes = 7,
): Promise<Cut> {
  const { parts } = dissect(message, limits);
  const targets = parts.flatMap(({ path, role, view }) => (view && paths.includes(path) ? [{ path, role, view }] : []));
  const cutting = cutOut(message, targets, limits);
  const puts = cutting.edits.map(({ put }) => Buffer.from(put === "nothing" ? "" : placeholder));
  async function* octets(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < message.length; at += pieceBytes) yield message.subarray(at, at + pieceBytes);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of spliced(octets(), cutting.edits, puts)) pieces.push(piece);
  const result = Buffer.concat(pieces);
  return { cutting, result, before: parts, after: dissect(result, limits).parts };
}
