/** Signatures at fixed places: cheap, and certain enough that no other detector need be asked about the first octets. */
import { executableAt } from "../formats/pe.ts";
import { isRawDisk, rawDisk } from "./disk.ts";
import { dosExecutable, pe, rtf } from "./types.ts";

type Row = readonly [type: string, offset: number, signature: Buffer];

const hex = (type: string, offset: number, digits: string): Row => [type, offset, Buffer.from(digits, "hex")];
const text = (type: string, offset: number, signature: string): Row => [type, offset, Buffer.from(signature, "latin1")];

const atStart: readonly Row[] = [
  hex("image/jpeg", 0, "ffd8ff"),
  hex("image/png", 0, "89504e470d0a1a0a"),
  text("image/gif", 0, "GIF87a"),
  text("image/gif", 0, "GIF89a"),
  hex("image/tiff", 0, "49492a00"),
  hex("image/tiff", 0, "4d4d002a"),
  text("image/webp", 8, "WEBPVP8"),
  text("image/emf", 40, " EMF\0\0\x01\0"),
  hex("image/wmf", 0, "d7cdc69a"),
  text("image/vnd.adobe.photoshop", 0, "8BPS\0"),
  text("application/pdf", 0, "%PDF-"),
  text(rtf, 0, "{\\rt"),
  text("application/vnd.rar", 0, "Rar!\x1a\x07"),
  hex("application/x-7z-compressed", 0, "377abcaf271c"),
  hex("application/gzip", 0, "1f8b08"),
  text("application/x-bzip2", 0, "BZh"),
  hex("application/x-xz", 0, "fd377a585a00"),
  hex("application/zstd", 0, "28b52ffd"),
  text("application/x-lzip", 0, "LZIP\x01"),
  hex("application/x-compress", 0, "1f9d90"),
  hex("application/x-lz4", 0, "04224d18"),
  hex("application/x-zoo", 20, "dca7c4fd"),
  text("application/x-stuffit", 0, "SIT!"),
  text("application/x-stuffit", 0, "StuffIt "),
  text("application/vnd.ms-cab-compressed", 0, "MSCF\0\0\0\0"),
  text("application/x-ace-compressed", 7, "**ACE**"),
  hex("application/x-arj", 0, "60ea"),
  text("application/x-tar", 257, "ustar"),
  text("application/x-xar", 0, "xar!"),
  text("application/x-alz-compressed", 0, "ALZ\x01"),
  text("application/x-egg-compressed", 0, "EGGA"),
  hex("application/vnd.ms-tnef", 0, "789f3e22"),
  hex("application/applefile", 0, "00051600"),
  hex("application/applefile", 0, "00051607"),
  text("application/x-rpm", 0, "\xed\xab\xee\xdb"),
  text("application/vnd.debian.binary-package", 0, "!<arch>\ndebian"),
  text("application/x-archive", 0, "!<arch>\n"),
  text("application/x-iso9660-image", 0x8001, "CD001"),
  text("application/x-iso9660-image", 0x8001, "BEA01"),
  text("application/x-vhd", 0, "conectix"),
  text("application/x-vhdx", 0, "vhdxfile"),
  text("application/x-vmdk", 0, "KDMV"),
  text("application/x-qemu-disk", 0, "QFI\xfb"),
  text("application/x-ms-wim", 0, "MSWIM\0\0\0"),
  text("application/x-squashfs", 0, "hsqs"),
  hex("application/x-vdi", 64, "7f10dabe"),
  text("application/x-ms-szdd", 0, "SZDD\x88\xf0\x27\x33"),
  text("application/x-cpio", 0, "070701"),
  text("application/x-cpio", 0, "070702"),
  text("application/x-cpio", 0, "070707"),
  hex("application/onenote", 0, "e4525c7b8cd8a74daeb15378d02996d3"),
  hex("application/onenote", 0, "a12ff343d9ef764c9ee210ea5722765f"),
  text("application/vnd.ms-htmlhelp", 0, "ITSF"),
  hex("application/winhlp", 0, "3f5f0300"),
  hex("application/x-ms-shortcut", 0, "4c0000000114020000000000c000000000000046"),
  hex("application/x-elf", 0, "7f454c46"),
  hex("application/x-mach-binary", 0, "cefaedfe"),
  hex("application/x-mach-binary", 0, "cffaedfe"),
  hex("application/x-mach-binary", 0, "feedface"),
  hex("application/x-mach-binary", 0, "feedfacf"),
  text("application/vnd.android.dex", 0, "dex\n03"),
  text("application/x-chrome-extension", 0, "Cr24"),
  text("application/x-shockwave-flash", 0, "FWS"),
  text("application/x-shockwave-flash", 0, "CWS"),
  text("application/x-shockwave-flash", 0, "ZWS"),
  text("application/postscript", 0, "%!PS"),
  text("application/vnd.ms-access", 4, "Standard Jet DB"),
  text("application/vnd.ms-access", 4, "Standard ACE DB"),
  text("application/vnd.sqlite3", 0, "SQLite format 3\0"),
  text("application/vnd.ms-outlook-pst", 0, "!BDN"),
  text("application/x-vbe", 0, "#@~^"),
  text("application/x-mso", 0, "ActiveMime\0\0"),
  text("application/x-yenc", 0, "=ybegin "),
];

/** Marks that stand at the head of text; all others are chance if nothing but text follows. */
const textual = new Set([
  "application/pdf",
  rtf,
  "application/postscript",
  "application/x-vbe",
  "image/gif",
  "application/x-archive",
]);

const byFirstOctet = new Map<number, Row[]>();
const elsewhere: Row[] = [];
for (const row of atStart) {
  const first = row[2][0];
  if (row[1] !== 0 || first === undefined) elsewhere.push(row);
  else byFirstOctet.set(first, [...(byFirstOctet.get(first) ?? []), row]);
}

const isBinary = (bytes: Buffer): boolean => /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(bytes.toString("latin1", 0, 512));

const holds = (bytes: Buffer, [, offset, signature]: Row): boolean =>
  offset + signature.length <= bytes.length &&
  bytes.compare(signature, 0, signature.length, offset, offset + signature.length) === 0;

/** LHA headers have their mark at offset 2: `-lh5-`, `-lzs-`, `-pm2-`. */
const isLzh = (bytes: Buffer): boolean =>
  bytes[2] === 0x2d && /^-(lh|lz|pm)[0-9a-z]-$/.test(bytes.toString("latin1", 2, 7));

/** A fat Mach-O has few architectures where a Java class has its version. */
function cafeBabe(bytes: Buffer): string | null {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0xcafebabe) return null;
  return bytes.readUInt32BE(4) < 40 ? "application/x-mach-binary" : "application/java-vm";
}

/** Old tar files have no mark but the sum over their first header. */
export function hasTarChecksum(bytes: Buffer, at = 0): boolean {
  if (at + 512 > bytes.length) return false;
  const told = Number.parseInt(
    bytes
      .toString("latin1", at + 148, at + 156)
      .replace(/[\0 ]/g, " ")
      .trim(),
    8,
  );
  if (!(told > 0)) return false;
  let sum = 8 * 0x20;
  let signed = sum;
  for (let i = 0; i < 512; i++) {
    if (i >= 148 && i < 156) continue;
    sum += bytes[at + i] ?? 0;
    signed += bytes.readInt8(at + i);
  }
  return told === sum || told === signed;
}

/** Disk images with their mark at the end. */
function byTail(bytes: Buffer): string | null {
  if (bytes.length < 1024) return null;
  const tail = bytes.toString("latin1", bytes.length - 512, bytes.length - 504);
  return tail === "conectix" ? "application/x-vhd" : tail.startsWith("koly") ? "application/x-apple-diskimage" : null;
}

const executables = { program: pe, library: "application/x-ms-dll", dos: dosExecutable } as const;

/** Excel calls a function of an add-in by its name, so that stands in the library. */
const programType = (bytes: Buffer, kind: keyof typeof executables): string =>
  kind === "library" && bytes.includes("xlAutoOpen\0") ? "application/x-ms-xll" : executables[kind];

/** The type that the first octets have by one of our signatures, or null. Zip and OLE are not among them: they are looked into. */
export function byMagic(bytes: Buffer): string | null {
  const executable = executableAt(bytes);
  if (executable) return programType(bytes, executable);
  const row =
    byFirstOctet.get(bytes[0] ?? -1)?.find((one) => holds(bytes, one)) ?? elsewhere.find((one) => holds(bytes, one));
  if (row && (textual.has(row[0]) || isBinary(bytes))) return row[0];
  if (isLzh(bytes)) return "application/x-lzh-compressed";
  return cafeBabe(bytes) ?? byTail(bytes) ?? (isRawDisk(bytes) ? rawDisk : null);
}
