/** Collects what the dissector noticed, a bounded number of times per rule, as outcomes. */
import type { Finding, Incomplete, Outcome, Severity } from "../core/outcome.ts";

/** `harmless`: ordinary mail has it. `odd`: hardly. `conflict`: two readers would see different attachments. A tag of the finding. */
export type Grade = "harmless" | "odd" | "conflict";

/** Something that readers may take in two ways (`rule`: "conflicting-type" and so on); a fact of its own, with its tag; or something that was not looked at. */
export type Note =
  | { readonly rule: string; readonly grade: Grade; readonly text: string }
  | { readonly rule: string; readonly severity: Severity; readonly tag: string; readonly text: string }
  | { readonly incomplete: Incomplete; readonly text: string };

const severityOf: Readonly<Record<Grade, Severity>> = { harmless: "info", odd: "low", conflict: "medium" };

const inspector = "dissect";
const mostPerRule = 20;
const mostIncomplete = 100;
const longestText = 300;

const clip = (text: string): string => (text.length <= longestText ? text : `${text.slice(0, longestText - 1)}…`);

export class Report {
  readonly #findings = new Map<string, Finding[]>();
  readonly #incomplete: Outcome[] = [];
  readonly #seen = new Map<string, number>();

  add(part: string, note: Note): void {
    const text = clip(note.text);
    if ("incomplete" in note) {
      // What is beyond the bound is incomplete all the same: others of the message say so.
      if (this.#first(`${part} ${note.incomplete} ${text}`, 1) && this.#incomplete.length < mostIncomplete)
        this.#incomplete.push({ part, inspector, kind: "incomplete", why: note.incomplete, text });
      return;
    }
    const rule = `${inspector}.${note.rule}`;
    const findings = this.#findings.get(part) ?? [];
    if (findings.some((finding) => finding.rule === rule && finding.text === text)) return;
    if (!this.#first(rule, mostPerRule)) return;
    const [severity, tag] = "grade" in note ? [severityOf[note.grade], note.grade] : [note.severity, note.tag];
    this.#findings.set(part, [...findings, { part, inspector, rule, severity, tags: [tag], text }]);
  }

  #first(key: string, most: number): boolean {
    const seen = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, seen);
    return seen <= most;
  }

  /** What is said of a path without a part (a multipart, or one that there was no room for) goes to what it stands in. */
  outcomes(known: ReadonlySet<string>): readonly Outcome[] {
    const found = new Map<string, Finding[]>();
    for (const [path, findings] of this.#findings) {
      const part = standsIn(path, known);
      found.set(part, [...(found.get(part) ?? []), ...findings.map((finding) => ({ ...finding, part }))]);
    }
    return [
      ...[...found].map(([part, findings]): Outcome => ({ part, inspector, kind: "found", findings })),
      ...this.#incomplete.map((outcome) => ({ ...outcome, part: standsIn(outcome.part, known) })),
    ];
  }
}

function standsIn(path: string, known: ReadonlySet<string>): string {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) if (known.has(at)) return at;
  return "0";
}
