/** One archive read by one of 7-Zip's readers, in as many runs as it takes: files as they come, and what was wrong with them and with the whole. */
import { hash } from "node:crypto";
import type { Password } from "../../src/core/password.ts";
import { Full, type Harvest, Harvester, type Item, type Meter } from "../formats/seven-zip/harvest.ts";
import { type End, runSevenZip } from "../formats/seven-zip/program.ts";
import { extractCommand } from "../formats/seven-zip/system.ts";
import { tryPassword } from "../formats/seven-zip/trial.ts";
import { type Meaning, meaningOf } from "../formats/seven-zip/words.ts";
import type { Keyring } from "../keyring.ts";
import { type Budget, Stop, type Yielded } from "./extractor.ts";
import { decodeName } from "./names.ts";

/** A run for each 32 MiB; what earlier runs had is unpacked again by each. */
const mostRuns = 64;
/** Readers that know encryption. Each derives its key in hundreds of thousands of rounds. */
const locks = new Set(["7z", "rar", "rar5", "arj"]);
const tryCost = 700;
/** Beyond it, what a run leaves behind is thrown away at once: it lies outside the heap, where the collector does not see it grow. */
const muchLeft = 8 * 2 ** 20;

export interface Place {
  readonly bytes: Buffer;
  readonly as: string;
  /** Of its one file, which has none of its own. */
  readonly names: readonly string[] | null;
  /** That opens it, if one is needed and known. */
  readonly password?: Password;
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
function gather({ bytes, as, password }: Place, budget: Budget, skip: number): Gathered {
  const harvest = new Harvester(meterOf(budget), skip);
  try {
    return { harvest, end: runSevenZip(extractCommand(as, password?.text), bytes, harvest), stop: null };
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

const claimsOf = (item: Item, { names, password }: Place) => ({
  names: names ?? namesOf(item),
  by: password ? { opened: password.from } : {},
});

const keyOf = (content: string, name: string): string => `${content} ${/[^./]*$/.exec(name)?.[0].toLowerCase() ?? ""}`;

const meaningsOf = ({ said }: Harvest): readonly Meaning[] =>
  [...said].map(meaningOf).filter((meaning) => meaning !== null);

/** Why nothing could be read; null if there was something, or honestly nothing. */
function refusal({ harvest, end }: Gathered, files: number, keyring: Keyring): Stop | null {
  const isEmpty = end?.kind === "code" && end.code === 0;
  if (files > 0 || harvest.unborn.length > 0 || isEmpty) return null;
  const meanings = meaningsOf(harvest);
  const { why, text } = meanings.find((meaning) => meaning.why !== "malformed") ??
    meanings[0] ?? { why: "malformed", text: end?.kind === "broke" ? end.text : "Nothing in it can be read" };
  return new Stop(why, why === "encrypted" ? keyring.closed(text) : text);
}

export class Opening {
  readonly #budget: Budget;
  readonly #damage = new Set<string>();
  /** Content and ending of what earlier readers of the same octets gave: it need not be given again under a shorter name. */
  readonly #earlier = new Set<string>();

  readonly #keyring: Keyring;

  constructor(budget: Budget, keyring: Keyring) {
    this.#budget = budget;
    this.#keyring = keyring;
  }

  /** What follows lies elsewhere. */
  elsewhere(): void {
    this.#earlier.clear();
  }

  /** The password that opens it; undefined if none is needed, or none fits. */
  #unlock({ bytes, as }: Place): Password | undefined {
    if (this.#keyring.size === 0 || !locks.has(as) || tryPassword(as, bytes, "") !== "locked") return undefined;
    for (const password of this.#keyring.tries(tryCost)) {
      if (tryPassword(as, bytes, password.text) !== "open") continue;
      this.#keyring.opened(password);
      return password;
    }
    return undefined;
  }

  *place(shut: Place): Generator<Yielded, Result> {
    const password = this.#unlock(shut);
    const place = password ? { ...shut, password } : shut;
    const contents = new Set<string>();
    const given = new Set<string>();
    let files = 0;
    for (let run = 0; ; run++) {
      const gathered = gather(place, this.#budget, files);
      const { harvest, end, stop } = gathered;
      for (const item of harvest.items) yield* this.#give(item, place, { contents, given });
      if (stop) throw stop;
      files += harvest.items.length;
      if (!end && harvest.items.length > 0 && run < mostRuns) continue;
      for (const key of given) this.#earlier.add(key);
      const refused = refusal(gathered, files, this.#keyring);
      if (!refused) yield* this.#judge(gathered);
      return { refused, size: harvest.physicalSize, contents };
    }
  }

  *#give(
    item: Item,
    place: Place,
    { contents, given }: { readonly contents: Set<string>; readonly given: Set<string> },
  ): Generator<Yielded> {
    const { bytes, complaint } = item;
    const { names, by } = claimsOf(item, place);
    const meaning = complaint === null ? null : meaningOf(complaint);
    if (meaning && (meaning.why !== "malformed" || !bytes || bytes.length === 0)) {
      yield { names, why: meaning.why, text: this.#told(meaning) };
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
    yield { names, declaredTypes: [], bytes, ...by };
  }

  #told({ why, text }: Meaning): string {
    return why === "encrypted" ? this.#keyring.closed(text) : text;
  }

  /** What was wrong with files that did not even begin, and with the archive as a whole. */
  *#judge({ harvest, end }: Gathered): Generator<Yielded> {
    for (const { name, complaint } of harvest.unborn) {
      const meaning = meaningOf(complaint);
      if (meaning) yield { names: name === "" ? [] : [name], why: meaning.why, text: this.#told(meaning) };
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
