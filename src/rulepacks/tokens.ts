/** Splits the text of YARA rules into words and signs, so that rules and variables can be found without a compiler. */

export interface Token {
  /** A literal in quotes or slashes is "text", a run of signs one "sign" ("=" always stands alone); comments and blanks are no tokens. */
  readonly kind: "word" | "number" | "text" | "sign";
  readonly text: string;
  /** Index in the source, UTF-16. */
  readonly at: number;
}

type Kind = Token["kind"] | "blank" | "slash";

/** What a token is by its first character; beyond ASCII there are only signs, which no rule has outside literals. */
const kinds: readonly Kind[] = Array.from({ length: 128 }, (_, code): Kind => {
  const char = String.fromCharCode(code);
  if (char <= " ") return "blank";
  if (/\d/.test(char)) return "number";
  if (/\w/.test(char)) return "word";
  return char === '"' ? "text" : char === "/" ? "slash" : "sign";
});

const runs = { blank: /[\0- ]+/y, number: /\w+/y, word: /\w+/y, sign: /=|[^\w\0- "/=]+/y };

function endOfRun(run: RegExp, source: string, at: number): number {
  run.lastIndex = at;
  return run.test(source) ? run.lastIndex : at + 1;
}

/** By hand: a regular expression would run out of stack on a literal of megabytes. An unclosed literal ends its line. */
function endOfLiteral(source: string, at: number): number {
  const close = source.startsWith('"""', at) ? '"""' : source.charAt(at);
  for (let i = at + close.length; i < source.length; i++) {
    const char = source.charAt(i);
    if (char === "\\") i++;
    else if (char === "\n" && close.length === 1) return i;
    else if (char === close.charAt(0) && source.startsWith(close, i)) return i + close.length;
  }
  return source.length;
}

/** The end of what is opened by a slash: division is `\`, so that is a comment or a regular expression. */
function endOfSlash(source: string, at: number): { readonly end: number; readonly kind: Kind } {
  const second = source.charAt(at + 1);
  if (second !== "/" && second !== "*") return { end: endOfLiteral(source, at), kind: "text" };
  const close = source.indexOf(second === "/" ? "\n" : "*/", at + 2);
  return { end: close < 0 ? source.length : close + (second === "/" ? 0 : 2), kind: "blank" };
}

export function* tokens(source: string): Iterable<Token> {
  for (let at = 0, end = 0; at < source.length; at = end) {
    let kind = kinds[source.charCodeAt(at)] ?? "sign";
    if (kind === "slash") ({ end, kind } = endOfSlash(source, at));
    else end = kind === "text" ? endOfLiteral(source, at) : endOfRun(runs[kind], source, at);
    if (kind !== "blank" && kind !== "slash") yield { kind, text: source.slice(at, end), at };
  }
}

export interface Declaration {
  readonly name: string;
  /** Where the name stands. */
  readonly at: number;
  /** Where the rule begins, with its modifiers. */
  readonly from: number;
}

/** The rules that a text declares, in order. */
export function declaredRules(source: string): readonly Declaration[] {
  const found: Declaration[] = [];
  let from: number | null = null;
  let isNamed = false;
  for (const { kind, text, at } of tokens(source)) {
    if (isNamed && kind === "word") {
      found.push({ name: text, at, from: from ?? at });
      from = null;
    }
    isNamed = text === "rule" && kind === "word";
    if (isNamed || text === "private" || text === "global") from ??= at;
    else from = null;
  }
  return found;
}

/** Which of `names` the conditions read. May name one too many (a loop variable of that name), never one too few. */
export function usedNames(source: string, names: ReadonlySet<string>): ReadonlySet<string> {
  const used = new Set<string>();
  let before = "";
  let candidate: string | null = null;
  let equals = false;
  for (const { kind, text } of tokens(source)) {
    if (candidate !== null) {
      if (text === "=" && !equals) {
        equals = true;
        continue;
      }
      // `name = …` is a line of meta, anything else reads the variable.
      if (!equals || text === "=") used.add(candidate);
      candidate = null;
      equals = false;
    }
    // Not the field of a module, nor a pattern of that name; but the end of a range.
    if (kind === "word" && !/(?<!\.)\.$|[$#@!]$/.test(before) && names.has(text)) candidate = text;
    before = text;
  }
  return used;
}

/** Line and column of an index, both from 1; a column counts characters. */
export function placeOf(source: string, at: number): { readonly line: number; readonly column: number } {
  const before = source.slice(0, at);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let next = before.indexOf("\n"); next >= 0; next = before.indexOf("\n", next + 1)) line++;
  return { line, column: [...before.slice(lineStart)].length + 1 };
}
