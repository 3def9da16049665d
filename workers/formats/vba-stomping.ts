/** Whether a VBA project runs something else than its source says: Office runs the compiled form where its version fits. [MS-OVBA] §2.3.4.1 */
import type { VbaProject } from "./vba-project.ts";

export interface Stomped {
  /** "gone": no source at all. "differs": the compiled form speaks of what the source does not. */
  readonly kind: "gone" | "differs";
  readonly detail: string;
}

/** What macros cannot act without; each is worth a look when only the compiled form has it. */
const acting = [
  "CreateObject",
  "GetObject",
  "Shell",
  "ShellExecute",
  "ShellExecuteA",
  "URLDownloadToFile",
  "URLDownloadToFileA",
  "VirtualAlloc",
  "CreateThread",
  "WinExec",
  "CallByName",
  "AutoOpen",
  "Auto_Open",
  "Document_Open",
  "Workbook_Open",
] as const;

/** The compiled form of a module without a line of code. */
const emptyModule = 4096;

const codeOf = (source: string): string => source.replace(/^[ \t]*Attribute[^\r\n]*$/gim, "").trim();

/** Names in the cache stand as they are, between octets that no name has. */
function speaksOf(identifiers: string, word: string): boolean {
  for (let at = identifiers.indexOf(word); at >= 0; at = identifiers.indexOf(word, at + 1)) {
    const around = `${identifiers.charAt(at - 1)}${identifiers.charAt(at + word.length)}`;
    if (!/\w/.test(around)) return true;
  }
  return false;
}

/** Null if source and compiled form agree, as far as can be told. */
export function stomped({ modules, identifiers }: VbaProject): Stomped | null {
  const compiled = modules.filter((module) => module.compiled > 0);
  const silent = compiled.filter(({ source }) => source === null || source.trim() === "");
  if (silent.length > 0) return { kind: "gone", detail: silent.map(({ name }) => name).join(", ") };
  const all = modules.map(({ source }) => source ?? "").join("\n");
  const lower = all.toLowerCase();
  const hidden = acting.filter((word) => speaksOf(identifiers, word) && !lower.includes(word.toLowerCase()));
  if (hidden.length === 0) return null;
  const isEmpty = codeOf(all) === "" && compiled.some((module) => module.compiled > emptyModule);
  return { kind: isEmpty ? "gone" : "differs", detail: hidden.join(", ") };
}
