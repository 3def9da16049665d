import { onePage, pdfFile } from "../../fixtures/make-pdf.ts";
import { activeMime, attach, invitation } from "../../fixtures/make-web.ts";
import { zip } from "../../fixtures/make.ts";
import { activeMimeExtractor } from "../../workers/extractors/active-mime.ts";
import { calendarExtractor } from "../../workers/extractors/calendar.ts";
import { markupExtractor } from "../../workers/extractors/markup.ts";
import { pdfExtractor } from "../../workers/extractors/pdf.ts";
import { extractorContract } from "./extractor.ts";

const files = [
  { name: "a.txt", data: "first ".repeat(50) },
  { name: "b/c.txt", data: "second ".repeat(50) },
];
const both = { names: ["a.txt", "b/c.txt"], bytes: 650 };

extractorContract("pdf", () => ({
  extractor: pdfExtractor,
  types: ["application/pdf"],
  archive: pdfFile([
    ...onePage("/Names<</EmbeddedFiles<</Names[(a) 5 0 R(b) 7 0 R]>>>>", "", ""),
    ...files.flatMap(({ name, data }, index) => [
      `<</Type/Filespec/F(${name})/EF<</F ${6 + 2 * index} 0 R>>>>`,
      { dict: "/Type/EmbeddedFile", stream: data },
    ]),
  ]),
  ...both,
}));

const links = files.map(
  ({ name, data }) => `<a download="${name}" href="data:;base64,${zip([{ name, data }]).toString("base64")}">`,
);
extractorContract("markup", () => ({
  extractor: markupExtractor,
  types: ["text/html"],
  archive: Buffer.from(`<html><body>${links.join("")}</body></html>`),
  names: ["a.txt", "b/c.txt"],
  bytes: files.reduce((sum, file) => sum + zip([file]).length, 0),
}));
extractorContract("calendar", () => ({
  extractor: calendarExtractor,
  types: ["text/calendar"],
  archive: Buffer.from(
    invitation(...files.map(({ name, data }) => attach(name, Buffer.from(data)))).replace(
      /DESCRIPTION:[^]*?\r\n(?! )/,
      "",
    ),
  ),
  ...both,
}));
extractorContract("activemime", () => ({
  extractor: activeMimeExtractor,
  types: ["application/x-mso"],
  archive: activeMime(Buffer.from("first ".repeat(50))),
  called: ["editdata.mso"],
  names: ["editdata.mso"],
  bytes: 300,
}));
