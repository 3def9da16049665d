/** What is odd about a PDF document, graded by what ordinary ones have. */
import type { Severity } from "../../src/core/outcome.ts";
import type { Actions, Script } from "./pdf-actions.ts";
import type { Odd } from "./extractor.ts";

export const pdfRules = {
  "pdf.javascript": "The document holds JavaScript",
  "pdf.launch": "The document starts a program or opens a file outside itself",
  "pdf.remote-file": "The document goes to a file of another machine",
  "pdf.hidden-name": "A name that decides what happens is written in escapes",
  "pdf.damaged": "The table of contents of the file is wrong; its objects were found by looking for them",
  "pdf.trailing": "Other data stand behind the end of the document",
} as const;

/** What only exploits and droppers call. */
const exploits =
  /%u[0-9a-f]{4}%u[0-9a-f]{4}|util\.printf\s*\(\s*["']%\d{4}|Collab\.(?:collectEmailInfo|getIcon)\s*\(|media\.newPlayer\s*\(\s*null|exportDataObject\s*\(\s*\{[^}]{0,200}nLaunch/i;
/** Layouts and tickets that ask to be printed, or choose a view. */
const harmless =
  /^[\s;]*(?:(?:this|app)\.)?(?:print\s*\([^;]{0,400}\)|(?:zoom|zoomType|pageNum|layout|fullScreen|viewState)\s*=[^;(]{0,80})[\s;]*$/;

const programs =
  /\b(?:cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|msiexec|certutil|bitsadmin|explorer|conhost|forfiles)(?:\.exe)?\b|\.(?:exe|scr|com|pif|bat|cmd|ps1|js|jse|vbs|vbe|wsf|hta|lnk|url|msi|jar|cpl|iso|img|vhdx?|application)\b|\/bin\//i;

/** A path of the network, whoever writes it. */
const machines = /^\s*(?:\\\\|\/\/|smb:|file:\/\/(?!\/|localhost)|\/\/\/\/)/i;

function scriptSeverity(scripts: readonly Script[]): Severity {
  if (scripts.some(({ text }) => exploits.test(text.slice(0, 1024 * 1024)))) return "high";
  return scripts.some(({ text, isOnOpen }) => isOnOpen && !harmless.test(text)) ? "medium" : "info";
}

const shown = (texts: Iterable<string>): string =>
  [...texts]
    .slice(0, 3)
    .join("; ")
    .replace(/[\x00-\x1f\x7f]+/g, " ")
    .slice(0, 160);

function odd(rule: keyof typeof pdfRules, severity: Severity, detail = ""): Odd {
  return { rule, severity, text: detail === "" ? pdfRules[rule] : `${pdfRules[rule]} (${detail})` };
}

export function* judgeActions(actions: Actions, scripts: readonly Script[]): Generator<Odd> {
  const { launches, remote, urls, hidden } = actions;
  if (scripts.length > 0) {
    const onOpen = scripts.some(({ isOnOpen }) => isOnOpen);
    yield odd("pdf.javascript", scriptSeverity(scripts), onOpen ? "runs when it is opened" : "");
  }
  if (launches.size > 0) {
    const isProgram = [...launches].some((line) => programs.test(line));
    yield odd("pdf.launch", isProgram ? "high" : "medium", shown(launches));
  }
  const far = [...remote, ...urls, ...launches].filter((name) => machines.test(name));
  if (far.length > 0) yield odd("pdf.remote-file", "high", shown(far));
  if (hidden.size > 0) yield odd("pdf.hidden-name", "high", shown(hidden));
}

export const damaged = (): Odd => odd("pdf.damaged", "info");
export const trailing = (): Odd => odd("pdf.trailing", "low");
