/** Second meanings of the same octets: what a reader finds that does not begin at the first octet, or is more tolerant than the standards. */
import { nextLzh } from "../formats/lzh-header.ts";
import { findDirectory } from "../formats/zip.ts";
import { mimeArchive, pe, zip } from "./types.ts";
import { readZipFamily } from "./zip-family.ts";

const magicRar = Buffer.from("Rar!\x1a\x07", "latin1");
const magic7z = Buffer.from("377abcaf271c", "hex");
const magicCab = Buffer.from("MSCF\0\0\0\0", "latin1");
/** What NSIS puts in front of the data that it appends to its program. */
const magicNsis = Buffer.from("efbeadde4e756c6c736f6674496e7374", "hex");
/** RAR and 7-Zip look this far for their mark behind a self-extractor, or anything else. */
const stubBytes = 1024 * 1024;
/** Readers of PDF accept the header anywhere in the first KiB: ISO 32000-1 annex H.3.4.1. */
const pdfJunk = 1024;
const scriptBytes = 64 * 1024;

/** Kinds of octets that hold whole files as they are: an archive inside is a member of theirs, not a second meaning. */
const holders =
  /ole-storage|pkcs7|applefile|macbinary|mbox|msword|ms-(?:excel|powerpoint|outlook|project|tnef|wim|cab|access|appx|msi)|visio$|mspublisher|x-tar|iso9660|x-(?:vhd|vmdk|qemu|apple-disk|squashfs|cpio|archive|xar|msi|rpm)|rar|7z|sqlite|onenote|debian/;

/** A zip directory near the end. In octets that hold files, only if the archive closes them exactly. */
function appendedZip(bytes: Buffer, first: string): readonly string[] {
  const directory = findDirectory(bytes);
  if (!directory || directory.damaged || directory.entries.length === 0) return [];
  return directory.closes || !holders.test(first) ? readZipFamily(bytes) : [];
}

/** A header that is not first, and objects behind it: prose about PDF has none. */
const pdfInside = (bytes: Buffer): boolean =>
  /%PDF-\d/.test(bytes.toString("latin1", 0, pdfJunk + 8)) && bytes.includes("endobj");

function embedded(bytes: Buffer, mark: Buffer): boolean {
  const at = bytes.subarray(0, stubBytes).indexOf(mark);
  return at > 0;
}

const isIso = (bytes: Buffer): boolean =>
  [0x8001, 0x8801, 0x9001].some(
    (at) => bytes.length > at + 5 && /^(?:CD001|BEA01|NSR0[23])/.test(bytes.toString("latin1", at, at + 5)),
  );

/** mshta and script hosts skip what they do not understand; a program may stand behind a picture's header. */
function scriptInside(bytes: Buffer, first: string): string[] {
  const ends = [bytes.subarray(0, scriptBytes), bytes.length > scriptBytes ? bytes.subarray(-scriptBytes) : null];
  const text = ends.map((end) => end?.toString("latin1") ?? "").join("\n");
  if (/<hta:application\b/i.test(text)) return ["application/hta"];
  const active = first.startsWith("image/") || first === "application/x-ms-shortcut";
  return active && /<script[\s>]/i.test(text) ? ["text/html"] : [];
}

/** Word takes a MIME header anywhere near the front for a web archive, PDF header or not. */
const mhtInside = (bytes: Buffer): boolean => {
  const text = bytes.toString("latin1", 0, scriptBytes);
  if (/^MIME-Version:/im.test(text) && /multipart\/related|application\/x-mso|ActiveMime/i.test(text)) return true;
  const at = bytes.indexOf("MIME-Version:");
  const around = at < 0 ? "" : bytes.toString("latin1", Math.max(0, at - 1024), at + scriptBytes);
  return /^MIME-Version:/m.test(around) && /multipart\/related|application\/x-mso|ActiveMime/i.test(around);
};

const magicMso = Buffer.from("ActiveMime\0\0", "latin1");
/** What only web archives of Office with macros or objects have. */
const officeMarks = ["ActiveMime", "QWN0aXZlTWlt", "application/x-mso"];
/** The same with junk in front, or in the middle of anything that is nothing else. */
const officeMht = (bytes: Buffer): boolean =>
  officeMarks.some((mark) => bytes.includes(mark)) && /^MIME-Version:/im.test(bytes.toString("latin1", 0, scriptBytes));

/** Whole files of other formats that a tolerant reader would find behind a beginning of another kind. */
function whole(bytes: Buffer, first: string): string[] {
  if (holders.test(first)) return [];
  const found: string[] = [];
  if (first !== "application/pdf" && pdfInside(bytes)) found.push("application/pdf");
  if (embedded(bytes, magicRar)) found.push("application/vnd.rar");
  if (first !== "application/x-mso" && embedded(bytes, magicMso)) found.push("application/x-mso");
  if (embedded(bytes, magic7z)) found.push("application/x-7z-compressed");
  if (first === pe) found.push(...appended(bytes));
  return found;
}

/** Cabinets say in bits 0 to 7 of their version that they are 1.3. [MS-CAB] §2.1 */
function appended(bytes: Buffer): string[] {
  const cab = bytes.indexOf(magicCab);
  const isCab = cab > 0 && bytes[cab + 24] === 3 && bytes[cab + 25] === 1;
  return [
    ...(isCab ? ["application/vnd.ms-cab-compressed"] : []),
    ...(nextLzh(bytes, 0) >= 0 ? ["application/x-lzh-compressed"] : []),
    ...(bytes.includes(magicNsis) ? ["application/x-nsis"] : []),
  ];
}

/** Types besides `first`, which is what the first octets say ("" if they say nothing). */
export function secondMeanings(bytes: Buffer, first: string): readonly string[] {
  const found: string[] = [...appendedZip(bytes, first), ...whole(bytes, first)];
  if (isIso(bytes)) found.push("application/x-iso9660-image");
  const isTextual = first === "" || first === "application/octet-stream" || first.startsWith("text/");
  if (first === "application/pdf" ? mhtInside(bytes) : isTextual && officeMht(bytes)) found.push(mimeArchive);
  const isPlain = first === "" || first.startsWith("text/") || first === zip;
  if (!isPlain) found.push(...scriptInside(bytes, first));
  return found.filter((type) => type !== first);
}
