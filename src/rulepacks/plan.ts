/** Which text of each rule file is used: the one that lies there, its last good version, or none. Pure. */
import type { RuleProblem, RuleSource } from "../../workers/engines/engine.ts";
import type { LoadedRules } from "./load.ts";

type Identity = Pick<RuleSource, "pack" | "file">;
type Texts = { get(key: string): string | undefined };

export const keyOf = ({ pack, file }: Identity): string => `${pack}/${file}`;

/** `refused` are the keys of files whose present text does not compile. */
export function plan(
  { sources, unreadable }: Pick<LoadedRules, "sources" | "unreadable">,
  refused: ReadonlySet<string>,
  lastGood: Texts,
): readonly RuleSource[] {
  const standIns = [...sources.filter((source) => refused.has(keyOf(source))), ...unreadable].flatMap((source) => {
    const text = lastGood.get(keyOf(source));
    return text === undefined ? [] : [{ ...source, text }];
  });
  // In the order of the files: rules of a pack may build on those of earlier files.
  const all = [...sources.filter((source) => !refused.has(keyOf(source))), ...standIns];
  return all.sort((a, b) => order(keyOf(a), keyOf(b)));
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export interface Lesson {
  readonly good: readonly RuleSource[];
  /** Their present text is not used any more. */
  readonly refused: readonly RuleSource[];
  /** Not even the last good version compiles any more. */
  readonly lost: readonly RuleSource[];
}

/** What the compiler's answer to `tried` means. */
export function learnFrom(tried: readonly RuleSource[], problems: readonly RuleProblem[], lastGood: Texts): Lesson {
  const failed = new Set(problems.filter(({ level }) => level === "error").map(keyOf));
  const bad = tried.filter((source) => failed.has(keyOf(source)));
  const isNew = (source: RuleSource): boolean => lastGood.get(keyOf(source)) !== source.text;
  const refused = bad.filter(isNew);
  // A text that compiled before may fail only because it builds on one that fails now: it gets another chance beside the stand-in.
  const broken = new Set(refused.map(({ pack }) => pack));
  return {
    good: tried.filter((source) => !failed.has(keyOf(source))),
    refused,
    lost: bad.filter((source) => !isNew(source) && !broken.has(source.pack)),
  };
}
