/** Workbooks of bare records, as Excel opens them without a compound file around: old sheets and macros. [MS-XLS] §2.1.4 */
import { isBareBiff, readBiff } from "../formats/biff.ts";
import type { Extractor } from "./extractor.ts";
import { OfficeNotes } from "./office-notes.ts";
import { workbookSink } from "./office-workbook.ts";

export const workbookExtractor: Extractor = {
  name: "workbook",
  version: "1",
  wants: ({ role }, bytes) =>
    role !== "artefact" && isBareBiff(Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(64, bytes.length))),
  *extract(_part, bytes, budget) {
    const notes = new OfficeNotes();
    readBiff(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), workbookSink(notes));
    yield* notes.give(budget);
  },
};
