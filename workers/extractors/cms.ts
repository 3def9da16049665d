/** S/MIME objects that hold their content in themselves: signed, authenticated, compressed. What is enveloped stays closed. RFC 8551 §3, RFC 3274 */
import { constants, inflateSync } from "node:zlib";
import { payForDamage, payForOverflow } from "../budget.ts";
import { readCmsObject, unarmoured } from "../formats/cms.ts";
import { encrypted, rfc822 } from "../identify/types.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";

const wanted = new Set(["application/pkcs7-mime", "application/pkcs7-signature"]);

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** The content is a MIME entity, RFC 8551 §3.1; whatever else it is, it is identified by its octets. */
function* give(bytes: Buffer, budget: Budget): Generator<Yielded> {
  if (bytes.length > budget.memberRoom) {
    payForOverflow(budget);
    yield { names: [], why: "limit", text: "The content is larger than the limit" };
    return;
  }
  budget.spend({ bytes: bytes.length });
  yield { names: [], declaredTypes: [rfc822], bytes };
}

const code = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : null);

function* giveInflated(packed: Buffer, budget: Budget): Generator<Yielded> {
  const room = budget.memberRoom;
  try {
    if (room < 1) throw Object.assign(new Error("no room"), { code: "ERR_BUFFER_TOO_LARGE" });
    yield* give(inflateSync(packed, { maxOutputLength: room, finishFlush: constants.Z_SYNC_FLUSH }), budget);
  } catch (error) {
    if (code(error) === "ERR_BUFFER_TOO_LARGE") {
      payForOverflow(budget);
      yield { names: [], why: "limit", text: "The content is larger than the limit" };
    } else if (typeof code(error) === "string" && String(code(error)).startsWith("Z_")) {
      payForDamage(budget, packed.length);
      yield { names: [], why: "malformed", text: "The compressed content is damaged" };
    } else throw error;
  }
}

export const cmsExtractor: Extractor = {
  name: "cms",
  version: "1",
  wants: ({ types }) => types.some((type) => wanted.has(type)),
  *extract(part, given, budget) {
    const octets = asBuffer(given);
    const bytes = octets[0] === 0x30 ? octets : (unarmoured(octets.toString("latin1")) ?? octets);
    const object = readCmsObject(bytes);
    if (!object) throw new Stop("malformed", "No S/MIME object begins here");
    const { kind, content, cut } = object;
    // Where it was identified as such, that is said already.
    if (kind === "enveloped" && part.types.includes(encrypted)) return;
    if (kind === "enveloped") throw new Stop("encrypted", "The message is encrypted for its recipients (S/MIME)");
    const inner = content?.();
    if (inner && inner.length > 0) {
      budget.spend({ members: 1 });
      yield* kind === "compressed" ? giveInflated(inner, budget) : give(inner, budget);
    }
    if (cut) yield { names: [], why: "malformed", text: "The S/MIME object breaks off" };
  },
};
