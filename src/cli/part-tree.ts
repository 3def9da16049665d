/** The parts of a message as a tree by their paths: the message, its parts, their other readings, members, what was made from them. */
import type { Part } from "../core/message.ts";
import type { Dissection, Inspection, Outcome } from "../core/outcome.ts";

export interface Node {
  readonly part: Part;
  /** What inspectors and extractors said of it. */
  readonly outcomes: readonly Outcome[];
  /** Of another reading: the part that the first reading has there. */
  readonly readingOf: string | null;
  /** The part with the same octets that comes first in the tree. */
  readonly sameAs: string | null;
  readonly children: readonly Node[];
}

interface Growing extends Node {
  readonly outcomes: Outcome[];
  readonly children: Growing[];
}

/** "1.2~2" is read where "1.2" stands; "1.2/3" and "1.2.3" lie in "1.2". */
const outer = (path: string): string => path.replace(/[./~][^./~]*$/, "");
const firstReading = (path: string): string | null => (/~\d+$/.test(path) ? path.replace(/~\d+$/, "") : null);

/** A multipart has no part of its own: what is in it hangs on the next one further out. */
function parentOf(path: string, known: ReadonlyMap<string, Growing>): Growing | undefined {
  for (let at = firstReading(path) ?? path; at !== outer(at); ) {
    at = outer(at);
    const found = known.get(at);
    if (found) return found;
  }
  return path === "0" ? undefined : known.get("0");
}

const inOrder = (a: Part, b: Part): number => a.path.localeCompare(b.path, "en", { numeric: true });

/** By path, in order; each knows the first one with its octets. */
function nodesOf(parts: readonly Part[]): ReadonlyMap<string, Growing> {
  const byHash = new Map<string, string>();
  const known = new Map<string, Growing>();
  for (const part of [...parts].sort(inOrder)) {
    const { path, sha256 } = part;
    const sameAs = byHash.get(sha256) ?? null;
    if (sameAs === null) byHash.set(sha256, path);
    known.set(path, { part, outcomes: [], readingOf: firstReading(path), sameAs, children: [] });
  }
  return known;
}

/** Total: outcomes about a path without a part go to the next one further out. */
export function partTree(dissection: Dissection, inspection: Inspection | null): readonly Node[] {
  const { parts, outcomes } = inspection ?? dissection;
  const known = nodesOf(parts);
  const roots: Growing[] = [];
  for (const node of known.values()) (parentOf(node.part.path, known)?.children ?? roots).push(node);
  for (const outcome of outcomes) (known.get(outcome.part) ?? parentOf(outcome.part, known))?.outcomes.push(outcome);
  return roots;
}
