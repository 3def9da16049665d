/** Turns what YARA-X's compiler prints into problems with file, line and column; both engines print the same. */
import type { RuleProblem, RuleSource } from "./engine.ts";

/** `error[E009]: unknown identifier`, ` --> line:3:5`, and the text beside the carets of its first place. */
const head = /(error|warning)\[(\w+)\]: ([^\n]*)/;
const place = /--> line:(\d+):(\d+)/;
const label = /\|[ \t]*[\^-]+[ \t]+([^\n]+)/;

const group = (found: RegExpExecArray | null, index: number, otherwise: string): string => found?.[index] ?? otherwise;

/** A report of the compiler. What is no report (an engine out of stack, say) becomes a problem of the file's first line. */
export function problemOf(report: string, { pack, file }: RuleSource): RuleProblem {
  const found = head.exec(report);
  const at = place.exec(report);
  const title = group(found, 3, report.slice(0, 300));
  const beside = group(label.exec(report), 1, title);
  return {
    pack,
    file,
    line: Number(group(at, 1, "1")),
    column: Number(group(at, 2, "1")),
    code: group(found, 2, ""),
    message: beside === title ? title : `${title}: ${beside}`,
    level: group(found, 1, "error") === "warning" ? "warning" : "error",
  };
}
