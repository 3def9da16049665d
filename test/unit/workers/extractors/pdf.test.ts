import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ascii85,
  asciiHex,
  flate,
  lzw,
  onePage,
  pdfFile,
  pdfWithFiles,
  type PdfPart,
  runLength,
} from "../../../../fixtures/make-pdf.ts";
import { pdfExtractor } from "../../../../workers/extractors/pdf.ts";
import { sampleBytes } from "../../../support/attachment-fixtures.ts";
import { type Collected, collect } from "../../../support/extraction.ts";

const open = (bytes: Buffer): Collected => collect(pdfExtractor, bytes, { types: ["application/pdf"] });
const said = ({ artefacts }: Collected, kind: string): string | undefined =>
  artefacts.find((artefact) => artefact.kind === kind)?.text;

const hello = Buffer.from("hello, hello, hello");
const carrying = (dict: string, stream: Buffer): Buffer =>
  pdfFile([
    ...onePage("/Names<</EmbeddedFiles<</Names[(a) 5 0 R]>>>>"),
    "<</Type/Filespec/F(a.txt)/EF<</F 6 0 R>>>>",
    { dict: `/Type/EmbeddedFile${dict}`, stream },
  ]);

for (const [name, dict, stream] of [
  ["none", "", hello],
  ["Flate", "/Filter/FlateDecode", flate(hello)],
  ["LZW", "/Filter/LZWDecode", lzw(hello)],
  ["ASCII85", "/Filter/ASCII85Decode", ascii85(hello)],
  ["ASCIIHex", "/Filter/ASCIIHexDecode", asciiHex(hello)],
  ["RunLength", "/Filter[/RunLengthDecode]", runLength(hello)],
  ["a chain of all", "/Filter[/AHx/A85/RL/LZW/Fl]", asciiHex(ascii85(runLength(lzw(flate(hello)))))],
  ["names in escapes", "/F#69lter/Fl#61teDecode", flate(hello)],
  [
    "a wrong checksum at the end",
    "/Filter/FlateDecode",
    Buffer.concat([flate(hello).subarray(0, -4), Buffer.alloc(4)]),
  ],
  [
    "PNG's predictor",
    "/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 19>>",
    flate(Buffer.concat([Buffer.of(1), hello.map((octet, i) => octet - (hello[i - 1] ?? 0))])),
  ],
  [
    "TIFF's predictor",
    "/Filter/FlateDecode/DecodeParms<</Predictor 2/Columns 19>>",
    flate(Buffer.from(hello.map((octet, i) => octet - (hello[i - 1] ?? 0)))),
  ],
] as const)
  test(`an embedded file comes out of its filter: ${name}`, () => {
    const { members, closed, stop } = open(carrying(dict, Buffer.from(stream)));
    assert.deepEqual([members, closed, stop], [[{ names: ["a.txt"], text: hello.toString() }], [], null]);
  });

test("an embedded file that cannot be read is closed, by its name", () => {
  const closed = (dict: string, stream: Buffer) =>
    open(carrying(dict, stream)).closed.map(({ names, why }) => [names, why]);
  assert.deepEqual(closed("/Filter/FlateDecode", Buffer.from("rubbish")), [[["a.txt"], "malformed"]]);
  assert.deepEqual(closed("/Filter/NobodyKnows", hello), [[["a.txt"], "unsupported"]]);
});

test("files are found without a table, in object streams, behind junk, under names in UTF-16", () => {
  const files = [{ name: "請求書.txt", data: hello }];
  for (const shape of [{}, { withoutTable: true }, { packed: true }, { junk: "some junk\n" }])
    assert.deepEqual(
      open(pdfWithFiles(files, shape)).members.map(({ names, text }) => [names[0], text]),
      [["請求書.txt", hello.toString()]],
    );
  assert.deepEqual(open(pdfWithFiles(files, { withoutTable: true })).odd, ["info pdf.damaged"]);
});

test("a file that an older revision held is still there", () => {
  const old = pdfWithFiles([{ name: "old.txt", data: hello }]);
  const update = Buffer.from("6 0 obj\n<</Type/EmbeddedFile/Length 3>>\nstream\nnew\nendstream\nendobj\n");
  assert.deepEqual(
    open(Buffer.concat([old, update])).members.map(({ text }) => text),
    [hello.toString(), "new"],
  );
});

test("scripts are found in strings, streams, names trees, fields, and under escaped names", () => {
  const scripts: readonly (readonly [readonly PdfPart[], string])[] = [
    [onePage("/OpenAction<</S/JavaScript/JS(app.beep\\(0\\);)>>"), "medium pdf.javascript"],
    [onePage("/OpenAction<</S/JavaScript/JS<6170702e62656570283029>>>"), "medium pdf.javascript"],
    [onePage("", "/AA<</O<</S/JavaScript/JS(app.beep\\(0\\))>>>>"), "medium pdf.javascript"],
    [
      [
        ...onePage("/Names<</JavaScript<</Names[(a) 5 0 R]>>>>"),
        "<</S/JavaScript/JS 6 0 R>>",
        { dict: "/Filter[/ASCII85Decode/FlateDecode]", stream: ascii85(flate("app.beep(0)")) },
      ],
      "info pdf.javascript",
    ],
    [[...onePage(), "<</FT/Tx/T(a)/AA<</C<</S/JavaScript/JS(app.beep\\(0\\))>>>>>>"], "info pdf.javascript"],
    [
      onePage("/OpenAction<</S/JavaScript/JS(this.print\\({bUI:true}\\); // app.beep\\(0\\)\r)>>"),
      "medium pdf.javascript",
    ],
  ];
  for (const [parts, odd] of scripts)
    for (const packed of [false, true]) {
      const got = open(pdfFile(parts, { packed }));
      assert.ok(said(got, "script")?.includes("app.beep(0)"), odd);
      assert.deepEqual(got.odd, [odd]);
    }
  const print = open(pdfFile(onePage("/OpenAction<</S/JavaScript/JS(this.print\\({bUI:true}\\);)>>")));
  assert.deepEqual(print.odd, ["info pdf.javascript"]);
});

test("names that matter are written in escapes by nobody honest", () => {
  const hidden = open(pdfFile(onePage("/OpenActi#6fn<</S/J#61vaScript/J#53(app.beep\\(0\\))>>")));
  assert.equal(said(hidden, "script"), "app.beep(0)");
  assert.deepEqual(hidden.odd, ["medium pdf.javascript", "high pdf.hidden-name"]);
});

test("calls that only exploits and droppers make are grave", () => {
  for (const script of ["unescape\\('%u9090%u9090'\\)", "this.exportDataObject\\({cName:'a',nLaunch:2}\\)"])
    assert.deepEqual(open(pdfFile(onePage(`/OpenAction<</S/JavaScript/JS(${script})>>`))).odd, ["high pdf.javascript"]);
});

test("what Launch starts is told with its parameters", () => {
  const launch = open(pdfFile(onePage("/OpenAction<</S/Launch/Win<</F(cmd.exe)/P(/c echo harmless)>>>>")));
  assert.deepEqual([launch.odd, said(launch, "commands")], [["high pdf.launch"], "cmd.exe /c echo harmless"]);
  const document = open(
    pdfFile([...onePage("", "/Annots[<</A<</S/Launch/F 5 0 R>>>>]"), "<</Type/Filespec/F(annex.pdf)>>"]),
  );
  assert.deepEqual([document.odd, said(document, "commands")], [["medium pdf.launch"], "annex.pdf"]);
});

test("addresses are told, and those of other machines are odd", () => {
  const links =
    "/Annots[<</A<</S/URI/URI(https://www.example.com/a)>>>><</A<</S/SubmitForm/F(https://www.example.com/b)>>>>]";
  const page = open(pdfFile(onePage("", links)));
  assert.deepEqual([page.odd, said(page, "urls")], [[], "https://www.example.com/a\nhttps://www.example.com/b"]);
  assert.deepEqual(open(pdfFile(onePage("/OpenAction<</S/GoToR/F(\\\\\\\\host.example\\\\a.pdf)>>"))).odd, [
    "high pdf.remote-file",
  ]);
});

test("the scripts of XFA forms are told", () => {
  const form = "<template><script contentType='application/x-javascript'>xfa.host.beep()</script></template>";
  const parts = [
    ...onePage("/AcroForm<</XFA[(template) 5 0 R]>>"),
    { dict: "/Filter/FlateDecode", stream: flate(form) },
  ];
  assert.ok(said(open(pdfFile(parts)), "script")?.includes("xfa.host.beep()"));
});

test("the text of pages is told, whatever the producer", () => {
  assert.equal(said(open(pdfFile(onePage("", "", "Plain words"))), "text"), "Plain words\n");
  for (const [sample, words] of [
    ["pdf-cairo", "請求書"],
    ["pdf-libreoffice", "お世話になっております"],
    ["pdf-reportlab", "お見積書"],
    ["pdf-weasyprint", "見積書"],
    ["pdf-ghostscript", "Ghostscript says hello"],
    ["pdf-groff", "A memo"],
    ["pdf-qpdf-objects", "お世話になっております"],
  ] as const)
    assert.ok(said(open(sampleBytes(`clean/${sample}`)), "text")?.includes(words), sample);
});

test("documents that anybody may read are decrypted, in every way there is", () => {
  for (const method of ["rc4-40", "rc4-128", "aes-128", "aes-256", "aes-256-r5"]) {
    const { members, artefacts, odd } = open(sampleBytes(`clean/pdf-${method}`));
    assert.deepEqual([members.map(({ text }) => text), odd], [["hello file\n"], []], method);
    assert.ok(
      artefacts.some(({ text }) => text.includes("見積書")),
      method,
    );
  }
});

test("a document that asks for a password is incomplete, and its structure is judged all the same", () => {
  const { closed, members } = open(sampleBytes("sealed/pdf-locked"));
  assert.deepEqual([closed.map(({ why }) => why), members], [["encrypted"], []]);
});

test("what stands behind the end is a member", () => {
  const { members, odd } = open(Buffer.concat([pdfFile(onePage()), Buffer.from("x".repeat(100))]));
  assert.deepEqual([members.map(({ text }) => text), odd], [["x".repeat(100)], ["low pdf.trailing"]]);
  assert.deepEqual(open(Buffer.concat([pdfFile(onePage()), Buffer.alloc(600)])).members, []);
});
