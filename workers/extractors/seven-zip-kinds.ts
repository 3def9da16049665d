/** What 7-Zip is to take a type for: the readers that it has for it, and the mark by which it is found behind other octets. */

export interface Reading {
  /** Names of 7-Zip's readers, all of which are asked; by "" it finds out by itself, and looks into what is the only thing inside. */
  readonly as: readonly string[];
  readonly mark?: Buffer;
  /** Another view of the same octets, where there is one. */
  readonly other?: { readonly as: string; readonly bytes: (bytes: Buffer) => Buffer | null };
  /** A single stream: its one file has no name of its own. */
  readonly nameless?: boolean;
}

const sector = 2048;
const firstDescriptor = 16;
const mostDescriptors = 16;
const terminator = 255;

/** The image as a reader sees it that does not know Joliet: its descriptors end in front of that tree's. Null if there is none. ECMA-119 §8.3, Joliet §2.2 */
function withoutJoliet(bytes: Buffer): Buffer | null {
  for (let at = firstDescriptor * sector; at < (firstDescriptor + mostDescriptors) * sector; at += sector) {
    if (bytes.toString("latin1", at + 1, at + 6) !== "CD001") return null;
    if (bytes[at] !== 2 || bytes.toString("latin1", at + 88, at + 90) !== "%/") continue;
    const copy = Buffer.from(bytes);
    copy[at] = terminator;
    return copy;
  }
  return null;
}

const marked = (as: string, mark: Buffer): Reading => ({ as: [as], mark });
const plain = (...as: readonly string[]): Reading => ({ as });
const stream = (as: string): Reading => ({ as: [as], nameless: true });
const image: Reading = { as: [""] };

const readings: Readonly<Record<string, Reading>> = {
  "application/x-7z-compressed": marked("7z", Buffer.from("377abcaf271c", "hex")),
  "application/vnd.rar": marked("rar", Buffer.from("Rar!\x1a\x07", "latin1")),
  "application/vnd.ms-cab-compressed": marked("cab", Buffer.from("MSCF\0\0\0\0", "latin1")),
  "application/x-arj": plain("arj"),
  "application/x-cpio": plain("cpio"),
  "application/x-archive": plain("ar"),
  "application/vnd.debian.binary-package": plain("ar"),
  "application/x-rpm": plain("rpm"),
  "application/x-xar": plain("xar"),
  "application/x-bzip2": stream("bzip2"),
  "application/x-xz": stream("xz"),
  "application/zstd": stream("zstd"),
  "application/x-lzma": stream("lzma"),
  "application/x-compress": stream("z"),
  "application/x-ms-szdd": stream("mslz"),
  "application/x-iso9660-image": { as: ["iso", "udf"], other: { as: "iso", bytes: withoutJoliet } },
  "application/x-ms-wim": plain("wim"),
  "application/x-squashfs": plain("squashfs"),
  "application/vnd.ms-htmlhelp": plain("chm"),
  "application/x-msi": plain("compound"),
  "application/x-nsis": plain("nsis"),
  "application/x-vhd": image,
  "application/x-vhdx": image,
  "application/x-vmdk": image,
  "application/x-vdi": image,
  "application/x-qemu-disk": image,
  "application/x-apple-diskimage": image,
  "application/x-raw-disk-image": image,
};

export const readingOf = (type: string): Reading | undefined => readings[type];

/** RAR 5 has a reader of its own, told by the octet behind the mark both share. */
export const readersAt = ({ as, mark }: Reading, bytes: Buffer, at: number): readonly string[] =>
  mark && as[0] === "rar" && bytes[at + mark.length] === 1 ? ["rar5"] : as;
