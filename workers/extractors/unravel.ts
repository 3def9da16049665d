/** Takes texts apart that carry something encoded: octets become members, text in clear becomes artefacts and is looked through in turn. */
import { inflateZlib } from "../formats/inflate.ts";
import {
  encodedCommands,
  fromLetters,
  fromPercent,
  isPercent,
  numberLists,
  withoutKey,
} from "../formats/script/codings.ts";
import { decodeEncodedScripts } from "../formats/script/encoded-script.ts";
import { literalRuns } from "../formats/script/literals.ts";
import { byMagic } from "../identify/magic.ts";
import { readOle } from "../identify/ole.ts";
import { readText } from "../identify/text.ts";
import { typeInfo } from "../identify/types.ts";

export interface Carried {
  readonly bytes: Buffer;
  readonly declaredTypes: readonly string[];
  /** What a link says that it is to be saved as. */
  readonly names: readonly string[];
  /** In a link it is there for everybody to see; in a script it was hidden. */
  readonly from: "link" | "script";
  /** A kind of file that acts or holds others. */
  readonly isActive: boolean;
}

const deepest = 6;
const leastRun = 32;
/** Octets of no known kind are worth showing to rules only if there are many. */
const leastUnknown = 4096;
const smallImage = 4096;
const mostText = 16 * 1024 * 1024;

const links = /data:([\w.+/-]{0,100})((?:;[\w.+"=-]{1,100}){0,5}),/gi;
const base64Run = /[A-Za-z0-9+/=%\r\n\t_-]*/y;
const plainRun = /[^"'<>\s)\\]*/y;
const acting =
  /<(?:script|html|iframe|svg|form|object|embed|body|meta|hta:application)\b|\bfunction\b\s{0,9}\w{0,60}\s{0,9}\(|\beval\s{0,9}\(|\b(?:document|window|location)\.\w|ActiveXObject|WScript\.|powershell|\bcmd(?:\.exe)?\s|CreateObject|mshta|https?:\/\//i;

/** What a picture made of text can do besides being looked at. */
const active = /<script|\son\w{3,20}\s*=|foreignObject|javascript:|data:|<image|href\s*=\s*["']?\w+:/i;

const isStill = (declared: string, bytes: Buffer): boolean =>
  declared === "image/svg+xml" && !active.test(bytes.toString("latin1"));

const contentOf = (raw: string, isBase64: boolean): Buffer =>
  Buffer.from(raw.includes("%") ? fromPercent(raw) : raw, isBase64 ? "base64" : "latin1");

interface Claims {
  readonly declared: string;
  readonly names: readonly string[];
}
const noClaims: Claims = { declared: "", names: [] };
/** How far from its link an attribute of the same element is looked for. */
const nearby = 300;

/** The download attribute of the element in which a link stands. HTML §4.6.5 */
function savedAs(text: string, start: number, end: number): readonly string[] {
  const before = text.slice(Math.max(0, start - nearby), start);
  const after = text.slice(end, end + nearby);
  const element =
    before.slice(before.lastIndexOf("<") + 1) + after.slice(0, (after.indexOf(">") + 1 || nearby + 1) - 1);
  const name = /\bdownload\s{0,9}=\s{0,9}["']?([^"'>]{1,200})/i.exec(element)?.[1];
  return name === undefined ? [] : [name];
}

const activeKinds = new Set(["executable", "archive", "disk-image", "shortcut", "script"]);

function typeOf(bytes: Buffer): string | null {
  if (/^PK\x03\x04/.test(bytes.toString("latin1", 0, 4))) return "application/zip";
  return readOle(bytes)?.[0] ?? byMagic(bytes);
}

export class Unravel {
  readonly files: Carried[] = [];
  readonly texts: string[] = [];
  readonly commands: string[] = [];
  readonly #seen = new Set<string>();

  /** `spend` pays for octets that were made. */
  readonly #spend: (bytes: number) => void;
  constructor(spend: (bytes: number) => void) {
    this.#spend = spend;
  }

  /** Links that hold their own content. RFC 2397 */
  links(text: string, depth = 0): void {
    links.lastIndex = 0;
    for (let found = links.exec(text); found; found = links.exec(text)) {
      const [head, type = "", parameters = ""] = found;
      const isBase64 = /;\s*base64/i.test(parameters);
      const run = isBase64 ? base64Run : plainRun;
      run.lastIndex = found.index + head.length;
      const bytes = contentOf(run.exec(text)?.[0] ?? "", isBase64);
      links.lastIndex = run.lastIndex;
      const declared = type.toLowerCase();
      if (bytes.length === 0 || isStill(declared, bytes)) continue;
      this.#carry(bytes, "link", depth, { declared, names: savedAs(text, found.index, run.lastIndex) });
    }
  }

  /** A script of any language: its strings and lists of numbers. */
  script(text: string, depth = 0): void {
    if (depth > deepest || text.length > mostText) return;
    for (const clear of decodeEncodedScripts(text)) this.#tell(clear, depth, true);
    for (const command of encodedCommands(text)) {
      this.#spend(command.length);
      this.commands.push(command);
      this.script(command, depth + 1);
    }
    const isReversed = /reverse\s*\(|StrReverse/i.test(text);
    for (const { text: run, pieces } of literalRuns(text, leastRun)) this.#literal(run, pieces, depth, isReversed);
    for (const octets of numberLists(text)) this.#carry(octets, "script", depth, noClaims);
  }

  #literal(run: string, pieces: number, depth: number, isReversed: boolean): void {
    if (isPercent(run)) {
      this.#tell(fromPercent(run), depth);
      return;
    }
    const backwards = isReversed ? fromLetters([...run].reverse().join("")) : null;
    const octets = backwards && typeOf(backwards) !== null ? backwards : fromLetters(run);
    if (octets) this.#carry(octets, "script", depth, noClaims);
    else if (pieces > 2 && acting.test(run)) this.#tell(run, depth);
  }

  /** Text in clear. */
  #tell(text: string, depth: number, isCertain = false): void {
    if (!(isCertain || acting.test(text)) || this.#isKnown(text)) return;
    this.#spend(text.length);
    this.texts.push(text);
    this.links(text, depth + 1);
    this.script(text, depth + 1);
  }

  #isKnown(text: string): boolean {
    const key = `${text.length} ${text.slice(0, 2000)}`;
    if (this.#seen.has(key)) return true;
    this.#seen.add(key);
    return false;
  }

  #carry(bytes: Buffer, from: Carried["from"], depth: number, claims: Claims): void {
    if (this.#isKnown(bytes.toString("latin1", 0, 256) + bytes.length)) return;
    this.#spend(bytes.length);
    const type = typeOf(bytes);
    if (type === null && this.#asText(bytes, depth, from)) return;
    const packed = type === null && bytes[0] === 0x78 ? inflateZlib(bytes, mostText) : null;
    if (packed?.kind === "whole") {
      this.#carry(packed.bytes, from, depth, claims);
      return;
    }
    const open = type === null ? withoutKey(bytes) : null;
    if (open) this.#keep(open, typeOf(open), "script", noClaims);
    else this.#keep(bytes, type, from, claims);
  }

  /** Whether it was text, so that there is nothing to keep but what it says. */
  #asText(bytes: Buffer, depth: number, from: Carried["from"]): boolean {
    if (readText(bytes) === null) return false;
    if (depth >= deepest) return false;
    const text = bytes.toString("latin1");
    const again = text.length >= leastRun ? fromLetters(text) : null;
    if (again) this.#carry(again, from, depth + 1, noClaims);
    else if (from === "script") this.#tell(text, depth);
    else return !acting.test(text);
    return true;
  }

  #keep(bytes: Buffer, type: string | null, from: Carried["from"], { declared, names }: Claims): void {
    const { kind } = typeInfo(type ?? "application/octet-stream");
    if (type === null && from === "script" && bytes.length < leastUnknown) return;
    // What is shown as a picture and is one: not worth a look unless something large could be behind it.
    if (kind === "image" && bytes.length < smallImage) return;
    const isActive = activeKinds.has(kind) || type === "application/x-ole-storage";
    this.files.push({ bytes, declaredTypes: declared === "" ? [] : [declared], names, from, isActive });
  }
}
