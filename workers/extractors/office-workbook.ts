/** Takes down what a binary workbook says. */
import type { BiffSink } from "../formats/biff.ts";
import type { OfficeNotes } from "./office-notes.ts";

export const workbookSink = (notes: OfficeNotes): BiffSink => ({
  sheet(_name, hidden, isMacro) {
    if (isMacro) notes.sheets.macros = true;
    if (hidden) notes.sheets.hidden = true;
  },
  formula: (line) => notes.formula(line),
  start(name) {
    notes.sheets.starts = name;
  },
  text: (piece) => notes.text(piece),
  dde: (command) => notes.dde(`DDE ${command}`),
  url: (target) => notes.urls.add(target),
});
