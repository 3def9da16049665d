/** Whatever 7-Zip opens and we have no reader of our own for. It runs in WASM, loaded when first needed; what it writes is counted while it is written. */
import { sevenZipVersion } from "../formats/seven-zip/program.ts";
import { emptyKeyring } from "../keyring.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { outerNames } from "./names.ts";
import { isPadding } from "./padding.ts";
import { type Reading, readersAt, readingOf } from "./seven-zip-kinds.ts";
import { Opening, type Result } from "./seven-zip-place.ts";

const mostPlaces = 16;

/** Offsets where an archive may begin. */
function* marks(bytes: Buffer, { mark }: Reading): Generator<number> {
  if (!mark) {
    yield 0;
    return;
  }
  let at = bytes.indexOf(mark);
  for (let left = mostPlaces; at >= 0 && left > 0; left--) {
    yield at;
    at = bytes.indexOf(mark, at + mark.length);
  }
}

const isSame = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && [...one].every((content) => other.has(content));

interface Walk {
  readonly bytes: Buffer;
  readonly reading: Reading;
  readonly names: readonly string[] | null;
  readonly opening: Opening;
}

/** The same octets by every reader that there is for them. Returns those that could read them, or why none could. */
function* readAt(walk: Walk, at: number): Generator<Yielded, readonly Result[] | Stop> {
  const { bytes, reading, names, opening } = walk;
  const views = readersAt(reading, bytes, at).map((as) => ({ as, bytes: bytes.subarray(at) }));
  const other = reading.other?.bytes(bytes);
  if (reading.other && other) views.push({ as: reading.other.as, bytes: other });
  const results: Result[] = [];
  let last: Result | null = null;
  opening.elsewhere();
  for (const view of views) {
    last = yield* opening.place({ ...view, names });
    results.push(last);
  }
  const read = results.filter(({ refused }) => refused === null);
  const [first, ...others] = read;
  if (!first) return results[0]?.refused ?? new Stop("malformed", "No archive begins here");
  // A tree that is there, and that the reader of the first one cannot read, is for others.
  const isHidden = Boolean(other) && last?.refused !== null;
  if (isHidden || others.some(({ contents }) => !isSame(contents, first.contents)))
    yield { rule: "archive.contradiction", severity: "medium", text: "Readers of the image would see different files" };
  return read;
}

/** Behind an archive that says where it ends: others of its kind were looked for already. */
function* behind(bytes: Buffer, end: number, budget: Budget): Generator<Yielded> {
  const rest = bytes.subarray(end);
  if (isPadding(rest)) return;
  budget.spend({ members: 1, bytes: rest.length });
  yield { names: [], declaredTypes: [], bytes: rest };
  yield { rule: "archive.trailing", severity: "medium", text: "Other data stand behind the end of the archive" };
}

/** All archives of one kind. A mark behind the first archive may be chance; if nothing is found, the first mark decides. */
function* openAll(walk: Walk, budget: Budget): Generator<Yielded> {
  const { bytes, reading, opening } = walk;
  let refused: Stop | null = null;
  let end = 0;
  let found = 0;
  for (const at of marks(bytes, reading)) {
    if (at < end) continue;
    const results = yield* readAt(walk, at);
    if (results instanceof Stop) {
      refused ??= results;
      continue;
    }
    found++;
    for (const { size } of results) end = Math.max(end, at + (size ?? 0));
  }
  yield* opening.complaints();
  if (found === 0) throw refused ?? new Stop("malformed", "No archive begins here");
  if (reading.mark && bytes.indexOf(reading.mark) === 0 && end > 0) yield* behind(bytes, end, budget);
}

export const sevenZipExtractor: Extractor = {
  name: "7-zip",
  version: `2 7z-wasm ${sevenZipVersion}`,
  wants: ({ types }) => types.some((type) => readingOf(type) !== undefined),
  *extract(part, bytes, budget, keyring = emptyKeyring()) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const outer = outerNames(part);
    const readings = new Set(part.types.map(readingOf).filter((reading) => reading !== undefined));
    let failed: Stop | null = null;
    for (const reading of readings)
      try {
        const names = reading.nameless ? outer : null;
        yield* openAll({ bytes: buffer, reading, names, opening: new Opening(budget, keyring) }, budget);
      } catch (error) {
        if (!(error instanceof Stop) || error.why === "limit") throw error;
        failed = error;
      }
    if (failed) throw failed;
  },
};
