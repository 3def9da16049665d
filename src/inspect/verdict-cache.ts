/** Reports by key (R19), bounded, the least recently used leaves first. *timeout* and *crashed* are never kept: nor is what the sandbox says (out of memory): that is of the moment. */
import type { PartReport } from "../core/outcome.ts";

const momentary = new Set(["timeout", "crashed"]);

export const isLasting = (report: PartReport): boolean =>
  !report.outcomes.some(
    (outcome) => outcome.kind === "incomplete" && (momentary.has(outcome.why) || outcome.inspector === "sandbox"),
  );

export class VerdictCache {
  readonly #reports = new Map<string, PartReport>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#reports.size;
  }

  get(key: string): PartReport | null {
    const report = this.#reports.get(key);
    if (!report) return null;
    this.#reports.delete(key);
    this.#reports.set(key, report);
    return report;
  }

  put(key: string, report: PartReport): void {
    if (this.#limit === 0 || !isLasting(report)) return;
    this.#reports.delete(key);
    this.#reports.set(key, report);
    for (const oldest of this.#reports.keys()) {
      if (this.#reports.size <= this.#limit) break;
      this.#reports.delete(oldest);
    }
  }

  clear(): void {
    this.#reports.clear();
  }
}
