/** One archive read by one of 7-Zip's readers, in as many runs as it takes: files as they come, and what was wrong with them and with the whole. */
import { hash } from "node:crypto";
import { Full, type Harvest, Harvester, type Item, type Meter } from "../formats/seven-zip/harvest.ts";
import { type End, runSevenZip } from "../formats/seven-zip/program.ts";
import { extractCommand } from "../formats/seven-zip/system.ts";
import { type Meaning, meaningOf } from "../formats/seven-zip/words.ts";
import { type Budget, Stop, type Yielded } from "./extractor.ts";
import { decodeName } from "./names.ts";

/** A run for each 32 MiB; what earlier runs had is unpacked again by each. */
const mostRuns = 64;
/** Beyond it, what a run leaves behind is thrown away at once: it lies outside the heap, where the collector does not see it grow. */
const muchLeft = 8 * 2 ** 20;

export interface Place {
  readonly bytes: Buffer;
  readonly as: string;
  /** Of its one file, which has none of its own. */
  readonly names: readonly string[] | null;
}

interface Gathered {
  readonly harvest: Harvest;
  /** Null if the run was broken off by us. */
  readonly end: End | null;
  readonly stop: Stop | null;
}

/** What became of one place. */
export interface Result {
  /** Why nothing could be read; null if something was. */
  readonly refused: Stop | null;
  readonly size: number | null;
  readonly contents: ReadonlySet<string>;
}

const meterOf = (budget: Budget): Meter => ({
  file() {
    budget.spend({ members: 1 });
    return budget.memberRoom;
  },
  octets: (count) => budget.spend({ bytes: count }),
});

/** One run, as far as budget and room go. */
function gather({ bytes, as }: Place, budget: Budget, skip: number): Gathered {
  const harvest = new Harvester(meterOf(budget), skip);
  try {
    return { harvest, end: runSevenZip(extractCommand(as), bytes, harvest), stop: null };
  } catch (error) {
    if (error instanceof Stop) return { harvest, end: null, stop: error };
    if (error instanceof Full) return { harvest, end: null, stop: null };
    throw error;
  } finally {
    if (harvest.written > muchLeft) globalThis.gc?.();
  }
}

/** 7-Zip makes slashes of backslashes, also of one that is the second octet of a character in CP932 (表, 申, ソ). */
function mended(path: Buffer): Buffer {
  const mend = (octet: number, at: number) => (octet === 0x2f && isLead(path[at - 1] ?? 0) ? 0x5c : octet);
  return Buffer.from(path.map(mend));
}
const isLead = (octet: number): boolean => (octet >= 0x81 && octet <= 0x9f) || (octet >= 0xe0 && octet <= 0xfc);

function namesOf({ path, printed }: Item): readonly string[] {
  const told = printed === null || printed.includes("\uFFFD") ? [] : [printed];
  const decoded = decodeName(path, true);
  const isUtf8 = told.length > 0 && decoded.includes(told[0] ?? "");
  return [...new Set(isUtf8 ? decoded : [...decodeName(mended(path), true), ...decoded, ...told])];
}

const keyOf = (content: string, name: string): string => `${content} ${/[^./]*$/.exec(name)?.[0].toLowerCase() ?? ""}`;

const meaningsOf = ({ said }: Harvest): readonly Meaning[] =>
  [...said].map(meaningOf).filter((meaning) => meaning !== null);

/** Why nothing could be read; null if there was something, or honestly nothing. */
function refusal({ harvest, end }: Gathered, files: number): Stop | null {
  const isEmpty = end?.kind === "code" && end.code === 0;
  if (files > 0 || harvest.unborn.length > 0 || isEmpty) return null;
  const meanings = meaningsOf(harvest);
  const { why, text } = meanings.find((meaning) => meaning.why !== "malformed") ??
    meanings[0] ?? { why: "malformed", text: end?.kind === "broke" ? end.text : "Nothing in it can be read" };
  return new Stop(why, text);
}

export class Opening {
  readonly #budget: Budget;
  readonly #damage = new Set<string>();
  /** Content and ending of what earlier readers of the same octets gave: it need not be given again under a shorter name. */
  readonly #earlier = new Set<string>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** What follows lies elsewhere. */
  elsewhere(): void {
    this.#earlier.clear();
  }

  *place(place: Place): Generator<Yielded, Result> {
    const contents = new Set<string>();
    const given = new Set<string>();
    let files = 0;
    for (let run = 0; ; run++) {
      const gathered = gather(place, this.#budget, files);
      const { harvest, end, stop } = gathered;
      for (const item of harvest.items) yield* this.#give(item, place.names ?? namesOf(item), { contents, given });
      if (stop) throw stop;
      files += harvest.items.length;
      if (!end && harvest.items.length > 0 && run < mostRuns) continue;
      for (const key of given) this.#earlier.add(key);
      const refused = refusal(gathered, files);
      if (!refused) yield* this.#judge(gathered);
      return { refused, size: harvest.physicalSize, contents };
    }
  }

  *#give(
    item: Item,
    names: readonly string[],
    { contents, given }: { readonly contents: Set<string>; readonly given: Set<string> },
  ): Generator<Yielded> {
    const { bytes, complaint } = item;
    const meaning = complaint === null ? null : meaningOf(complaint);
    if (meaning && (meaning.why !== "malformed" || !bytes || bytes.length === 0)) {
      yield { names, why: meaning.why, text: meaning.text };
      return;
    }
    if (meaning) this.#damage.add(meaning.text);
    if (!bytes) {
      yield { names, why: "limit", text: "The file is larger than the limit" };
      return;
    }
    const content = hash("sha256", bytes);
    contents.add(content);
    if (!names.some((name) => !this.#earlier.has(keyOf(content, name))) && names.length > 0) return;
    for (const name of names) given.add(keyOf(content, name));
    yield { names, declaredTypes: [], bytes };
  }

  /** What was wrong with files that did not even begin, and with the archive as a whole. */
  *#judge({ harvest, end }: Gathered): Generator<Yielded> {
    for (const { name, complaint } of harvest.unborn) {
      const meaning = meaningOf(complaint);
      if (meaning) yield { names: name === "" ? [] : [name], why: meaning.why, text: meaning.text };
    }
    for (const { why, text } of meaningsOf(harvest))
      if (why === "malformed") this.#damage.add(text);
      else yield { names: [], why, text };
    if (end === null) this.#damage.add("it holds more than can be told");
    else if (end.kind === "broke") this.#damage.add("the unpacker gave up");
  }

  *complaints(): Generator<Yielded> {
    if (this.#damage.size > 0)
      yield { names: [], why: "malformed", text: `The archive is damaged: ${[...this.#damage].join("; ")}` };
  }
}
