import { onePage, pdfFile } from "../../fixtures/make-pdf.ts";
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
