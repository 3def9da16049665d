/** Documents in one XML file: Flat OPC, Word and Excel 2003 XML, flat OpenDocument; what they carry in base64 becomes members. [MS-DOCX] §1.3, ECMA-376 part 2 */
import type { Part } from "../../src/core/message.ts";
import { attribute, rootOf, walkXml } from "../formats/xml-scan.ts";
import { readText } from "../identify/text.ts";
import { type Budget, type Extractor, Stop, type Yielded } from "./extractor.ts";
import { OfficeNotes } from "./office-notes.ts";
import { asXml, base64, readOfficeXml } from "./office-xml.ts";

const roots = new Set(["package", "wordDocument", "Workbook"]);
const mostPieces = 20_000;

interface Piece {
  readonly name: string;
  readonly isBinary: boolean;
  readonly from: number;
  readonly to: number;
}

/** Parts of the package, and whatever lies in base64. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let part = "";
  let open: { readonly element: string; readonly name: string; readonly from: number } | null = null;
  walkXml(text, {
    text: () => true,
    tag: (tag) => {
      if (tag.name === "part" && !tag.closing) part = attribute(tag, "name");
      if (open && tag.closing && tag.name === open.element) {
        pieces.push({ name: open.name, isBinary: base64.has(tag.name), from: open.from, to: tag.start });
        open = null;
      } else if (!open && !tag.closing && !tag.empty && (base64.has(tag.name) || tag.name === "xmlData"))
        open = { element: tag.name, name: attribute(tag, "name") || part, from: tag.end };
      return pieces.length < mostPieces;
    },
  });
  return pieces;
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function* members(text: string, notes: OfficeNotes, budget: Budget): Generator<Yielded> {
  for (const { name, isBinary, from, to } of piecesOf(text)) {
    const names = name === "" ? [] : [isBinary ? baseOf(name) : name];
    budget.spend({ members: 1 });
    if ((to - from) * (isBinary ? 0.75 : 1) > budget.memberRoom) {
      yield { names, why: "limit", text: "The file is larger than the limit" };
      continue;
    }
    const raw = text.slice(from, to);
    const bytes = isBinary ? Buffer.from(raw, "base64") : Buffer.from(raw);
    budget.spend({ bytes: bytes.length });
    yield { names, declaredTypes: [], bytes };
    if (!isBinary) readOfficeXml(bytes, notes);
  }
}

/** Blanks, a byte order mark (as such or as three octets), blanks, a tag; trimmed natively, since a pattern would try each blank anew. */
const hasMarkupAhead = (text: string): boolean =>
  text
    .trimStart()
    .replace(/^\xef\xbb\xbf/, "")
    .trimStart()
    .startsWith("<");

function isFlat(bytes: Buffer): boolean {
  const head = readText(bytes);
  if (head === null || !hasMarkupAhead(head)) return false;
  const root = rootOf(head.replace(/^\xef\xbb\xbf/, ""));
  return roots.has(root) || (root === "document" && /opendocument:xmlns:office/.test(head.slice(0, 16_384)));
}

export const flatOfficeExtractor: Extractor = {
  name: "office-flat",
  version: "1",
  wants: ({ role }: Part, bytes) =>
    role !== "artefact" &&
    role !== "message" &&
    role !== "body" &&
    isFlat(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
  *extract(_part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const text = asXml(buffer);
    if (text === null) throw new Stop("malformed", "No document begins here");
    const notes = new OfficeNotes();
    yield* members(text, notes, budget);
    readOfficeXml(buffer, notes, true);
    yield* notes.give(budget);
    const last = text.slice(text.lastIndexOf("</"));
    if (!last.startsWith("</") || !last.includes(">") || !last.includes(rootOf(text)))
      yield { names: [], why: "malformed", text: "The document breaks off" };
  },
};
