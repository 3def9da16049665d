/** One line of the demonstration's table: what the gateway said of a message, and where the message is now. */
import { rank } from "../src/decide/evidence.ts";
import type { Held } from "../src/review/review.ts";

export interface Row {
  readonly title: string;
  readonly findings: string;
  readonly verdict: string;
  readonly reply: string;
  readonly where: string;
}

const mostShown = 2;

/** Worst first. */
function shorten(rules: readonly string[]): string {
  const unique = [...new Set(rules)];
  const more = unique.length - mostShown;
  return unique.length === 0 ? "none" : unique.slice(0, mostShown).join(", ") + (more > 0 ? ` +${more}` : "");
}

/** A field that the gateway has put on top, unfolded. */
function field(message: string, name: string): string {
  const text = new RegExp(`^${name}: ((?:.|\\r?\\n[ \\t])*)`, "m").exec(message)?.[1] ?? "";
  return text.replaceAll(/\s+/g, " ").trim();
}

/** `message` as it arrived at the next hop in the file `name`. */
export function arrivedRow(message: string, name: string): Pick<Row, "findings" | "verdict" | "where"> {
  const rules = field(message, "X-Sallyport-Findings").split(", ");
  const tags = field(message, "X-Sallyport-Tags");
  return {
    findings: shorten(rules.flatMap((rule) => rule.split(" ")[0] || [])),
    verdict: field(message, "X-Sallyport-Result").split(";")[0] ?? "",
    where: `arrived/${name}${tags ? `, tagged ${tags}` : ""}`,
  };
}

export function heldRow({ id, inspection, verdict }: Held): Pick<Row, "findings" | "verdict" | "where"> {
  const outcomes = inspection?.outcomes ?? [];
  const found = outcomes
    .flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : []))
    .filter((finding) => finding.severity !== "info")
    .sort((a, b) => rank(b.severity) - rank(a.severity))
    .map((finding) => finding.rule);
  const missing = outcomes.flatMap((outcome) => (outcome.kind === "incomplete" ? [`incomplete.${outcome.why}`] : []));
  return { findings: shorten([...found, ...missing]), verdict: verdict?.summary ?? "", where: `held as ${id}` };
}
