/** An attached message whose octets the dissector of the outer one could not see through: its leaves become members. RFC 5322, RFC 2046 §5.2.1 */
import type { DissectLimits } from "../../src/core/job.ts";
import type { Part } from "../../src/core/message.ts";
import type { Dissection } from "../../src/core/outcome.ts";
import { decodeView } from "../../src/dissect/decode.ts";
import { dissect, dissectVersion } from "../../src/dissect/dissect.ts";
import { canonical } from "../identify/type-aliases.ts";
import { mimeArchive, rfc822 } from "../identify/types.ts";
import type { Extractor, Yielded } from "./extractor.ts";

/** As generous as the configuration is by default for a message of its own. */
const limits: DissectLimits = { parts: 2000, depth: 16, headerBytes: 1024 * 1024 };

const claimsMessage = (part: Part): boolean => part.declaredTypes.some((type) => canonical(type) === rfc822);

const isMessage = (part: Part): boolean =>
  part.role === "attached-message" || claimsMessage(part) || part.types.includes(rfc822);

/** Another reading, or what was found outside of the structure. */
const isDoubt = (path: string): boolean => /~|[.]raw/.test(path);

/** The dissector went into attached messages already, unless they are encoded. */
function isOpened(part: Part): boolean {
  if (part.role === "attached-message") return part.view === null || part.view.encoding === "identity";
  return part.role === "message" || part.role === "body";
}

/** What the dissector had to say, about the attached message as a whole. */
function* said(dissection: Dissection): Generator<Yielded> {
  for (const outcome of dissection.outcomes) {
    if (outcome.kind === "incomplete") yield { names: [], why: outcome.why, text: outcome.text };
    if (outcome.kind === "found")
      for (const { rule, severity, tags, text } of outcome.findings) yield { rule, severity, tags, text };
  }
}

export const emlExtractor: Extractor = {
  name: "eml",
  version: `1 dissect ${dissectVersion}`,
  wants: (part) => !isOpened(part) && (isMessage(part) || part.types.includes(mimeArchive)),
  *extract(part, bytes, budget) {
    const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const dissection = dissect(message, limits);
    for (const { path, role, view, names, declaredTypes, size } of dissection.parts) {
      const isInside = role === "attached-message" && view?.encoding === "identity";
      if (role === "message" || isInside || !view) continue;
      // A web archive is read by one program, often from the middle of something else: what is doubtful in it and stands there as it is
      // has been looked at with the whole, and to open it again would only take off a line at a time.
      if (!isMessage(part) && isDoubt(path) && view.encoding === "identity") continue;
      budget.spend({ members: 1 });
      if (size > budget.memberRoom) {
        yield { names, why: "limit", text: "The part is larger than the limit" };
        continue;
      }
      budget.spend({ bytes: size });
      yield { names, declaredTypes, bytes: decodeView(message, view) };
    }
    yield* said(dissection);
  },
};
