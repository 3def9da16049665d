/** Mutated samples through identification, extractors and the whole examination: nothing but Stop, nothing over budget. Three seconds each. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gzip, paxRecord, tar, zip } from "../../fixtures/make.ts";
import { equation, oldObject, ole10Native, packaged, urlLink, wordStreams } from "../../fixtures/make-objects.ts";
import { compound } from "../../fixtures/make-ole.ts";
import { vbaCompress, vbaStorage } from "../../fixtures/make-vba.ts";
import { appleSingle, macBinary, msg, tnef } from "../../fixtures/make-capsules.ts";
import { biffWorkbook, callToken, textToken } from "../../fixtures/make-biff.ts";
import { oneNote } from "../../fixtures/make-onenote.ts";
import { lzh } from "../../fixtures/make-lzh.ts";
import type { InspectLimits } from "../../src/core/job.ts";
import { createPurse } from "../../workers/budget.ts";
import { cmsExtractor } from "../../workers/extractors/cms.ts";
import { accessExtractor } from "../../workers/extractors/access.ts";
import { emlExtractor } from "../../workers/extractors/eml.ts";
import { type Extractor, Stop } from "../../workers/extractors/extractor.ts";
import { gzipExtractor } from "../../workers/extractors/gzip.ts";
import { lzhExtractor } from "../../workers/extractors/lzh.ts";
import { lzipExtractor } from "../../workers/extractors/lzip.ts";
import { flatOfficeExtractor } from "../../workers/extractors/office-flat.ts";
import { oleExtractor } from "../../workers/extractors/ole.ts";
import { macFilesExtractor } from "../../workers/extractors/mac-files.ts";
import { mboxExtractor } from "../../workers/extractors/mbox.ts";
import { msgExtractor } from "../../workers/extractors/msg.ts";
import { rtfExtractor } from "../../workers/extractors/rtf.ts";
import { oneNoteExtractor } from "../../workers/extractors/onenote.ts";
import { workbookExtractor } from "../../workers/extractors/workbook.ts";
import { officeSealedExtractor } from "../../workers/extractors/office-sealed.ts";
import { pdfExtractor } from "../../workers/extractors/pdf.ts";
import { sevenZipExtractor } from "../../workers/extractors/seven-zip.ts";
import { tarExtractor } from "../../workers/extractors/tar.ts";
import { binhexExtractor, yencExtractor } from "../../workers/extractors/text-codes.ts";
import { tnefExtractor } from "../../workers/extractors/tnef.ts";
import { uuencodeExtractor } from "../../workers/extractors/uuencode.ts";
import { zipExtractor } from "../../workers/extractors/zip.ts";
import { createKeyring } from "../../workers/keyring.ts";
import { createIdentifier } from "../../workers/identify.ts";
import { nameInspector } from "../../workers/inspectors/name.ts";
import { examiner, sampleBytes, sampleNames } from "../support/attachment-fixtures.ts";
import { edits, mutate } from "../support/mutate.ts";
import { attachment } from "../support/part.ts";

const limits: InspectLimits = { members: 200, bytes: 4 * 1024 * 1024, memberBytes: 1024 * 1024, depth: 4, ratio: 50 };
const timeBox = { interruptAfterTimeLimit: 3000, markInterruptAsFailure: false, numRuns: 1_000_000 };

const samples = sampleNames().map(sampleBytes);
const anySample = fc.constantFrom(...samples);

const files = [
  { name: "a.txt", data: "first ".repeat(100) },
  { name: Buffer.from("905c8d9e8f912e747874", "hex"), data: "second", store: true },
];
const word = wordStreams("text \x13 DDE a b \x14 shown \x15");
const oleFiles = [
  compound([
    { name: "WordDocument", data: word.document },
    { name: "1Table", data: word.table },
    { name: "Macros", children: vbaStorage({ modules: [{ name: "M", code: "Sub A()\r\nEnd Sub\r\n" }] }) },
  ]),
  compound([
    { name: "\x01Ole10Native", data: ole10Native("a.txt", "a note") },
    { name: "x", children: [{ name: "\x01Ole", data: urlLink("http://client.example/") }] },
    { name: "Equation Native", data: equation("Symbol") },
  ]),
];
const seeds: readonly (readonly [Extractor, string, readonly Buffer[]])[] = [
  [
    zipExtractor,
    "application/zip",
    [
      zip(files),
      zip(files.map((file) => ({ ...file, streamed: true }))),
      zip(files, { zip64: true }),
      zip(files, { withoutDirectory: true }),
      zip([{ name: "x", data: zip(files), store: true }]),
    ],
  ],
  [gzipExtractor, "application/gzip", [gzip("a note", "note.txt"), Buffer.concat([gzip("first "), gzip("second")])]],
  [
    tarExtractor,
    "application/x-tar",
    [
      tar(files),
      tar([
        { name: "x", type: "x", data: paxRecord("path", "long.txt") },
        { name: "y", type: "L", data: "longer.txt\0" },
        ...files,
      ]),
    ],
  ],
  [
    lzhExtractor,
    "application/x-lzh-compressed",
    [
      ...([0, 1, 2, 3] as const).map((level) => lzh(files, level)),
      ...["lh5-level0", "lh6-level1", "lh7-level2"].map((name) => sampleBytes(`container/${name}.lzh`)),
    ],
  ],
  [oleExtractor, "application/x-ole-storage", oleFiles],
  [
    accessExtractor,
    "application/vnd.ms-access",
    [Buffer.concat([Buffer.alloc(512), vbaCompress(Buffer.from('Attribute VB_Name = "Start"\r\nSub A()\r\n'))])],
  ],
  [oneNoteExtractor, "application/onenote", [oneNote([{ name: "a.txt", data: "a note" }, { data: "another" }])]],
  [
    workbookExtractor,
    "application/vnd.ms-excel",
    [
      biffWorkbook({
        cells: [{ row: 0, tokens: Buffer.concat([textToken("harmless"), callToken(0x8076, 1)]) }],
        autoOpen: true,
        dde: ["a", "b"],
        strings: ["text"],
      }),
    ],
  ],
  [
    rtfExtractor,
    "application/rtf",
    [
      Buffer.from(
        `{\\rtf1\\ansicpg932{\\object\\objupdate{\\*\\objdata ${oldObject("Package", packaged("a.txt", "a note")).toString("hex")}}}{\\field{\\*\\fldinst DDE a b}{\\fldrslt x}}\\'90\\'5c\\u26085?{\\*\\template http://client.example/}}`,
      ),
    ],
  ],
  [
    flatOfficeExtractor,
    "application/vnd.ms-wordml",
    [
      Buffer.from(
        `<w:wordDocument xmlns:w="x"><w:binData w:name="a">YSBub3Rl</w:binData><w:p><w:fldSimple w:instr="DDE a &#98;"/><w:t>x<![CDATA[y]]></w:t></w:p></w:wordDocument>`,
      ),
    ],
  ],
  [lzipExtractor, "application/x-lzip", [sampleBytes("container/notes.txt.lz")]],
  [
    uuencodeExtractor,
    "application/x-uuencode",
    [Buffer.from("begin 644 a.txt\n#86)C\n`\nend\nbegin-base64 644 b.txt\nZGVm\n====\n")],
  ],
  [
    sevenZipExtractor,
    "application/x-7z-compressed",
    ["lzma2", "ppmd", "bzip2", "encrypted"].map((name) => sampleBytes(`container/${name}.7z`)),
  ],
  [sevenZipExtractor, "application/x-arj", [sampleBytes("container/arj.arj")]],
  [sevenZipExtractor, "application/vnd.ms-cab-compressed", [sampleBytes("container/mszip.cab")]],
  [sevenZipExtractor, "application/x-raw-disk-image", [sampleBytes("container/fat.img")]],
  [
    tnefExtractor,
    "application/vnd.ms-tnef",
    [
      ...["clean/tnef", "capsule/tnef-exe", "capsule/tnef-in-tnef"].map(sampleBytes),
      tnef(files.map(({ data }) => ({ shortName: "x", data, as: "property" }))),
    ],
  ],
  [
    msgExtractor,
    "application/vnd.ms-outlook",
    [...["clean/msg", "capsule/msg-in-msg", "capsule/msg-stray"].map(sampleBytes), msg({ body: "x" })],
  ],
  [
    cmsExtractor,
    "application/pkcs7-mime",
    ["clean/smime-signed", "capsule/smime-ber", "capsule/smime-compressed", "capsule/smime-armoured"].map(sampleBytes),
  ],
  [
    macFilesExtractor,
    "application/applefile",
    [
      appleSingle({ name: "a.txt", data: "x", resources: "y" }),
      ...([1, 2, 3] as const).map((version) => macBinary({ name: "a.txt", data: "x", resources: "y" }, version)),
    ],
  ],
  [
    officeSealedExtractor,
    "application/x-encrypted-document",
    ["agile-velvet", "standard"].map((name) => sampleBytes(`container/${name}.docx`)),
  ],
  [mboxExtractor, "application/mbox", ["clean/mbox", "capsule/mbox-exe"].map(sampleBytes)],
  [binhexExtractor, "application/mac-binhex40", [sampleBytes("capsule/binhex")]],
  [yencExtractor, "application/x-yenc", [sampleBytes("capsule/yenc")]],
  [emlExtractor, "message/rfc822", samples.filter((bytes) => bytes.toString("latin1", 0, 5) === "From:")],
];

for (const [extractor, type, archives] of seeds)
  test(`${extractor.name} (${type}) throws nothing but Stop and stays within its budget`, () => {
    fc.assert(
      fc.property(fc.constantFrom(...archives), edits, (archive, list) => {
        const bytes = mutate(archive, list);
        const purse = createPurse(limits);
        let given = 0;
        try {
          for (const item of extractor.extract(
            attachment(bytes, { types: [type] }),
            bytes,
            purse.container(bytes.length),
          ))
            if ("declaredTypes" in item) given += item.bytes.length;
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

test("what is encrypted, and mutated, opens or stays closed, with words at hand: nothing but Stop", () => {
  const sealed: readonly (readonly [Extractor, string, Buffer])[] = [
    [zipExtractor, "application/zip", zip([{ name: "a.txt", data: "first ".repeat(100), password: "secret" }])],
    [zipExtractor, "application/zip", sampleBytes("container/aes.zip")],
    [sevenZipExtractor, "application/x-7z-compressed", sampleBytes("container/encrypted.7z")],
    [officeSealedExtractor, "application/x-encrypted-document", sampleBytes("container/standard.docx")],
    [pdfExtractor, "application/pdf", sampleBytes("sealed/pdf-locked")],
  ];
  const words = ["x", "user", "Geheim-7", "secret"].map((text) => ({ text, from: "body" }) as const);
  fc.assert(
    fc.property(fc.constantFrom(...sealed), edits, ([extractor, type, archive], list) => {
      const bytes = mutate(archive, list);
      const purse = createPurse(limits);
      const part = attachment(bytes, { types: [type] });
      try {
        for (const item of extractor.extract(part, bytes, purse.container(bytes.length), createKeyring(words)))
          assert.ok(!JSON.stringify({ ...item, bytes: null }).includes("secret"));
      } catch (error) {
        if (!(error instanceof Stop)) throw error;
      }
      assert.ok(purse.spent.members <= limits.members && purse.spent.bytes <= limits.bytes);
    }),
    timeBox,
  );
});

test("identification knows at least one type of anything, and never throws", async () => {
  const { identify } = await createIdentifier();
  await fc.assert(
    fc.asyncProperty(anySample, edits, fc.constantFrom("attachment", "body", "member"), async (sample, list, role) => {
      const types = await identify(mutate(sample, list), role);
      assert.ok(types.length > 0 && types.every((type) => /^[\w.+-]+\/[\w.+-]+$/.test(type)), types.join());
    }),
    timeBox,
  );
});

test("an examination never crashes, whatever the octets", async () => {
  const { examine } = await examiner();
  await fc.assert(
    fc.asyncProperty(
      anySample,
      edits,
      fc.array(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 3 }),
      async (sample, list, names) => {
        const bytes = mutate(sample, list);
        const { outcomes, spent, members } = await examine(attachment(bytes, { names }), bytes, {}, limits);
        assert.deepEqual(
          outcomes.filter((outcome) => outcome.kind === "incomplete" && outcome.why === "crashed"),
          [],
        );
        assert.ok(spent.members <= limits.members && spent.bytes <= limits.bytes);
        const paths = new Set(["", ...members.map(({ path }) => path)]);
        assert.equal(paths.size, members.length + 1);
        assert.ok(outcomes.every(({ part }) => paths.has(part)));
      },
    ),
    timeBox,
  );
});

test("any names give findings of at most 300 characters", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "binary", maxLength: 400 }), { minLength: 1, maxLength: 5 }),
      async (names) => {
        const outcome = await nameInspector.inspect(attachment(Buffer.alloc(0), { names }), Buffer.alloc(0), {});
        assert.notEqual(outcome.kind, "incomplete");
        if (outcome.kind === "found") assert.ok(outcome.findings.every(({ text }) => text.length <= 300));
      },
    ),
    timeBox,
  );
});
