/** Reports by key (R19), bounded in number and in memory, the least recently used leaves first. *timeout* and *crashed* are never kept: nor is what the sandbox says (out of memory): that is of the moment. */
import type { Bytes } from "../core/message.ts";
import type { PartReport } from "../core/outcome.ts";

const momentary = new Set(["timeout", "crashed"]);

export const isLasting = (report: PartReport): boolean =>
  !report.outcomes.some(
    (outcome) => outcome.kind === "incomplete" && (momentary.has(outcome.why) || outcome.inspector === "sandbox"),
  );

/** Roughly the memory that a report takes: one on an archive of ten thousand files takes 10 MB, one on a letter 2 KB. */
function weigh(report: PartReport): Bytes {
  let weight = 1000;
  for (const { names, declaredTypes } of report.members)
    weight += 400 + 2 * [...names, ...declaredTypes].reduce((sum, text) => sum + text.length, 0);
  for (const outcome of report.outcomes) {
    weight += 250;
    if (outcome.kind === "found")
      for (const { text, matches } of outcome.findings) weight += 600 + 2 * text.length + 60 * (matches?.length ?? 0);
  }
  return weight;
}

/** What a report may take on average; ordinary ones take less, so that the number of reports is the limit in ordinary mail. */
const averageBytes: Bytes = 4096;
/** One report may take this share of it all: beyond, it would push out too many that are asked for again. */
const largestShare = 1 / 16;

export class VerdictCache {
  readonly #reports = new Map<string, { readonly report: PartReport; readonly weight: Bytes }>();
  readonly #limit: number;
  #weight: Bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#reports.size;
  }

  get(key: string): PartReport | null {
    const kept = this.#reports.get(key);
    if (!kept) return null;
    this.#reports.delete(key);
    this.#reports.set(key, kept);
    return kept.report;
  }

  put(key: string, report: PartReport): void {
    if (this.#limit === 0 || !isLasting(report)) return;
    const most = this.#limit * averageBytes;
    const weight = weigh(report);
    if (weight > most * largestShare) return;
    this.#drop(key);
    this.#reports.set(key, { report, weight });
    this.#weight += weight;
    for (const oldest of this.#reports.keys()) {
      if (this.#reports.size <= this.#limit && this.#weight <= most) break;
      this.#drop(oldest);
    }
  }

  clear(): void {
    this.#reports.clear();
    this.#weight = 0;
  }

  #drop(key: string): void {
    this.#weight -= this.#reports.get(key)?.weight ?? 0;
    this.#reports.delete(key);
  }
}
