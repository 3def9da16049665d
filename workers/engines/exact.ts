/** Finds the files that must be scanned by WASM when a text variable looks like a number: the native binding would make it one. */
import { declaredRules, tokens, usedNames } from "../../src/rulepacks/tokens.ts";
import type { RuleSource } from "./engine.ts";

/** The binding reads such texts as a boolean or an integer, and then refuses them: the variable is a text. */
export const looksLikeNumber = (value: unknown): value is string =>
  typeof value === "string" && /^(?:true|false|[+-]?\d+)$/i.test(value);

interface File {
  readonly source: RuleSource;
  readonly declares: readonly string[];
  readonly words: ReadonlySet<string>;
}

function wordsOf(text: string): ReadonlySet<string> {
  const words = new Set<string>();
  for (const token of tokens(text)) if (token.kind === "word") words.add(token.text);
  return words;
}

const speaksOf = (a: File, b: File): boolean => b.declares.some((name) => a.words.has(name));

/** With a file go all that its rules build on, and all that build on them; a global rule ties its whole pack together. */
function closure(files: readonly File[], first: readonly File[]): readonly File[] {
  if (first.length > 0 && files.some(({ words }) => words.has("global"))) return files;
  const chosen = new Set(first);
  for (const one of chosen) {
    for (const other of files) if (speaksOf(one, other) || speaksOf(other, one)) chosen.add(other);
  }
  return files.filter((file) => chosen.has(file));
}

/** Of `sources`, those whose rules read one of the variables `names`, with all that belongs to them. */
export function filesReading(sources: readonly RuleSource[], names: ReadonlySet<string>): readonly RuleSource[] {
  const packs = [...Map.groupBy(sources, ({ pack }) => pack).values()];
  return packs.flatMap((pack) => {
    if (!pack.some(({ text }) => usedNames(text, names).size > 0)) return [];
    const files = pack.map((source) => ({
      source,
      declares: declaredRules(source.text).map(({ name }) => name),
      words: wordsOf(source.text),
    }));
    const first = files.filter(({ source }) => usedNames(source.text, names).size > 0);
    return closure(files, first).map(({ source }) => source);
  });
}
