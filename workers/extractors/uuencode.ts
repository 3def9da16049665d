/** Files of uuencode and xxencode, as attachments and as members: every block of data in them. POSIX uuencode */
import { decodeUuencode, findUuFiles } from "../../src/dissect/uuencode.ts";
import { type Extractor, Stop } from "./extractor.ts";
import { decodeName } from "./names.ts";

const xxAlphabet = "+-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Octet of xxencode → octet of uuencode; all others stay. */
const fromXx = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet));
for (const [value, letter] of [...xxAlphabet].entries()) fromXx[letter.charCodeAt(0)] = 32 + value;

const isNamedXx = (names: readonly string[]): boolean => names.some((name) => /\.xxe?[\s.]*$/i.test(name));

/** Lines between "begin" and "end" are translated, those two are not. */
function translated(bytes: Buffer): Buffer {
  const begin = bytes.indexOf("begin ");
  const data = begin < 0 ? -1 : bytes.indexOf(10, begin) + 1;
  if (data <= 0) return bytes;
  const end = bytes.indexOf("\nend", data);
  const stop = end < 0 ? bytes.length : end;
  const middle = Buffer.from(bytes.subarray(data, stop).map((octet) => fromXx[octet] ?? octet));
  return Buffer.concat([bytes.subarray(0, data), middle, bytes.subarray(stop)]);
}

export const uuencodeExtractor: Extractor = {
  name: "uuencode",
  version: "1",
  wants: ({ types, names }) =>
    types.includes("application/x-uuencode") || (isNamedXx(names) && types.includes("text/plain")),
  *extract({ names }, bytes, budget) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const text = isNamedXx(names) ? translated(raw) : raw;
    const { files, more } = findUuFiles(text, 0, text.length);
    if (files.length === 0) throw new Stop("malformed", "No encoded file begins here");
    for (const { start, end, name, encoding, open } of files) {
      budget.spend({ members: 1 });
      const inner = decodeName(Buffer.from(name, "latin1"), false);
      const packed = text.subarray(start, end);
      if (packed.length > budget.memberRoom) {
        yield { names: inner, why: "limit", text: "The file is larger than the limit" };
        continue;
      }
      const content =
        encoding === "uuencode" ? decodeUuencode(packed) : Buffer.from(packed.toString("latin1"), "base64");
      budget.spend({ bytes: content.length });
      yield { names: inner, declaredTypes: [], bytes: content };
      if (open) yield { names: [], why: "malformed", text: "An encoded file breaks off" };
    }
    if (more) yield { names: [], why: "limit", text: "Too many places where an encoded file could begin" };
  },
};
