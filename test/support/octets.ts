/** Octets to scan: made from a seed, in the shapes that attachments have, and all the stored ones. */
import { globSync, readFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";

/** The same octets for the same seed on every machine. */
export function noise(length: number, seed: number): Buffer {
  const octets = Buffer.alloc(length);
  let state = seed * 2_654_435_761 + 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    octets[i] = state >>> 24;
  }
  return octets;
}

const words =
  "the quick sallyport invoice powershell CreateObject http://example.test password 請求書 document.write".split(" ");

function prose(length: number, seed: number): string {
  const picks = noise(Math.ceil(length / 4), seed);
  let text = "";
  for (let i = 0; text.length < length; i++) text += `${words[(picks[i] ?? 0) % words.length]} `;
  return text.slice(0, length);
}

/** Headers of a program for Windows, with sections of noise. */
function program(size: number, seed: number): Buffer {
  const octets = Buffer.concat([Buffer.alloc(0x400), noise(size, seed)]);
  octets.write("MZ", 0, "latin1");
  octets.writeUInt32LE(0x80, 0x3c);
  octets.write("PE\0\0", 0x80, "latin1");
  octets.writeUInt16LE(0x14c, 0x84);
  octets.writeUInt16LE(1, 0x86);
  octets.writeUInt16LE(0xe0, 0x94);
  octets.writeUInt16LE(seed % 2 === 0 ? 0x0102 : 0x2102, 0x96);
  octets.writeUInt16LE(0x10b, 0x98);
  octets.writeUInt32LE(0x1000, 0xa8);
  octets.writeUInt32LE(0x40_0000, 0xb4);
  octets.writeUInt32LE(0x1000, 0xb8);
  octets.writeUInt32LE(0x200, 0xbc);
  octets.writeUInt32LE(16, 0xf4);
  octets.write(".text\0\0\0", 0x178, "latin1");
  octets.writeUInt32LE(size, 0x180);
  octets.writeUInt32LE(0x1000, 0x184);
  octets.writeUInt32LE(size, 0x188);
  octets.writeUInt32LE(0x400, 0x18c);
  return octets;
}

function archive(seed: number): Buffer {
  const content = Buffer.from(prose(3_000, seed));
  const packed = deflateRawSync(content);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x0403_4b50, 0);
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt32LE(content.length, 22);
  head.writeUInt16LE(9, 26);
  return Buffer.concat([head, Buffer.from("word.xml\0"), packed, noise(64, seed)]);
}

function cut(octets: Buffer, seed: number): Buffer {
  const changed = Buffer.from(octets.subarray(0, 1 + ((seed * 7_919) % octets.length)));
  for (let i = 0; i < 20; i++) changed[(seed * 104_729 * (i + 1)) % changed.length] = (seed * 31 + i) & 0xff;
  return changed;
}

export function madeOctets(count: number): readonly Buffer[] {
  const shapes: readonly ((seed: number) => Buffer)[] = [
    (seed) => noise(1 + seed * 97, seed),
    (seed) => Buffer.from(prose(seed * 211, seed)),
    (seed) => Buffer.from(`\ufeff${prose(seed * 151, seed)}`, "utf16le"),
    (seed) => program(512 + seed * 64, seed),
    (seed) => cut(program(2_048, seed), seed),
    (seed) => archive(seed),
    (seed) => cut(archive(seed), seed),
    (seed) => Buffer.concat([noise(seed % 9, seed), Buffer.from(`%PDF-1.7 /JavaScript ${prose(900, seed)}`)]),
    (seed) => Buffer.concat([Buffer.from("\x7fELF\x02\x01\x01", "latin1"), noise(400, seed)]),
    (seed) => Buffer.alloc(seed * 50, 0x41),
  ];
  const made = Array.from({ length: count }, (_, i) => shapes[i % shapes.length]?.(i) ?? Buffer.alloc(0));
  return [Buffer.alloc(0), ...made];
}

/** As they were before they were stored. */
export function storedOctets(): readonly Buffer[] {
  const root = new URL("../../fixtures/", import.meta.url);
  return globSync("attachments/**/*.b64", { cwd: root }).map((file) =>
    Buffer.from(readFileSync(new URL(file, root), "latin1"), "base64"),
  );
}
