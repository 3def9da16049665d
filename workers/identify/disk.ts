/** Raw images of disks: a boot record with partitions, a file system from the first octet on. ECMA-107 (FAT), UEFI 2.10 §5 (MBR, GPT) */

export const rawDisk = "application/x-raw-disk-image";

const text = (bytes: Buffer, at: number, mark: string): boolean =>
  bytes.toString("latin1", at, at + mark.length) === mark;

const named: readonly (readonly [at: number, mark: string])[] = [
  [3, "NTFS    "],
  [3, "EXFAT   "],
  [54, "FAT"],
  [82, "FAT32"],
];
const isPowerOfTwo = (number: number): boolean => number > 0 && (number & (number - 1)) === 0;

/** The BIOS parameter block of FAT or NTFS, whether or not it names its file system. ECMA-107 §9 */
function hasParameters(bytes: Buffer): boolean {
  if (bytes[0] !== 0xeb && bytes[0] !== 0xe9) return false;
  if (named.some(([at, mark]) => text(bytes, at, mark))) return true;
  const [perCluster = 0, tables = 0, media = 0] = [bytes[13], bytes[16], bytes[21]];
  const hasTables = tables === 1 || tables === 2;
  return (
    [512, 1024, 2048, 4096].includes(bytes.readUInt16LE(11)) && isPowerOfTwo(perCluster) && hasTables && media >= 0xf0
  );
}

/** Four entries, each either empty or with a place on a disk. UEFI 2.10 §5.2.1 */
function hasPartitions(bytes: Buffer): boolean {
  let used = 0;
  for (let at = 446; at < 510; at += 16) {
    const [status, type] = [bytes[at] ?? 0, bytes[at + 4] ?? 0];
    const [first, count] = [bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12)];
    if ((status & 0x7f) !== 0 || (type === 0 ? first + count !== 0 : first === 0 || count === 0)) return false;
    if (type !== 0) used++;
  }
  return used > 0;
}

/** The superblock of ext2 to ext4, by more than its two octets of magic. */
const isExt = (bytes: Buffer): boolean =>
  bytes.readUInt16LE(1080) === 0xef53 &&
  bytes.readUInt32LE(1048) <= 6 &&
  bytes.readUInt32LE(1096) <= 4 &&
  bytes.readUInt32LE(1100) <= 1;

const isHfs = (bytes: Buffer): boolean => text(bytes, 1024, "H+\0\x04") || text(bytes, 1024, "HX\0\x05");

export function isRawDisk(bytes: Buffer): boolean {
  if (bytes.length < 4096) return false;
  if (isExt(bytes) || isHfs(bytes) || text(bytes, 512, "EFI PART")) return true;
  return bytes.readUInt16LE(510) === 0xaa55 && (hasParameters(bytes) || hasPartitions(bytes));
}
