/** Members that TNEF and Outlook items have in common: attachments as they lie, and the bodies of a message. [MS-OXCMSG] §2.2.1.48 */
import { payForOverflow } from "../budget.ts";
import { ids, type Property } from "../formats/mapi.ts";
import { decompressRtf } from "../formats/rtf-compressed.ts";
import { rtf } from "../identify/types.ts";
import type { Budget, Yielded } from "./extractor.ts";

/** Bounded, and paid for. */
export function* giveWhole(
  budget: Budget,
  names: readonly string[],
  declaredTypes: readonly string[],
  bytes: Buffer,
): Generator<Yielded> {
  budget.spend({ members: 1 });
  if (bytes.length > budget.memberRoom) {
    payForOverflow(budget);
    yield { names, why: "limit", text: "The attachment is larger than the limit" };
    return;
  }
  budget.spend({ bytes: bytes.length });
  yield { names, declaredTypes, bytes };
}

function* giveRtf(budget: Budget, packed: Buffer): Generator<Yielded> {
  budget.spend({ members: 1 });
  const got = decompressRtf(packed, Math.max(0, budget.memberRoom));
  if (got.kind === "none") {
    yield { names: [], why: "malformed", text: "The body is no compressed RTF" };
  } else if (got.kind === "limit") {
    payForOverflow(budget);
    yield { names: [], why: "limit", text: "The body is larger than the limit" };
  } else {
    budget.spend({ bytes: got.bytes.length });
    yield { names: [], declaredTypes: [rtf], bytes: got.bytes };
    if (!got.whole) yield { names: [], why: "malformed", text: "The RTF body breaks off" };
  }
}

/** The bodies among the properties of a message, whoever holds them: TNEF or an Outlook item. */
export function* bodiesOf(properties: readonly Property[], budget: Budget): Generator<Yielded> {
  for (const { id, value } of properties) {
    if (value.length === 0) continue;
    if (id === ids.rtf) yield* giveRtf(budget, value);
    if (id === ids.html) yield* giveWhole(budget, [], ["text/html"], value);
    if (id === ids.body) yield* giveWhole(budget, [], ["text/plain"], value);
  }
}
