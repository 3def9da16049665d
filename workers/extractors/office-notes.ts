/** What a document's reader gathers for the rules on its way: text, addresses, commands, macros; and what is odd. */
import type { Artefact } from "../../src/core/message.ts";
import type { Severity } from "../../src/core/outcome.ts";
import { readFields } from "../formats/office-fields.ts";
import type { Budget, Yielded } from "./extractor.ts";
import { officeRules, type OfficeRule } from "./office-rules.ts";

/** Of what people read: rules for lures need no more, and the octets themselves are shown to them anyway. */
const mostText = 128 * 1024;
const mostLines = 64 * 1024;
const mostFormulas = 1024 * 1024;
const longestLine = 2048;

/** Programs that a document has no reason to start. */
const interpreter =
  /\b(?:cmd|powershell|pwsh|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin|msiexec|installutil|forfiles|wmic|schtasks)\b/i;
/** Over the network, and not to the user's own computer or a server without a domain. */
const remote =
  /^\s*(?:https?|ftp|mhtml|ms-\w+|search-ms|wsdl|script|javascript):|^\s*(?:file:)?[\\/]{2,5}[\w-]+(?:\.[\w-]+|@(?:ssl|\d+))/i;

export const isRemote = (target: string): boolean => remote.test(target.replaceAll(/[\s\0]/g, ""));
export const startsProgram = (command: string): boolean => interpreter.test(command);

/** Fields that take in what they name. ECMA-376 part 1 §17.16.5 */
const fetching = new Set(["LINK", "INCLUDETEXT", "INCLUDE", "IMPORT", "RD"]);
const telling = new Set([...fetching, "DATABASE", "MACROBUTTON"]);

/** Quoted, or the first word; a backslash is written twice. */
function argumentsOf(text: string): readonly string[] {
  const quoted = [...text.matchAll(/"([^"]*)"/g)].map(([, inside = ""]) => inside);
  const all = quoted.length > 0 ? quoted : [/^\S+/.exec(text)?.[0] ?? ""];
  return all.map((one) => one.replaceAll("\\\\", "\\"));
}

function readInstruction(instruction: string): { readonly word: string; readonly targets: readonly string[] } {
  const [, word = "", rest = ""] = /^\s*(\w+)\s*([\s\S]*)$/.exec(instruction) ?? [];
  return { word: word.toUpperCase(), targets: argumentsOf(rest) };
}

class Lines {
  readonly #seen = new Set<string>();
  #size = 0;

  add(line: string): void {
    const short = line.slice(0, longestLine).trim();
    if (short === "" || this.#seen.has(short) || this.#size + short.length > mostLines) return;
    this.#seen.add(short);
    this.#size += short.length + 1;
  }

  toString(): string {
    return [...this.#seen].join("\n");
  }
}

/** One document under way. */
export class OfficeNotes {
  readonly urls = new Lines();
  readonly commands = new Lines();
  readonly #macros: string[] = [];
  readonly #odd = new Map<OfficeRule, { severity: Severity; readonly details: Set<string> }>();
  readonly #text: string[] = [];
  #textSize = 0;
  readonly #formulas: string[] = [];
  #formulaSize = 0;
  /** What is known of the sheets of a workbook, each part telling a piece. */
  readonly sheets = { macros: false, hidden: false, starts: "" };

  get wantsText(): boolean {
    return this.#textSize < mostText;
  }

  text(piece: string): void {
    if (!this.wantsText) return;
    const short = piece.slice(0, mostText - this.#textSize);
    this.#text.push(short);
    this.#textSize += short.length;
  }

  /** Of an Excel 4.0 macro sheet. */
  formula(line: string): void {
    this.sheets.macros = true;
    if (this.#formulaSize > mostFormulas) return;
    this.#formulas.push(line);
    this.#formulaSize += line.length;
  }

  macro(source: string): void {
    this.#macros.push(source);
  }

  odd(rule: OfficeRule, severity: Severity, detail = ""): void {
    const order: readonly Severity[] = ["info", "low", "medium", "high", "critical"];
    const known = this.#odd.get(rule) ?? { severity, details: new Set() };
    if (order.indexOf(severity) > order.indexOf(known.severity)) known.severity = severity;
    if (detail !== "" && known.details.size < 8) known.details.add(detail.slice(0, 120));
    this.#odd.set(rule, known);
  }

  /** A place outside the document from which something is fetched without a click. */
  fetches(rule: OfficeRule, target: string, severity: Severity): void {
    if (/^[\\/]|:/.test(target)) this.urls.add(target);
    if (isRemote(target)) this.odd(rule, severity, target);
  }

  dde(command: string): void {
    this.commands.add(command);
    this.odd("office.dde", startsProgram(command) ? "high" : "medium", command);
  }

  /** Text with the marks of its fields. */
  fields(marked: string): void {
    const { instructions, visible } = readFields(marked);
    this.text(visible.replaceAll(/[\x00-\x08\x0b-\x0c\x0e-\x1f]/g, " "));
    for (const instruction of instructions) this.#instruction(instruction);
  }

  #instruction(instruction: string): void {
    const { word, targets } = readInstruction(instruction);
    if (word === "DDE" || word === "DDEAUTO") this.dde(instruction);
    if (word === "HYPERLINK") this.urls.add(targets[0] ?? "");
    if (word === "INCLUDEPICTURE") this.fetches("office.remote-picture", targets[0] ?? "", "info");
    if (telling.has(word)) this.commands.add(instruction);
    for (const target of fetching.has(word) ? targets : []) this.fetches("office.remote-content", target, "medium");
  }

  /** What the rules are to read. */
  *artefacts(budget: Budget): Generator<Yielded> {
    const made: readonly (readonly [Artefact, string])[] = [
      ["macro", [...this.#macros, ...this.#formulas].join("\n")],
      ["text", this.#text.join("")],
      ["urls", this.urls.toString()],
      ["commands", this.commands.toString()],
    ];
    for (const [artefact, text] of made) {
      if (text.trim() === "") continue;
      const bytes = Buffer.from(text);
      budget.spend({ members: 1, bytes: bytes.length });
      yield { artefact, bytes };
    }
  }

  *findings(): Generator<Yielded> {
    const { macros, hidden, starts } = this.sheets;
    if (macros && this.#formulas.length > 0) this.odd("xlm.macro", "medium", this.#formulas.slice(0, 2).join("; "));
    if (macros && hidden) this.odd("xlm.hidden-sheet", "high");
    if (macros && starts !== "") this.odd("xlm.auto-open", "high", starts);
    for (const [rule, { severity, details }] of this.#odd) {
      const told = details.size > 0 ? `: ${[...details].join("; ")}` : "";
      yield { rule, severity, text: `${officeRules[rule]}${told}` };
    }
  }

  *give(budget: Budget): Generator<Yielded> {
    yield* this.artefacts(budget);
    yield* this.findings();
  }
}
