/** Small changes to samples, as fast-check makes them: octets set, put in, cut off, doubled. */
import fc from "fast-check";

interface Edit {
  readonly at: number;
  readonly octets: Uint8Array;
  readonly kind: "set" | "insert" | "cut" | "double";
}

export const edits = fc.array(
  fc.record<Edit>({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    octets: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      fc.constantFrom(
        Buffer.from("ffffffff", "hex"),
        Buffer.from("00000000", "hex"),
        Buffer.from("PK\x03\x04"),
        Buffer.from("PK\x05\x06"),
      ),
    ),
    kind: fc.constantFrom("set", "set", "set", "insert", "cut", "double"),
  }),
  { minLength: 1, maxLength: 6 },
);

export function mutate(bytes: Buffer, list: readonly Edit[]): Buffer {
  return list.reduce((now, { at, octets, kind }) => {
    const place = Math.floor(at * now.length);
    if (kind === "cut") return now.subarray(0, place);
    if (kind === "double") return Buffer.concat([now, now.subarray(place)]);
    const rest = now.subarray(kind === "set" ? place + octets.length : place);
    return Buffer.concat([now.subarray(0, place), octets, rest]);
  }, bytes);
}
