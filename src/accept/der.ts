/** Just enough DER (ITU-T X.690) to write a certificate; Node can read certificates but not make them. */

function length(size: number): Buffer {
  if (size < 128) return Buffer.of(size);
  const octets: number[] = [];
  for (let left = size; left > 0; left >>>= 8) octets.unshift(left & 255);
  return Buffer.of(128 | octets.length, ...octets);
}

export function tagged(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag), length(body.length), body]);
}

export const sequence = (...items: readonly Buffer[]): Buffer => tagged(0x30, ...items);
export const set = (...items: readonly Buffer[]): Buffer => tagged(0x31, ...items);
export const octetString = (content: Buffer): Buffer => tagged(0x04, content);
export const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text));
export const boolean = (value: boolean): Buffer => tagged(0x01, Buffer.of(value ? 255 : 0));
/** No unused bits. */
export const bitString = (content: Buffer, unused = 0): Buffer => tagged(0x03, Buffer.of(unused), content);
/** `content` big-endian and not negative. */
export const integer = (content: Buffer): Buffer =>
  tagged(0x02, (content[0] ?? 0) > 127 ? Buffer.concat([Buffer.of(0), content]) : content);

/** "1.2.840.10045.4.3.2" */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const arcs = [first * 40 + second, ...rest].map((arc) => {
    const octets = [arc & 127];
    for (let left = arc >>> 7; left > 0; left >>>= 7) octets.unshift((left & 127) | 128);
    return Buffer.from(octets);
  });
  return tagged(0x06, ...arcs);
}

/** RFC 5280 §4.1.2.5: UTCTime up to 2049, GeneralizedTime from then on. */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return at.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : tagged(0x18, Buffer.from(`${digits}Z`));
}
