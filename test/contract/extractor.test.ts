import { gzip, tar, zip } from "../../fixtures/make.ts";
import { compound } from "../../fixtures/make-ole.ts";
import { appleSingle, cmsCompressed, cmsSigned, macBinary, mboxOf, msg, tnef } from "../../fixtures/make-capsules.ts";
import { oldObject } from "../../fixtures/make-objects.ts";
import { vbaCompress } from "../../fixtures/make-vba.ts";
import { biffWorkbook } from "../../fixtures/make-biff.ts";
import { oneNote } from "../../fixtures/make-onenote.ts";
import { lzh } from "../../fixtures/make-lzh.ts";
import { accessExtractor } from "../../workers/extractors/access.ts";
import { brotliExtractor } from "../../workers/extractors/brotli.ts";
import { cmsExtractor } from "../../workers/extractors/cms.ts";
import { emlExtractor } from "../../workers/extractors/eml.ts";
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
import { sevenZipExtractor } from "../../workers/extractors/seven-zip.ts";
import { tarExtractor } from "../../workers/extractors/tar.ts";
import { binhexExtractor, yencExtractor } from "../../workers/extractors/text-codes.ts";
import { tnefExtractor } from "../../workers/extractors/tnef.ts";
import { uuencodeExtractor } from "../../workers/extractors/uuencode.ts";
import { zipExtractor } from "../../workers/extractors/zip.ts";
import { sampleBytes } from "../support/attachment-fixtures.ts";
import { binhex, yenc } from "../support/text-codes.ts";
import { extractorContract } from "./extractor.ts";

const files = [
  { name: "a.txt", data: "first ".repeat(50) },
  { name: "b/c.txt", data: "second ".repeat(50) },
];
const both = { names: ["a.txt", "b/c.txt"], bytes: 650 };

extractorContract("zip", () => ({ extractor: zipExtractor, types: ["application/zip"], archive: zip(files), ...both }));
extractorContract("zip, streamed", () => ({
  extractor: zipExtractor,
  types: ["application/zip"],
  archive: zip(files.map((file) => ({ ...file, streamed: true }))),
  ...both,
}));
extractorContract("tar", () => ({
  extractor: tarExtractor,
  types: ["application/x-tar"],
  archive: tar(files),
  ...both,
}));
extractorContract("gzip", () => ({
  extractor: gzipExtractor,
  types: ["application/gzip"],
  archive: gzip("first ".repeat(50), "a.txt"),
  names: ["a.txt"],
  bytes: 300,
}));
extractorContract("eml", () => ({
  extractor: emlExtractor,
  types: ["message/rfc822"],
  archive: Buffer.from(
    `From: a@client.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${files
      .map(({ name, data }) => `--b\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n${data}\r\n`)
      .join("")}--b--\r\n`,
  ),
  ...both,
}));
for (const level of [0, 1, 2, 3] as const)
  extractorContract(`lzh, level ${level}`, () => ({
    extractor: lzhExtractor,
    types: ["application/x-lzh-compressed"],
    archive: lzh(files, level),
    ...both,
  }));
extractorContract("lzip", () => ({
  extractor: lzipExtractor,
  types: ["application/x-lzip"],
  archive: sampleBytes("container/notes.txt.lz"),
  called: ["notes.txt.lz"],
  names: ["notes.txt"],
  bytes: 184,
}));
extractorContract("brotli", () => ({
  extractor: brotliExtractor,
  types: ["application/octet-stream"],
  archive: sampleBytes("container/notes.txt.br"),
  called: ["notes.txt.br"],
  names: ["notes.txt"],
  bytes: 184,
}));
extractorContract("uuencode", () => ({
  extractor: uuencodeExtractor,
  types: ["application/x-uuencode"],
  archive: Buffer.from("begin 644 a.txt\n#86)C\n`\nend\nbegin-base64 644 b.txt\nZGVm\n====\n"),
  names: ["a.txt", "b.txt"],
  bytes: 6,
}));

const capsules = files.map(({ name, data }) => ({ shortName: "SHORT~1.TXT", longName: name, data }));
for (const as of ["attribute", "property"] as const)
  extractorContract(`tnef, data as ${as}`, () => ({
    extractor: tnefExtractor,
    types: ["application/vnd.ms-tnef"],
    archive: tnef(capsules.map((file) => ({ ...file, as }))),
    ...both,
  }));
extractorContract("msg", () => ({
  extractor: msgExtractor,
  types: ["application/vnd.ms-outlook"],
  archive: msg({ files: capsules }),
  ...both,
}));
const nameless = [undefined as unknown as string];
for (const pieces of [undefined, 16])
  extractorContract(`cms, signed, ${pieces ? "in pieces" : "whole"}`, () => ({
    extractor: cmsExtractor,
    types: ["application/pkcs7-mime"],
    archive: cmsSigned("first ".repeat(50), pieces ? { pieces } : {}),
    names: nameless,
    bytes: 300,
  }));
extractorContract("cms, compressed", () => ({
  extractor: cmsExtractor,
  types: ["application/pkcs7-mime"],
  archive: cmsCompressed("first ".repeat(50)),
  names: nameless,
  bytes: 300,
}));
const forked = { name: "a.txt", data: "first ".repeat(50), resources: "second" };
for (const [type, archive] of [
  ["application/applefile", appleSingle(forked)],
  ["application/x-macbinary", macBinary(forked)],
] as const)
  extractorContract(`mac-files, ${type}`, () => ({
    extractor: macFilesExtractor,
    types: [type],
    archive,
    names: ["a.txt", ...nameless],
    bytes: 306,
  }));
extractorContract("binhex", () => ({
  extractor: binhexExtractor,
  types: ["application/mac-binhex40"],
  archive: binhex("a.txt", Buffer.from("first ".repeat(50)), Buffer.from("second")),
  names: ["a.txt", ...nameless],
  bytes: 306,
}));
extractorContract("yenc", () => ({
  extractor: yencExtractor,
  types: ["application/x-yenc"],
  archive: Buffer.concat([yenc("a.txt", Buffer.from("first ")), yenc("b.txt", Buffer.from("second"))]),
  names: ["a.txt", "b.txt"],
  bytes: 12,
}));
extractorContract("mbox", () => ({
  extractor: mboxExtractor,
  types: ["application/mbox"],
  archive: Buffer.from(mboxOf(["Subject: one\n\nfirst", "Subject: two\n\nsecond"])),
  names: [...nameless, ...nameless],
  bytes: 43,
}));
extractorContract("office-sealed", () => ({
  extractor: officeSealedExtractor,
  types: ["application/x-encrypted-document"],
  archive: sampleBytes("container/agile-velvet.docx"),
  names: nameless,
  bytes: 924,
}));

const eicarAndNotes = { names: ["eicar.com", "notes.txt"], bytes: 68 + 184 };
for (const [sample, type, found] of [
  ["archive.a", "application/x-archive", eicarAndNotes],
  ["mszip.cab", "application/vnd.ms-cab-compressed", { ...eicarAndNotes, names: ["eicar.com", "sub/notes.txt"] }],
  ["fat.img", "application/x-raw-disk-image", eicarAndNotes],
  ["disk.vmdk", "application/x-vmdk", eicarAndNotes],
  ["disk.qcow2", "application/x-qemu-disk", eicarAndNotes],
] as const)
  extractorContract(`7-zip, ${sample}`, () => ({
    extractor: sevenZipExtractor,
    types: [type],
    archive: sampleBytes(`container/${sample}`),
    ...found,
  }));
for (const method of ["lzma", "lzma2", "ppmd", "bzip2", "deflate64", "copy"])
  extractorContract(`7-zip, 7z with ${method}`, () => ({
    extractor: sevenZipExtractor,
    types: ["application/x-7z-compressed"],
    archive: sampleBytes(`container/${method}.7z`),
    names: ["eicar.com", "sub/notes.txt", "見積書.txt"],
    bytes: 68 + 2 * 184,
  }));
extractorContract("ole", () => ({
  extractor: oleExtractor,
  types: ["application/x-ole-storage"],
  archive: compound([
    { name: "Package", data: "first ".repeat(50) },
    { name: "x", children: [{ name: "CONTENTS", data: "second ".repeat(50) }] },
  ]),
  names: ["Package", "CONTENTS"],
  bytes: 650,
}));
extractorContract("office-flat", () => ({
  extractor: flatOfficeExtractor,
  types: ["application/vnd.ms-flat-opc"],
  archive: Buffer.from(
    `<pkg:package xmlns:pkg="x">${files.map(({ name, data }) => `<pkg:part pkg:name="/${name}"><pkg:binaryData>${Buffer.from(data).toString("base64")}</pkg:binaryData></pkg:part>`).join("")}</pkg:package>`,
  ),
  names: ["a.txt", "c.txt"],
  bytes: 650,
}));
extractorContract("rtf", () => ({
  extractor: rtfExtractor,
  types: ["application/rtf"],
  archive: Buffer.from(
    `{\\rtf1 ${files.map(({ name, data }) => `{\\*\\datastore ${oldObject(name, Buffer.from(data)).toString("hex")}}`).join("")}}`,
  ),
  names: ["a.txt", "b/c.txt"],
  bytes: 650,
}));
extractorContract("onenote", () => ({
  extractor: oneNoteExtractor,
  types: ["application/onenote"],
  archive: oneNote(files),
  names: ["a.txt", "c.txt"],
  bytes: 650,
}));
extractorContract("workbook", () => ({
  extractor: workbookExtractor,
  types: ["application/vnd.ms-excel"],
  archive: biffWorkbook({ strings: files.map(({ data }) => data.slice(0, -1)) }),
  names: ["text"],
  bytes: 650,
}));
extractorContract("access", () => ({
  extractor: accessExtractor,
  types: ["application/vnd.ms-access"],
  archive: Buffer.concat([Buffer.alloc(4096), vbaCompress(Buffer.from('Attribute VB_Name = "Start"\r\n'))]),
  names: ["macro"],
  bytes: 29,
}));
