/** Files of yEnc and BinHex, as attachments and as members: every block of data in them. yEnc working draft 1.3; RFC 1741 appendix A */
import { decodeBinhex, findBinhexFiles } from "../../src/dissect/binhex.ts";
import { decodeYenc, findYencFiles } from "../../src/dissect/yenc.ts";
import { payForOverflow } from "../budget.ts";
import { binhex, yenc } from "../identify/types.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { macNames } from "./mac-files.ts";
import { giveWhole } from "./mapi-members.ts";
import { decodeName } from "./names.ts";

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

export const yencExtractor: Extractor = {
  name: "yenc",
  version: "1",
  wants: ({ types }) => types.includes(yenc),
  *extract(_part, given, budget) {
    const text = asBuffer(given);
    const { files, more } = findYencFiles(text, 0, text.length);
    if (files.length === 0) throw new Stop("malformed", "No encoded file begins here");
    for (const { start, end, name, open } of files) {
      const names = decodeName(Buffer.from(name, "latin1"), false);
      yield* giveWhole(budget, names, [], decodeYenc(text.subarray(start, end)));
      if (open) yield { names: [], why: "malformed", text: "An encoded file breaks off" };
    }
    if (more) yield { names: [], why: "limit", text: "Too many places where an encoded file could begin" };
  },
};

/** Header and checksums, beside the forks. RFC 1741 appendix A */
const mostHeader = 256;

function* forks(raw: Buffer, budget: Budget): Generator<Yielded> {
  const content = decodeBinhex(raw, Math.max(0, budget.memberRoom) + mostHeader);
  if (!content) {
    yield { names: [], why: "malformed", text: "A BinHex file cannot be decoded" };
    return;
  }
  const names = macNames(Buffer.from(content.name, "latin1"));
  if (content.cut === "limit") {
    budget.spend({ members: 1 });
    payForOverflow(budget);
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  if (content.data.length > 0) yield* giveWhole(budget, names, [], content.data);
  if (content.resource.length > 0) yield* giveWhole(budget, [], [], content.resource);
  if (content.cut === "end") yield { names: [], why: "malformed", text: "A BinHex file breaks off" };
}

export const binhexExtractor: Extractor = {
  name: "binhex",
  version: "1",
  wants: ({ types }) => types.includes(binhex),
  *extract(_part, given, budget) {
    const text = asBuffer(given);
    const { files, more } = findBinhexFiles(text, 0, text.length);
    if (files.length === 0) throw new Stop("malformed", "No BinHex file begins here");
    for (const { start, end } of files) yield* forks(text.subarray(start, end), budget);
    if (more) yield { names: [], why: "limit", text: "Too many places where a BinHex file could begin" };
  },
};
