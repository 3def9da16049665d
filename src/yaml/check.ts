/** Checks a YAML text against a schema and says where each mistake is. */
import type { z } from "zod";
import { nearest } from "../core/nearest.ts";
import { knownNames } from "./schema-walk.ts";
import { flatten, words } from "./schema-words.ts";
import { type Path, type Place, Source } from "./source.ts";

export interface Problem extends Place {
  readonly file: string;
  /** "routes[0].next_hop"; "" is the whole file. */
  readonly key: string;
  readonly message: string;
}

/** Where the value at a path was written; null if it was not. */
export type Where = (path: Path) => Place | null;

interface Refusal {
  readonly ok: false;
  /** At least one. */
  readonly problems: readonly Problem[];
}

export type Checked<T> = { readonly ok: true; readonly value: T; readonly where: Where } | Refusal;

/** A path, and what is wrong there. */
export type Complaint = readonly [path: Path, message: string];

/** "sallyport.yaml:3:5: routes[0].nexthop: unknown name; did you mean next_hop?" */
export const showProblem = ({ file, line, column, key, message }: Problem): string =>
  `${file}:${line}:${column}: ${key === "" ? "" : `${key}: `}${message}`;

export const showPath = (path: Path): string =>
  path.map((key, i) => (typeof key === "number" ? `[${key}]` : `${i === 0 ? "" : "."}${String(key)}`)).join("");

/** More than this many problems are one misunderstanding, not many mistakes. */
const most = 20;

class Report {
  readonly #file: string;
  readonly #source: Source;
  readonly #problems: Problem[] = [];

  constructor(file: string, source: Source) {
    this.#file = file;
    this.#source = source;
  }

  /** One complaint about a key is enough: the others mostly follow from it. */
  add(key: string, place: Place, message: string): void {
    if (key !== "" && this.#problems.some((problem) => problem.key === key)) return;
    this.#problems.push({ file: this.#file, ...place, key, message });
  }

  complain([path, message]: Complaint): void {
    this.add(showPath(path), this.#source.place(path), message);
  }

  #unknown(path: Path, known: readonly string[]): void {
    const meant = nearest(String(path.at(-1)), known);
    this.add(showPath(path), this.#source.place(path, "key"), `unknown name${meant ? `; did you mean ${meant}?` : ""}`);
  }

  refuse(error: z.core.$ZodError, schema: z.ZodType, value: unknown): void {
    for (const issue of error.issues.flatMap(flatten)) {
      if (issue.code === "unrecognized_keys") {
        const known = knownNames(schema, issue.path, value);
        for (const key of issue.keys) this.#unknown([...issue.path, key], known);
      } else {
        const given = issue.path.reduce<unknown>(
          (at, key) => (at as Record<PropertyKey, unknown> | null)?.[key],
          value,
        );
        this.complain([issue.path, words(issue, this.#source.find(issue.path) !== null, given)]);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#problems.length === 0;
  }

  /** In the order of the file. */
  refusal(): Refusal {
    const problems = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, most);
    return { ok: false, problems };
  }
}

type Contradictions<T> = (value: T) => Iterable<Complaint>;

function examine<S extends z.ZodType>(
  source: Source,
  report: Report,
  schema: S,
  contradictions: Contradictions<z.output<S>>,
): Checked<z.output<S>> {
  const value: unknown = source.document.toJS({ maxAliasCount: 100 });
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    report.refuse(parsed.error, schema, value);
    return report.refusal();
  }
  for (const complaint of contradictions(parsed.data)) report.complain(complaint);
  const where: Where = (path) => (source.find(path) ? source.place(path, "key") : null);
  return report.isEmpty ? { ok: true, value: parsed.data, where } : report.refusal();
}

/** `contradictions` is asked once the schema is content. */
export function checkYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  contradictions: Contradictions<z.output<S>> = () => [],
): Checked<z.output<S>> {
  const source = new Source(text);
  const report = new Report(file, source);
  for (const { pos, message } of [...source.document.errors, ...source.document.warnings])
    report.add("", source.at(pos[0]), `not YAML: ${message}`);
  if (!report.isEmpty) return report.refusal();
  try {
    return examine(source, report, schema, contradictions);
  } catch (error) {
    // Aliases that multiply beyond measure or point to nothing, and nesting that exceeds the stack.
    if (!(error instanceof ReferenceError || error instanceof RangeError)) throw error;
    report.complain([[], `not usable: ${error.message}`]);
    return report.refusal();
  }
}
