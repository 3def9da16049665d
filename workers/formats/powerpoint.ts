/** The stream of a binary presentation: embedded objects and macros, each a compound file, mostly compressed; text of slides. [MS-PPT] §2.3, §2.10.34 */
import { inflateSync } from "node:zlib";
import type { Bytes } from "../../src/core/message.ts";

export interface PresentationRecord {
  readonly kind: "object" | "compressed" | "text";
  readonly data: Buffer;
  /** Characters have two octets. */
  readonly wide: boolean;
}

const storage = 0x1011;
const kinds: ReadonlyMap<number, Pick<PresentationRecord, "kind" | "wide">> = new Map([
  [0x0fa0, { kind: "text", wide: true }],
  [0x0fba, { kind: "text", wide: true }],
  [0x0fa8, { kind: "text", wide: false }],
]);
const container = 0x0f;
const mostRecords = 500_000;

/** Containers are walked into, whatever they are. */
export function* presentationRecords(bytes: Buffer): Generator<PresentationRecord> {
  let at = 0;
  for (let left = mostRecords; at + 8 <= bytes.length && left > 0; left--) {
    const head = bytes.readUInt16LE(at);
    const type = bytes.readUInt16LE(at + 2);
    const data = bytes.subarray(at + 8, at + 8 + bytes.readUInt32LE(at + 4));
    at += 8 + ((head & 0x0f) === container ? 0 : data.length);
    const known = kinds.get(type);
    if (known) yield { ...known, data };
    else if (type === storage) yield { kind: head >>> 4 === 1 ? "compressed" : "object", data, wide: false };
  }
}

/** The size in front of the octets is a claim. §2.10.36 */
export function inflateObject(data: Buffer, room: Bytes): Buffer | "limit" | "malformed" {
  if (room < 1) return "limit";
  try {
    return inflateSync(data.subarray(4), { maxOutputLength: room });
  } catch (error) {
    return error instanceof RangeError ? "limit" : "malformed";
  }
}
