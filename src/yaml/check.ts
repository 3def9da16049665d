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

export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly where: Where }
  | { readonly ok: false; readonly problems: readonly Problem[] };

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

  /** In the order of the file; null if there is nothing to say. */
  refusal(): { readonly ok: false; readonly problems: readonly Problem[] } | null {
    if (this.#problems.length === 0) return null;
    const problems = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column).slice(0, most);
    return { ok: false, problems };
  }
}

/** `contradictions` is asked once the schema is content. */
export function checkYaml<S extends z.ZodType>(
  text: string,
  file: string,
  schema: S,
  contradictions: (value: z.output<S>) => Iterable<Complaint> = () => [],
): Checked<z.output<S>> {
  const source = new Source(text);
  const report = new Report(file, source);
  for (const { pos, message } of [...source.document.errors, ...source.document.warnings])
    report.add("", source.at(pos[0]), `not YAML: ${message}`);
  const broken = report.refusal();
  if (broken) return broken;

  let value: unknown;
  try {
    value = source.document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that multiply beyond measure, or that point to nothing.
    report.complain([[], `not usable: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const unusable = report.refusal();
  if (unusable) return unusable;
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    report.refuse(parsed.error, schema, value);
    return report.refusal() ?? { ok: false, problems: [] };
  }
  for (const complaint of contradictions(parsed.data)) report.complain(complaint);
  return report.refusal() ?? { ok: true, value: parsed.data, where: where(source) };
}

const where =
  (source: Source): Where =>
  (path) =>
    source.find(path) ? source.place(path, "key") : null;
