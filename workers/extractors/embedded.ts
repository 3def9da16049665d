/** Files that stand in a text which is encoded itself: uuencode, yEnc, BinHex, runs of base64, and parts whose delimiters nobody declared. The dissector sees the others. */
import type { Part } from "../../src/core/message.ts";
import { carve, findStrays } from "../../src/dissect/carve.ts";
import { decodeOctets, decodeView } from "../../src/dissect/decode.ts";
import { dissect } from "../../src/dissect/dissect.ts";
import { findTextFiles } from "../../src/dissect/text-files.ts";
import type { Budget, Extractor, Yielded } from "./extractor.ts";

const limits = { parts: 500, depth: 16, headerBytes: 256 * 1024 };

const isText = ({ types }: Part): boolean => types.some((type) => type.startsWith("text/"));

function* member(names: readonly string[], bytes: Buffer, budget: Budget): Generator<Yielded> {
  budget.spend({ members: 1 });
  if (bytes.length > budget.memberRoom) {
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  budget.spend({ bytes: bytes.length });
  yield { names, declaredTypes: [], bytes };
}

/** A header of MIME in the text: from there on it is read as a message. */
function* hidden(text: Buffer, start: number, budget: Budget): Generator<Yielded> {
  const inner = text.subarray(start);
  for (const { role, view, names } of dissect(inner, limits).parts)
    if (view && (role === "attachment" || view.encoding !== "identity"))
      yield* member(names, decodeView(inner, view), budget);
}

export const embeddedExtractor: Extractor = {
  name: "embedded",
  version: "1",
  wants: (part) =>
    (part.role === "body" || part.role === "attachment") &&
    part.view !== null &&
    part.view.encoding !== "identity" &&
    isText(part),
  *extract(_part, bytes, budget) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const { files, more } = findTextFiles(text, 0, text.length);
    for (const { start, end, name, encoding } of files)
      yield* member(name === "" ? [] : [name], decodeOctets(text.subarray(start, end), encoding).bytes, budget);
    const carved = carve(text, { path: "", range: { start: 0, end: text.length }, kind: "text" });
    for (const view of carved.views) yield* member([], decodeView(text, view), budget);
    const [first] = findStrays(text, { start: 0, end: text.length }).starts;
    if (first !== undefined) yield* hidden(text, first, budget);
    if (more || carved.more) yield { names: [], why: "limit", text: "More encoded files in a text than are looked at" };
  },
};
