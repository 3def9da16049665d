/** Brotli, which has no mark of its own: by the name of the file only. RFC 7932 */
import { brotliDecompressSync } from "node:zlib";
import { payForOverflow } from "../budget.ts";
import { type Extractor, Stop } from "./extractor.ts";
import { outerNames } from "./names.ts";

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";

/** Null if it is larger than the room. Throws what zlib throws. */
function unpack(bytes: Uint8Array, room: number): Buffer | null {
  if (room < 1) return null;
  try {
    return brotliDecompressSync(bytes, { maxOutputLength: room });
  } catch (error) {
    if (isTooLarge(error)) return null;
    throw new Stop("malformed", "Named as a Brotli file, which it is not, or it is damaged");
  }
}

export const brotliExtractor: Extractor = {
  name: "brotli",
  version: "1",
  wants: ({ types, names }) =>
    types.every((type) => type === "application/octet-stream" || type === "text/plain") &&
    names.some((name) => /\.br[\s.]*$/i.test(name)),
  *extract(part, bytes, budget) {
    budget.spend({ members: 1 });
    const names = outerNames(part);
    const content = unpack(bytes, budget.memberRoom);
    if (!content) {
      payForOverflow(budget);
      yield { names, why: "limit", text: "The file is larger than the limit" };
      return;
    }
    budget.spend({ bytes: content.length });
    yield { names, declaredTypes: [], bytes: content };
  },
};
