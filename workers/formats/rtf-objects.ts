/** Octets of objects that RTF carries in hexadecimal, by every reading that Word might have of them. RTF 1.9.1 "Objects" */

/** What was gathered while a group of object data was open. */
export class ObjectData {
  readonly depth: number;
  readonly from: number;
  /** Pieces on the level of the group itself, and those of groups in it as well. */
  readonly #own: string[] = [];
  readonly #all: string[] = [];
  /** Something stands among the digits that no program writes there. */
  isHidden = false;

  constructor(depth: number, from: number) {
    this.depth = depth;
    this.from = from;
  }

  add(piece: string, depth: number): void {
    this.#all.push(piece);
    if (depth === this.depth) this.#own.push(piece);
    else if (piece.trim() !== "") this.isHidden = true;
    if (!this.isHidden && /[^0-9a-fA-F\s]/.test(piece)) this.isHidden = true;
  }

  addBinary(piece: Buffer, depth: number): void {
    const hex = piece.toString("hex");
    this.#all.push(hex);
    if (depth === this.depth) this.#own.push(hex);
  }

  /** Distinct, the likeliest first. `raw` is the group as it stands. */
  readings(raw: string): readonly Buffer[] {
    const candidates = [this.#own.join(""), this.#all.join("")];
    if (this.isHidden)
      candidates.push(
        raw.replaceAll(/\\'[\s\S]{2}|\\\*|\\[a-zA-Z]+/g, ""),
        raw.replaceAll(/\\'[\s\S]{2}|\\\*?[a-zA-Z]+-?\d*/g, ""),
      );
    const digits = candidates.map((text) => text.replaceAll(/[^0-9a-fA-F]/g, "")).filter((text) => text.length > 1);
    return [...new Set(digits)].map((text) => Buffer.from(text, "hex"));
  }
}

const wholeFiles = [
  Buffer.from("d0cf11e0a1b11ae1", "hex"),
  Buffer.from("PK\x03\x04", "latin1"),
  Buffer.from("{\\rt", "latin1"),
  Buffer.from("%PDF-", "latin1"),
  Buffer.from("L\0\0\0\x01\x14\x02\0", "latin1"),
];

/** Where a file of a known kind begins in octets that are no object as it should be; with digits off by one too. */
export function carve(bytes: Buffer): Buffer | null {
  const shifted = Buffer.from(bytes.toString("hex").slice(1), "hex");
  for (const view of [bytes, shifted])
    for (const mark of wholeFiles) {
      const at = view.indexOf(mark);
      if (at >= 0) return view.subarray(at);
    }
  return null;
}
