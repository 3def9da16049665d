/** LZH archives (LHA), as they are still sent in Japan: every header by itself, gaps looked through, contradictions told. */
import { crc16, isLzhPacked, unpackLzh } from "../formats/lzh-decode.ts";
import { type LzhHeader, nextLzh, readLzhHeader } from "../formats/lzh-header.ts";
import { payForOverflow } from "../budget.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { decodeName } from "./names.ts";
import { isPadding } from "./padding.ts";

const stored: ReadonlySet<string> = new Set(["lh0", "lz4", "pm0"]);
const folder = "lhd";
/** Each is looked through to its end. */
const mostGaps = 64;

interface Walk {
  readonly bytes: Buffer;
  readonly budget: Budget;
  readonly broken: Set<string>;
  /** Readers would differ. */
  readonly odd: Set<string>;
  gaps: number;
}

/** In folders, 0xFF stands between names: no octet of a character in CP932. */
const withSlashes = (raw: Buffer): Buffer => Buffer.from(raw.map((octet) => (octet === 0xff ? 0x2f : octet)));

const pairs = (folders: readonly string[], names: readonly string[]): readonly string[] =>
  names.flatMap((name) =>
    [...new Set(folders)].map((one) => (one === "" ? name : `${one.replace(/\/?$/, "/")}${name}`)),
  );

function namesOf(header: LzhHeader): readonly string[] {
  const decode = (raw: readonly Buffer[]) => raw.flatMap((one) => decodeName(withSlashes(one), false));
  const slashes = (wide: readonly string[]) => wide.map((text) => text.replaceAll("\uffff", "/"));
  const folders = decode(header.folders);
  const wideFolders = slashes(header.wideFolders);
  const all = [
    ...pairs(folders.length > 0 ? folders : wideFolders.length > 0 ? wideFolders : [""], decode(header.names)),
    ...pairs(wideFolders.length > 0 ? wideFolders : folders.length > 0 ? folders : [""], header.wideNames),
  ];
  return [...new Set(all)].slice(0, 32);
}

/** Several names in fields of the same kind: readers take the first, or the last. */
function contradiction({ names, folders, wideNames, level }: LzhHeader): string | null {
  const differ = (all: readonly Buffer[]) => all.some((one) => !one.equals(all[0] ?? one));
  if (differ(names) && (level > 0 || names.length > 1)) return "a file has several names";
  if (differ(folders) || wideNames.some((one) => one !== wideNames[0])) return "a file has several names";
  return null;
}

function* openFile(walk: Walk, header: LzhHeader): Generator<Yielded> {
  const { bytes, budget, broken } = walk;
  const names = namesOf(header);
  const data = bytes.subarray(header.data, header.data + header.packed);
  if (header.method === folder && data.length === 0) return;
  budget.spend({ members: 1 });
  if (data.length < header.packed) broken.add("it breaks off");
  if (!stored.has(header.method) && !isLzhPacked(header.method)) {
    yield { names, why: "unsupported", text: `Compressed with -${header.method}-`, bytes: data };
    return;
  }
  const room = budget.memberRoom;
  const content = stored.has(header.method)
    ? ({ kind: data.length > room ? "limit" : "bytes", bytes: data, whole: data.length === header.size } as const)
    : unpackLzh(header.method, data, header.size, room);
  if (content.kind === "limit") {
    payForOverflow(budget);
    yield { names, why: "limit", text: "The file is larger than the limit" };
    return;
  }
  budget.spend({ bytes: content.bytes.length });
  yield { names, declaredTypes: [], bytes: content.bytes };
  if (!content.whole) broken.add("a file does not have the declared size");
  else if (header.crc !== null && header.crc !== crc16(content.bytes)) broken.add("the checksum of a file is wrong");
}

/** Between archives and behind the last: nothing, a further archive, or something that does not belong. */
function* afterGap(walk: Walk, from: number): Generator<Yielded, number> {
  const { bytes, budget, odd } = walk;
  if (walk.gaps++ === mostGaps) throw new Stop("malformed", "Too many gaps between the files");
  const next = nextLzh(bytes, from);
  // A zero ends an archive.
  const rest = bytes.subarray(bytes[from] === 0 ? from + 1 : from);
  if (next >= 0) {
    odd.add("files stand behind its end");
    return next;
  }
  if (!isPadding(rest)) {
    budget.spend({ members: 1, bytes: rest.length });
    yield { names: [], declaredTypes: [], bytes: rest };
    yield { rule: "lzh.trailing", severity: "medium", text: "Other data stand behind the end of the LZH archive" };
  }
  return bytes.length;
}

function* walkAll(walk: Walk, first: number): Generator<Yielded> {
  const { bytes, odd } = walk;
  for (let at = first; at < bytes.length; ) {
    const header = readLzhHeader(bytes, at);
    if (!header) {
      at = yield* afterGap(walk, at);
      continue;
    }
    for (const problem of header.problems) odd.add(problem);
    const several = contradiction(header);
    if (several) odd.add(several);
    yield* openFile(walk, header);
    at = header.data + header.packed;
  }
}

function* complaints({ broken, odd }: Walk): Generator<Yielded> {
  const all = (texts: ReadonlySet<string>) => [...texts].join("; ");
  if (odd.size > 0)
    yield { rule: "lzh.contradiction", severity: "high", text: `Readers of the LZH archive would differ: ${all(odd)}` };
  if (broken.size > 0) yield { names: [], why: "malformed", text: `The LZH archive is damaged: ${all(broken)}` };
}

export const lzhExtractor: Extractor = {
  name: "lzh",
  version: "1",
  wants: ({ types }) => types.includes("application/x-lzh-compressed"),
  *extract(_part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const first = nextLzh(buffer, 0);
    if (first < 0) throw new Stop("malformed", "No LZH archive begins here");
    const walk: Walk = { bytes: buffer, budget, broken: new Set(), odd: new Set(), gaps: 0 };
    try {
      yield* walkAll(walk, first);
    } catch (error) {
      if (error instanceof Stop) yield* complaints(walk);
      throw error;
    }
    yield* complaints(walk);
  },
};
