/** Access databases: the source of VBA modules, wherever in the pages it lies; no tables are read. [MS-OVBA] §2.4.1 */
import { decompress, modulesIn } from "../formats/vba-compression.ts";
import { type Extractor, Stop } from "./extractor.ts";
import { OfficeNotes } from "./office-notes.ts";

const mostModules = 2000;

export const accessExtractor: Extractor = {
  name: "access",
  version: "1",
  wants: ({ types }) => types.includes("application/vnd.ms-access"),
  *extract(_part, bytes, budget) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const notes = new OfficeNotes();
    let room = budget.memberRoom;
    let left = mostModules;
    for (const at of modulesIn(buffer)) {
      const found = decompress(buffer, at, room);
      if (!found) continue;
      if (found.end === "full" || left-- === 0) throw new Stop("limit", "The macros are larger than the limit");
      room -= found.bytes.length;
      notes.macro(found.bytes.toString("latin1"));
    }
    yield* notes.give(budget);
  },
};
