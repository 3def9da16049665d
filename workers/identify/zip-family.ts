/** What a zip file is beyond being one: Office, OpenDocument, Java, app packages; and whether it holds macros under any name. ECMA-376 part 2 (OPC), OpenDocument 1.3 part 2 */
import { inflateRawSync } from "node:zlib";
import { findDirectory, isEncrypted, nextLocal, readLocal, type ZipHeader } from "../formats/zip.ts";
import { basicLibrary, encrypted, macroSheet, vbaProject, zip } from "./types.ts";

/** Content types and the like: real ones have a few KiB. */
const mostManifest = 1024 * 1024;
const mostNames = 20_000;

interface Found {
  readonly header: ZipHeader;
  readonly name: string;
  /** Where its local header is. */
  readonly at: number;
}

/** Files of the directory; if there is none, those of the local headers: Word mends such a document and opens it. */
function files(bytes: Buffer): Found[] {
  const named = (header: ZipHeader, at: number) => ({
    header,
    name: header.name.toString("utf8").replaceAll("\\", "/"),
    at,
  });
  const directory = findDirectory(bytes);
  if (directory)
    return directory.entries.slice(0, mostNames).map((header) => named(header, header.offset + directory.base));
  const found: Found[] = [];
  for (let at = nextLocal(bytes, 0); at >= 0 && found.length < mostNames; at = nextLocal(bytes, at + 4)) {
    const header = readLocal(bytes, at);
    if (header) found.push(named(header, at));
  }
  return found;
}

/** The content of a small file as text; "" if it cannot be had. */
function read(bytes: Buffer, file: Found | undefined): string {
  const local = file && readLocal(bytes, file.at);
  if (!file || !local || isEncrypted(file.header)) return "";
  const { method, compressedSize } = file.header;
  const data = bytes.subarray(local.offset, compressedSize > 0 ? local.offset + compressedSize : undefined);
  if (method === 0) return data.subarray(0, mostManifest).toString("utf8");
  try {
    return inflateRawSync(data, { maxOutputLength: mostManifest }).toString("utf8");
  } catch {
    // Damaged or absurdly large: the names of the files must do; the extractor reports the damage.
    return "";
  }
}

const office = "application/vnd.openxmlformats-officedocument.";

/** Content type of the main part, after "application/" and before "+xml" → the type of the package. */
function packageType(main: string): string {
  if (main.startsWith("vnd.openxmlformats-officedocument.")) return `application/${main.replace(/\.main$/, "")}`;
  if (main.startsWith("vnd.ms-visio.")) return `application/${main}+xml`;
  return `application/${main.replace(/\.main$/, ".12")}`;
}

const mainPart =
  /application\/(vnd\.openxmlformats-officedocument\.(?:wordprocessingml|spreadsheetml|presentationml)\.(?:document|sheet|template|presentation|slideshow)\.main|vnd\.ms-(?:word|excel|powerpoint)\.[a-z.]{1,30}macroenabled\.main|vnd\.ms-visio\.drawing\.(?:macroenabled\.)?main)(?:\+xml)?["']/;

const byFolder: readonly (readonly [RegExp, string])[] = [
  [/^word\/document/i, `${office}wordprocessingml.document`],
  [/^xl\/workbook\.bin/i, "application/vnd.ms-excel.sheet.binary.macroenabled.12"],
  [/^xl\/workbook/i, `${office}spreadsheetml.sheet`],
  [/^ppt\/presentation/i, `${office}presentationml.presentation`],
  [/^visio\/document/i, "application/vnd.ms-visio.drawing.main+xml"],
  [/^(appxmanifest|appxmetadata\/appxbundlemanifest)\.xml$/i, "application/vnd.ms-appx"],
  [/^extension\.vsixmanifest$/i, "application/vsix"],
  [/^fixeddocumentsequence\.fdseq$|\.fdseq$/i, "application/oxps"],
];

/** An Open XML package: its type from the content types, or from its folders if those are damaged; then its traits. */
function openXml(bytes: Buffer, all: readonly Found[]): string[] | null {
  const list = all.find(({ name }) => name.toLowerCase() === "[content_types].xml");
  const named = byFolder.find(([pattern]) => all.some(({ name }) => pattern.test(name)))?.[1];
  if (!list && !named) return null;
  const types = read(bytes, list).toLowerCase();
  const main = mainPart.exec(types)?.[1];
  const found = [main ? packageType(main) : (named ?? "application/vnd.openxmlformats-package")];
  if (types.includes("vnd.ms-office.vbaproject") || all.some(({ name }) => /(^|\/)vbaproject[^/]*\.bin$/i.test(name)))
    found.push(vbaProject);
  if (
    types.includes("vnd.ms-excel.macrosheet") ||
    types.includes("vnd.ms-excel.intlmacrosheet") ||
    all.some(({ name }) => /^xl\/macrosheets\//i.test(name))
  )
    found.push(macroSheet);
  return found;
}

/** OpenDocument and e-books say what they are in their first file, uncompressed. */
function byMimetype(bytes: Buffer, all: readonly Found[]): string[] | null {
  const told = read(
    bytes,
    all.find(({ name }) => name === "mimetype"),
  )
    .trim()
    .toLowerCase();
  if (told === "application/epub+zip") return [told];
  if (!told.startsWith("application/vnd.oasis.opendocument") && !told.startsWith("application/vnd.sun.xml"))
    return null;
  const type = /^application\/vnd\.oasis\.opendocument\.(text|spreadsheet|presentation|graphics)/.exec(told)?.[0];
  const found = [type ?? "application/vnd.oasis.opendocument"];
  if (all.some(({ name }) => /^(Basic|Scripts)\/.+\/./.test(name))) found.push(basicLibrary);
  if (
    read(
      bytes,
      all.find(({ name }) => name === "META-INF/manifest.xml"),
    ).includes("encryption-data")
  )
    found.push(encrypted);
  return found;
}

const has = (all: readonly Found[], pattern: RegExp): boolean => all.some(({ name }) => pattern.test(name));

/** The type and its traits; plain zip if it is nothing more. The octets hold a zip file, perhaps not from their start. */
export function readZipFamily(bytes: Buffer): readonly string[] {
  const all = files(bytes);
  const known = openXml(bytes, all) ?? byMimetype(bytes, all);
  if (known) return known;
  if (has(all, /^AndroidManifest\.xml$/)) return ["application/vnd.android.package-archive"];
  if (has(all, /^META-INF\/MANIFEST\.MF$/i) && has(all, /\.class$|^META-INF\/.*\.SF$/i))
    return ["application/java-archive"];
  if (has(all, /^Payload\/[^/]+\.app\//)) return ["application/x-ios-app"];
  if (has(all, /^Index\/(Document\.iwa|.*\.iwa)$|^index\.(apxl|xml)$/i) && has(all, /^(Index|preview|QuickLook)/i))
    return ["application/vnd.apple.iwork"];
  return [zip];
}

/** Whether the types say that the zip extractor can open it. */
export const isZipType = (type: string): boolean =>
  type === zip ||
  /openxmlformats|macroenabled|opendocument|epub\+zip|visio\.drawing|iwork|ms-appx|vsix|oxps|java-archive|android\.package|ios-app/.test(
    type,
  );
