/** What readers of documents can give away about a document itself: one row per rule with its sentence. */

export const officeRules = {
  "vba.stomped": "The compiled macros do something else than their source says",
  "xlm.macro": "Formulas of an Excel 4.0 macro sheet",
  "xlm.auto-open": "An Excel 4.0 macro starts when the workbook is opened",
  "xlm.hidden-sheet": "The workbook hides a sheet of Excel 4.0 macros",
  "office.dde": "A field or link starts another program over DDE",
  "office.remote-content": "The document takes in content from elsewhere when it is opened",
  "office.remote-picture": "The document shows a picture from elsewhere",
  "ooxml.remote-template": "The document loads its template from elsewhere",
  "ooxml.remote-object": "The document loads an object, frame or part from elsewhere",
  "ooxml.alternative-part": "The document takes in a part in another format",
  "ooxml.slide-action": "A slide starts a program or macro",
  "ooxml.interface-macro": "The document changes the menus and starts a macro with them",
  "odf.macro-event": "An event of the document starts a macro",
  "ole.packaged-file": "The document carries a file as an icon",
  "ole.remote-link": "An object of the document is loaded from an address",
  "ole.equation-object": "The document holds an object of the old equation editor",
  "ole.equation-exploit": "An equation is built to overrun the old equation editor",
  "ole.active-object": "The document holds a control that has been abused",
  "rtf.obfuscated-object": "The RTF document hides how its object is written",
  "rtf.auto-update": "The RTF document starts its object as soon as it is opened",
  "rtf.remote-template": "The RTF document loads its template from elsewhere",
} as const;

export type OfficeRule = keyof typeof officeRules;
