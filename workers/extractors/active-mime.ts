/** ActiveMime: the compound file with macros and objects that Office packs into web archives as editdata.mso; found behind other octets, too. By observation, there is no specification. */
import { payForDamage } from "../budget.ts";
import { inflateZlib } from "../formats/inflate.ts";
import { type Extractor, Stop } from "./extractor.ts";

const mark = Buffer.from("ActiveMime");
/** The packed data begin here or near, always with the header of zlib. */
const usual = [0x32, 0x22a, 0x2a, 0x3a];
const farthest = 4096;

/** Where packed data could begin, the usual places first. RFC 1950 §2.2 */
function places(bytes: Buffer): number[] {
  const isHeader = (at: number) => bytes[at] === 0x78 && (((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)) % 31 === 0;
  const found = usual.filter(isHeader);
  for (
    let at = bytes.indexOf(0x78, mark.length);
    at >= 0 && at < farthest && found.length < 16;
    at = bytes.indexOf(0x78, at + 1)
  )
    if (isHeader(at)) found.push(at);
  return [...new Set(found)];
}

export const activeMimeExtractor: Extractor = {
  name: "activemime",
  version: "1",
  wants: ({ types }) => types.includes("application/x-mso"),
  *extract(part, bytes, budget) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const start = raw.indexOf(mark);
    if (start < 0) throw new Stop("malformed", "No ActiveMime begins here");
    const body = raw.subarray(start);
    budget.spend({ members: 1 });
    for (const at of places(body)) {
      const got = inflateZlib(body.subarray(at), budget.memberRoom);
      if (got.kind === "limit") throw new Stop("limit", "The packed file is larger than the limit");
      if (got.kind === "damaged") {
        payForDamage(budget, Math.min(1024, body.length));
        continue;
      }
      budget.spend({ bytes: got.bytes.length });
      yield { names: part.names, declaredTypes: [], bytes: got.bytes };
      if (got.kind === "cut") yield { names: [], why: "malformed", text: "The packed file breaks off" };
      return;
    }
    yield { names: [], why: "malformed", text: "The packed file cannot be read" };
  },
};
