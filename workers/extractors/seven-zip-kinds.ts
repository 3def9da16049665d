/** What 7-Zip is to take a type for: the readers that it has for it, and the mark by which it is found behind other octets. */

export interface Reading {
  /** Names of 7-Zip's readers, all of which are asked; by "" it finds out by itself, and looks into what is the only thing inside. */
  readonly as: readonly string[];
  readonly mark?: Buffer;
  /** A single stream: its one file has no name of its own. */
  readonly nameless?: boolean;
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
  "application/x-iso9660-image": plain("iso", "udf"),
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
