import { gzip, tar, zip } from "../../fixtures/make.ts";
import { lzh } from "../../fixtures/make-lzh.ts";
import { emlExtractor } from "../../workers/extractors/eml.ts";
import { gzipExtractor } from "../../workers/extractors/gzip.ts";
import { lzhExtractor } from "../../workers/extractors/lzh.ts";
import { tarExtractor } from "../../workers/extractors/tar.ts";
import { zipExtractor } from "../../workers/extractors/zip.ts";
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
