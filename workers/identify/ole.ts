/** What an OLE compound file is: by the class of its root, else by the names of its streams. [MS-CFB], [MS-DOC], [MS-XLS], [MS-PPT], [MS-OXMSG] */
import { type Cfb, readCfb } from "../formats/cfb.ts";
import type { CfbEntry } from "../formats/cfb-directory.ts";
import { encrypted, macroSheet, vbaProject } from "./types.ts";

const generic = "application/x-ole-storage";

const byClass: Readonly<Record<string, string>> = {
  "00020900-0000-0000-c000-000000000046": "application/msword",
  "00020906-0000-0000-c000-000000000046": "application/msword",
  "00020810-0000-0000-c000-000000000046": "application/vnd.ms-excel",
  "00020820-0000-0000-c000-000000000046": "application/vnd.ms-excel",
  "64818d10-4f9b-11cf-86ea-00aa00b929e8": "application/vnd.ms-powerpoint",
  "00020d0b-0000-0000-c000-000000000046": "application/vnd.ms-outlook",
  "0006f046-0000-0000-c000-000000000046": "application/vnd.ms-outlook",
  "000c1082-0000-0000-c000-000000000046": "application/x-msi",
  "000c1084-0000-0000-c000-000000000046": "application/x-msi",
  "000c1086-0000-0000-c000-000000000046": "application/x-msi",
  "00021a13-0000-0000-c000-000000000046": "application/vnd.visio",
  "00021a14-0000-0000-c000-000000000046": "application/vnd.visio",
  "00021201-0000-0000-00c0-000000000046": "application/x-mspublisher",
  "74b78f3a-c8c8-11d1-be11-00c04fb6faf1": "application/vnd.ms-project",
};

const byStream: readonly (readonly [stream: string, type: string])[] = [
  ["worddocument", "application/msword"],
  ["workbook", "application/vnd.ms-excel"],
  ["book", "application/vnd.ms-excel"],
  ["powerpoint document", "application/vnd.ms-powerpoint"],
  ["__properties_version1.0", "application/vnd.ms-outlook"],
  ["visiodocument", "application/vnd.visio"],
  ["quill", "application/x-mspublisher"],
  // "!_StringData" and its like as Windows Installer writes them: two characters packed into one.
  ["\u4840\u3f3f\u4577\u446c\u3e6a\u44b2\u482f", "application/x-msi"],
];

const macroStorages = ["_vba_project", "_vba_project_cur", "vba", "macros"];

/** FibBase.fEncrypted, [MS-DOC] §2.5.2. */
const wordIsEncrypted = (head: Buffer): boolean => head.length > 12 && (head.readUInt16LE(10) & 0x0100) !== 0;

/** Of a workbook: the names of its sheets come behind fonts, formats and styles. */
const workbookBytes = 256 * 1024;

/** What the first records of a workbook tell: FilePass means encrypted, a BoundSheet of type 1 holds Excel 4.0 macros. [MS-XLS] §2.4.117, §2.4.28 */
function readWorkbook(head: Buffer): string[] {
  const found = new Set<string>();
  for (let at = 0; at + 4 <= head.length; at += 4 + head.readUInt16LE(at + 2)) {
    const record = head.readUInt16LE(at);
    // The end of the globals, EOF: sheets follow.
    if (record === 0x0a) break;
    if (record === 0x2f) found.add(encrypted);
    if (record === 0x85 && head[at + 9] === 1) found.add(macroSheet);
  }
  return [...found];
}

function traits(cfb: Cfb, names: ReadonlyMap<string, CfbEntry>): string[] {
  const found = macroStorages.some((name) => names.has(name)) ? [vbaProject] : [];
  if (names.has("encryptedpackage") || names.has("encryptedsummary")) found.push(encrypted);
  const word = names.get("worddocument");
  if (word && wordIsEncrypted(cfb.read(word, 512).bytes)) found.push(encrypted);
  const workbook = names.get("workbook") ?? names.get("book");
  return workbook ? [...found, ...readWorkbook(cfb.read(workbook, workbookBytes).bytes)] : found;
}

/** The type, then its traits. Null if it is no compound file. */
export function readOle(bytes: Buffer): string[] | null {
  const cfb = readCfb(bytes);
  if (!cfb) return null;
  // What lies nearest to the root is the document's own.
  const deepestFirst = cfb.entries.toSorted((a, b) => b.path.length - a.path.length);
  const names = new Map(deepestFirst.map((entry) => [entry.name.toLowerCase(), entry]));
  const type = byClass[cfb.classId] ?? byStream.find(([stream]) => names.has(stream))?.[1] ?? generic;
  return [type, ...new Set(traits(cfb, names))];
}

/** The records of a workbook without a compound file around: a macro sheet says so at once. [MS-XLS] §2.4.21 */
export function bareWorkbook(bytes: Buffer): string[] {
  const isMacros = bytes.readUInt16LE(6) === 0x40;
  return ["application/vnd.ms-excel", ...(isMacros ? [macroSheet] : readWorkbook(bytes.subarray(0, workbookBytes)))];
}
