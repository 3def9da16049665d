/** Headers of Windows programs, as far as they tell program, library and mere "MZ" apart. Microsoft PE format, COFF file header. */

export type Executable = "program" | "library" | "dos";

const isText = (head: Buffer): boolean => !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(head.toString("latin1", 0, 64));

/** What the octets from `at` are, or null. Prose that begins with "MZ" is not a program. */
export function executableAt(bytes: Buffer, at = 0): Executable | null {
  if (bytes[at] !== 0x4d || bytes[at + 1] !== 0x5a) return null;
  const header = at + 64 <= bytes.length ? at + bytes.readUInt32LE(at + 0x3c) : bytes.length;
  if (header + 24 <= bytes.length && bytes.readUInt32LE(header) === 0x00004550)
    return (bytes.readUInt16LE(header + 22) & 0x2000) !== 0 ? "library" : "program";
  return isText(bytes.subarray(at)) && bytes.length - at > 2 ? null : "dos";
}
