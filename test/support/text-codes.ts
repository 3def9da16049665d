/** Encoders of yEnc and BinHex, written from their descriptions: what the decoders must undo. */

/** yEnc working draft 1.3: 42 is added, four octets are escaped. */
export function yenc(name: string, data: Buffer): Buffer {
  const lines: Buffer[] = [];
  for (let at = 0; at < data.length; at += 128) {
    const octets = [...data.subarray(at, at + 128)].flatMap((octet) => {
      const coded = (octet + 42) & 255;
      return [0, 10, 13, 61].includes(coded) ? [61, (coded + 64) & 255] : [coded];
    });
    lines.push(Buffer.from([...octets, 13, 10]));
  }
  const size = data.length;
  return Buffer.concat([
    Buffer.from(`=ybegin line=128 size=${size} name=${name}\r\n`),
    ...lines,
    Buffer.from(`=yend size=${size}\r\n`),
  ]);
}

const alphabet = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

function packRuns(data: Buffer): Buffer {
  const out: number[] = [];
  for (let at = 0; at < data.length; ) {
    const octet = data[at] as number;
    let length = 1;
    while (length < 255 && data[at + length] === octet) length++;
    out.push(...(octet === 0x90 ? [0x90, 0] : [octet]));
    if (length > 1) out.push(0x90, length);
    at += length;
  }
  return Buffer.from(out);
}

/** RFC 1741 appendix A, with zeros for the checksums. */
export function binhex(name: string, data: Buffer, resource: Buffer = Buffer.alloc(0)): Buffer {
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(data.length, 0);
  sizes.writeUInt32BE(resource.length, 4);
  const noSum = Buffer.alloc(2);
  const head = Buffer.concat([Buffer.from([name.length]), Buffer.from(`${name}\0TEXTttxt\0\0`), sizes]);
  const packed = packRuns(Buffer.concat([head, noSum, data, noSum, resource, noSum]));
  let text = "";
  for (let at = 0; at < packed.length; at += 3) {
    const group = ((packed[at] ?? 0) << 16) | ((packed[at + 1] ?? 0) << 8) | (packed[at + 2] ?? 0);
    const most = Math.ceil((Math.min(3, packed.length - at) * 8) / 6);
    for (let char = 0; char < most; char++) text += alphabet[(group >> (18 - 6 * char)) & 63];
  }
  const lines = `:${text}:`.match(/.{1,64}/g) ?? [];
  return Buffer.from(`(This file must be converted with BinHex 4.0)\r\n\r\n${lines.join("\r\n")}\r\n`);
}
