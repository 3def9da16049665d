/** Shows a problem of a rule as compilers do: the place, what is wrong, the line, a caret. */
import type { RuleProblem } from "../../workers/engines/engine.ts";

/** Longer lines are cut around the place. */
const width = 100;

/** "own/a.yar:3:5: error E009: unknown identifier" */
export function summariseProblem({ pack, file, line, column, code, message, level }: RuleProblem): string {
  return `${pack}/${file}:${line}:${column}: ${level}${code === "" ? "" : ` ${code}`}: ${message}`;
}

/** Control characters would move the cursor of the terminal. */
const printable = (text: string): string => text.replaceAll("\t", " ").replaceAll(/[\p{Cc}\p{Cf}]/gu, "\ufffd");

/** How many columns a terminal needs: Chinese, Japanese and Korean characters take two. */
const columns = (text: string): number =>
  [...text].reduce(
    (sum, char) =>
      sum +
      (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u.test(
        char,
      )
        ? 2
        : 1),
    0,
  );

/** `source` is the text of the file, or null if there is none to show. */
export function formatProblem(problem: RuleProblem, source: string | null): string {
  const summary = summariseProblem(problem);
  const line = source?.split("\n", problem.line)[problem.line - 1]?.replace(/\r$/, "");
  if (line === undefined) return summary;
  const chars = [...printable(line)];
  const from = Math.max(0, problem.column - 1 - width / 2);
  const shown = chars.slice(from, from + width);
  const before = shown.slice(0, problem.column - 1 - from).join("");
  const gutter = String(problem.line);
  return [
    summary,
    `${gutter} | ${shown.join("")}`,
    `${" ".repeat(gutter.length)} | ${" ".repeat(columns(before))}^`,
  ].join("\n");
}
