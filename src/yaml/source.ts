/** A YAML text that remembers where everything in it was written. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

export type Path = readonly PropertyKey[];

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

interface Found {
  readonly key: Node | null;
  readonly value: Node | null;
}

export class Source {
  readonly #lines = new LineCounter();
  readonly document: Document.Parsed;

  constructor(text: string) {
    this.document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, logLevel: "error" });
  }

  at(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #step(from: Node | null, key: PropertyKey): Found | null {
    const node: unknown = isAlias(from) ? from.resolve(this.document) : from;
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      return pair ? { key: pair.key, value: pair.value } : null;
    }
    const item = isSeq<Node>(node) ? node.items[Number(key)] : undefined;
    return item ? { key: null, value: item } : null;
  }

  /** Null if nothing was written at the path. */
  find(path: Path): Found | null {
    let here: Found | null = { key: null, value: this.document.contents };
    for (const key of path) here = here && this.#step(here.value, key);
    return here;
  }

  /** Of the value at the path, or of what should have held it. */
  place(path: Path, wanted: "key" | "value" = "value"): Place {
    const found = this.find(path);
    if (!found) return path.length === 0 ? this.at(0) : this.place(path.slice(0, -1), "key");
    const node = wanted === "key" ? (found.key ?? found.value) : (found.value ?? found.key);
    return this.at(node?.range?.[0] ?? 0);
  }
}
