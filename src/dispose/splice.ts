/** Writes octets anew with some ranges replaced; all others pass as they are, in pieces, whatever the size of the whole. */
import type { Edit } from "../core/cutting.ts";

/** `puts[i]` in the place of `edits[i]`; the edits are in order and do not touch each other's octets. */
export async function* spliced(
  octets: AsyncIterable<Uint8Array>,
  edits: readonly Pick<Edit, "start" | "end">[],
  puts: readonly Uint8Array[],
): AsyncIterable<Uint8Array> {
  let at = 0;
  let next = 0;
  let isPut = false;
  for await (const piece of octets) {
    const end = at + piece.length;
    let from = at;
    for (let edit = edits[next]; edit && edit.start < end; edit = edits[next]) {
      if (edit.start > from) yield piece.subarray(from - at, edit.start - at);
      if (!isPut) yield puts[next] ?? new Uint8Array();
      isPut = true;
      from = Math.max(from, Math.min(edit.end, end));
      if (edit.end > end) break;
      next++;
      isPut = false;
    }
    if (from < end) yield piece.subarray(from - at);
    at = end;
  }
  // What is to stand at the very end.
  for (; next < edits.length; next++, isPut = false) if (!isPut) yield puts[next] ?? new Uint8Array();
}
