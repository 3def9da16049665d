/** AppleSingle, AppleDouble and MacBinary: a file with its second fork. Both forks are members, and whatever stands behind them. */
import iconv from "iconv-lite";
import { payForOverflow } from "../budget.ts";
import { type MacFile, readAppleFile, readMacBinary } from "../formats/mac-files.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { decodeName } from "./names.ts";
import { isPadding } from "./padding.ts";

const wanted = new Set(["application/applefile", "application/x-macbinary"]);

export function macNames(raw: Buffer): readonly string[] {
  if (raw.length === 0) return [];
  return [...new Set([...decodeName(raw, false), iconv.decode(raw, "macroman")])];
}

function* fork(names: readonly string[], bytes: Buffer, budget: Budget): Generator<Yielded> {
  if (bytes.length === 0) return;
  budget.spend({ members: 1 });
  if (bytes.length > budget.memberRoom) {
    payForOverflow(budget);
    yield { names, why: "limit", text: "The fork is larger than the limit" };
    return;
  }
  budget.spend({ bytes: bytes.length });
  yield { names, declaredTypes: [], bytes };
}

/** Of a reader that has taken it apart. */
export function* macForks(file: MacFile, rest: Buffer, budget: Budget): Generator<Yielded> {
  yield* fork(macNames(file.name), file.data, budget);
  yield* fork([], file.resources, budget);
  if (file.cut) yield { names: [], why: "malformed", text: "The file breaks off" };
  if (isPadding(rest)) return;
  yield* fork([], rest, budget);
  yield { rule: "mac.trailing", severity: "medium", text: "Other data stand behind the end of the file and its forks" };
}

export const macFilesExtractor: Extractor = {
  name: "mac-files",
  version: "1",
  wants: ({ types }) => types.some((type) => wanted.has(type)),
  *extract(_part, given, budget) {
    const bytes = Buffer.from(given.buffer, given.byteOffset, given.length);
    const file = readAppleFile(bytes) ?? readMacBinary(bytes);
    if (!file) throw new Stop("malformed", "No AppleSingle, AppleDouble or MacBinary file begins here");
    yield* macForks(file, bytes.subarray(file.end), budget);
  },
};
