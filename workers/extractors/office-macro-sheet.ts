/** Formulas of Excel 4.0 macros in Open XML workbooks, and those of ordinary sheets that reach out of them. ECMA-376 part 1 §18.3.1.40, [MS-XLS] §2.5.198.4 */
import { attribute, type XmlTag } from "../formats/xml-scan.ts";
import type { OfficeNotes } from "./office-notes.ts";

/** Functions by which a formula of any sheet reaches out. */
const reaching = /\b(?:WEBSERVICE|RTD|CALL|REGISTER(?:\.ID)?|EXEC|HYPERLINK)\s*\(|\|\s*'/i;
const address = /"((?:https?|ftp|file|\\\\)[^"]{3,1000})"/gi;

export function readSheet(root: string, cell: string, formula: string, notes: OfficeNotes): void {
  if (root === "macrosheet") return notes.formula(`${cell}: =${formula}`);
  if (root === "definedName" || !reaching.test(formula)) return;
  notes.commands.add(`=${formula}`);
  for (const [, url = ""] of formula.matchAll(address)) notes.urls.add(url);
}

/** Names by which Excel knows what to run when the workbook is opened. */
export const isStart = (name: string): boolean => /^(?:_xlnm\.)?auto_?(?:open|activate|close)/i.test(name);

export function readDefinedName(tag: XmlTag, notes: OfficeNotes): void {
  const name = attribute(tag, "name");
  if (isStart(name)) notes.sheets.starts = name;
}
