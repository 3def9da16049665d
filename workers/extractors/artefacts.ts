/** Makes the text that rules read of what an extractor found. */
import type { Artefact, Bytes } from "../../src/core/message.ts";
import type { Budget, Derived } from "./extractor.ts";

/** More than this of one kind tells rules nothing new. */
const mostBytes: Bytes = 4 * 1024 * 1024;

/** One artefact of all pieces, a line or more each; none if there is nothing to say. */
export function* artefact(kind: Artefact, pieces: readonly string[], budget: Budget): Generator<Derived> {
  const text = pieces.filter((piece) => /\S/.test(piece)).join("\n");
  if (text === "") return;
  const bytes = Buffer.from(text).subarray(0, mostBytes);
  budget.spend({ members: 1, bytes: bytes.length });
  yield { artefact: kind, bytes };
}
