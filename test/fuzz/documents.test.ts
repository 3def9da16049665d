/** Mutated documents through their extractors: nothing but Stop, nothing over budget. Three seconds each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { zip } from "../../fixtures/make.ts";
import { ascii85, flate, lzw, onePage, pdfFile, pdfWithFiles } from "../../fixtures/make-pdf.ts";
import { activeMime, attach, invitation, savedPage, shellLink, smuggling } from "../../fixtures/make-web.ts";
import type { InspectLimits } from "../../src/core/job.ts";
import { createPurse } from "../../workers/budget.ts";
import { activeMimeExtractor } from "../../workers/extractors/active-mime.ts";
import { calendarExtractor } from "../../workers/extractors/calendar.ts";
import { type Extractor, Stop } from "../../workers/extractors/extractor.ts";
import { lnkExtractor } from "../../workers/extractors/lnk.ts";
import { markupExtractor } from "../../workers/extractors/markup.ts";
import { pdfExtractor } from "../../workers/extractors/pdf.ts";
import { scriptExtractor } from "../../workers/extractors/script.ts";
import { shortcutExtractor } from "../../workers/extractors/shortcut.ts";
import { sampleBytes } from "../support/attachment-fixtures.ts";
import { edits, mutate } from "../support/mutate.ts";
import { attachment } from "../support/part.ts";

const limits: InspectLimits = { members: 200, bytes: 4 * 1024 * 1024, memberBytes: 1024 * 1024, depth: 4, ratio: 50 };
const timeBox = { interruptAfterTimeLimit: 3000, markInterruptAsFailure: false, numRuns: 1_000_000 };

const files = [{ name: "a.txt", data: "first ".repeat(100) }];
const seeds: readonly (readonly [Extractor, string, readonly Buffer[]])[] = [
  [
    pdfExtractor,
    "application/pdf",
    [
      pdfWithFiles(files.map(({ data }) => ({ name: "a.txt", data: Buffer.from(data) }))),
      pdfWithFiles([{ name: "a.txt", data: zip(files) }], { packed: true, withoutTable: true }),
      pdfFile([
        ...onePage("/OpenAction<</S/JavaScript/JS 5 0 R>>/AcroForm<</XFA[(a) 6 0 R]>>"),
        { dict: "/Filter[/A85/LZW]", stream: ascii85(lzw(Buffer.from("app.beep(0)"))) },
        { dict: "/Filter/Fl/DecodeParms<</Predictor 12/Columns 4>>", stream: flate("xxxxxxxxxxxxxxx") },
      ]),
      ...["clean/pdf-cairo", "clean/pdf-reportlab", "clean/pdf-aes-256", "clean/pdf-rc4-40"].map(sampleBytes),
    ],
  ],
  [
    markupExtractor,
    "text/html",
    [savedPage(), ...Object.values(smuggling).map((make) => make())].map((page) => Buffer.from(page)),
  ],
  [
    scriptExtractor,
    "text/vbscript",
    [
      Buffer.from("#@~^DgAAAA==\\ko$K6,JAQAAAA==^#~@"),
      Buffer.from(
        `s = "${zip(files).toString("base64")}" & "x"\r\npowershell -enc ${Buffer.from("echo 1", "utf16le").toString("base64")}`,
      ),
    ],
  ],
  [
    lnkExtractor,
    "application/x-ms-shortcut",
    [shellLink({ arguments: "/c echo harmless", icon: "a", behind: zip(files) })],
  ],
  [calendarExtractor, "text/calendar", [Buffer.from(invitation(attach("a.zip", zip(files))))]],
  [activeMimeExtractor, "application/x-mso", [activeMime(zip(files))]],
  [shortcutExtractor, "application/x-mswinurl", [Buffer.from("[InternetShortcut]\r\nURL=file://host.example/a\r\n")]],
];

for (const [extractor, type, documents] of seeds)
  test(`${extractor.name} (${type}) throws nothing but Stop and stays within its budget`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...documents), edits, (document, list) => {
        const bytes = mutate(document, list);
        const purse = createPurse(limits);
        let given = 0;
        try {
          for (const item of extractor.extract(
            attachment(bytes, { types: [type] }),
            bytes,
            purse.container(bytes.length),
          ))
            if ("declaredTypes" in item || "artefact" in item) given += item.bytes.length;
        } catch (error) {
          if (!(error instanceof Stop)) throw error;
        }
        assert.ok(
          purse.spent.members <= limits.members && purse.spent.bytes <= limits.bytes && given <= purse.spent.bytes,
        );
      }),
      timeBox,
    );
  });
