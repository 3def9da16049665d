/** Lzip: its members joined, each unpacked by 7-Zip as the LZMA stream that it is. */
import { crc32 } from "node:zlib";
import { payForOverflow } from "../budget.ts";
import { readLzip } from "../formats/lzip.ts";
import { unpackSingle } from "../formats/seven-zip/single.ts";
import { type Extractor, Stop } from "./extractor.ts";
import { outerNames } from "./names.ts";

export const lzipExtractor: Extractor = {
  name: "lzip",
  version: "1",
  wants: ({ types }) => types.includes("application/x-lzip"),
  *extract(part, bytes, budget) {
    const file = readLzip(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (!file) throw new Stop("malformed", "No lzip file begins here");
    budget.spend({ members: 1 });
    const pieces: Buffer[] = [];
    const names = outerNames(part);
    let whole = !file.broken;
    let room = budget.memberRoom;
    for (const { lzma, crc, size } of file.members) {
      const got = unpackSingle("lzma", lzma, room);
      if (got.kind !== "bytes") {
        payForOverflow(budget);
        yield { names, why: "limit", text: "The file is larger than the limit" };
        return;
      }
      budget.spend({ bytes: got.bytes.length });
      room -= got.bytes.length;
      pieces.push(got.bytes);
      whole &&= got.whole && got.bytes.length === size && crc32(got.bytes) === crc;
    }
    yield { names, declaredTypes: [], bytes: Buffer.concat(pieces) };
    if (!whole) yield { names: [], why: "malformed", text: "The lzip file is damaged" };
  },
};
