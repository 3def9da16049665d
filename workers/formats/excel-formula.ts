/** Formulas of binary workbooks as text: parsed expressions, by their tokens. [MS-XLS] §2.5.198, [MS-XLSB] §2.5.97 */
import { fixedArguments, functionName } from "./excel-functions.ts";

/** How wide fields are: BIFF5 and before, BIFF8, and the records of xlsb. */
export type Dialect = "old" | "biff8" | "xlsb";

const operators: Readonly<Record<number, string>> = {
  3: "+",
  4: "-",
  5: "*",
  6: "/",
  7: "^",
  8: "&",
  9: "<",
  10: "<=",
  11: "=",
  12: ">=",
  13: ">",
  14: "<>",
  15: " ",
  16: ",",
  17: ":",
};
const mostTokens = 4000;
const longest = 8192;

export function columnName(index: number): string {
  let name = "";
  for (let left = index + 1; left > 0; left = Math.floor((left - 1) / 26))
    name = String.fromCharCode(65 + ((left - 1) % 26)) + name;
  return name;
}

/** Octets of a reference, without its token. */
const widths = {
  old: { row: 2, column: 1, name: 14, external: 14 },
  biff8: { row: 2, column: 2, name: 4, external: 2 },
  xlsb: { row: 4, column: 2, name: 4, external: 2 },
} as const;

class Formula {
  readonly #bytes: Buffer;
  readonly #dialect: Dialect;
  readonly #names: readonly string[];
  readonly #stack: string[] = [];
  #at = 0;

  constructor(bytes: Buffer, dialect: Dialect, names: readonly string[]) {
    this.#bytes = bytes;
    this.#dialect = dialect;
    this.#names = names;
  }

  #number(size: 1 | 2 | 4): number {
    const value = this.#at + size <= this.#bytes.length ? this.#bytes.readUIntLE(this.#at, size) : 0;
    this.#at += size;
    return value;
  }

  #push(text: string): void {
    this.#stack.push(text.slice(0, longest));
  }

  #pop(): string {
    return this.#stack.pop() ?? "";
  }

  #text(): string {
    const length = this.#dialect === "xlsb" ? this.#number(2) : this.#number(1);
    const wide = this.#dialect === "xlsb" || (this.#dialect === "biff8" && (this.#number(1) & 1) !== 0);
    const from = this.#at;
    this.#at += wide ? length * 2 : length;
    return this.#bytes.toString(wide ? "utf16le" : "latin1", from, this.#at);
  }

  #reference(): string {
    const { row, column } = widths[this.#dialect];
    const rows = this.#number(row);
    const columns = this.#number(column);
    return `${columnName(columns & (column === 1 ? 0xff : 0x3fff))}${(rows & (this.#dialect === "old" ? 0x3fff : 0xfffff)) + 1}`;
  }

  #area(): string {
    const { row, column } = widths[this.#dialect];
    const [first, last] = [this.#number(row), this.#number(row)].map(
      (one) => (one & (this.#dialect === "old" ? 0x3fff : 0xfffff)) + 1,
    );
    const [left, right] = [this.#number(column), this.#number(column)].map((one) =>
      columnName(one & (column === 1 ? 0xff : 0x3fff)),
    );
    return `${left}${first}:${right}${last}`;
  }

  #call(name: string, count: number): void {
    const given = this.#stack.splice(Math.max(0, this.#stack.length - count));
    this.#push(`${name}(${given.join(",")})`);
  }

  #variable(): void {
    const count = this.#number(1) & 0x7f;
    const raw = this.#number(2);
    const number = raw & 0x7fff;
    // 255: the first argument is the name of what is called.
    if (number === 255 && (raw & 0x8000) === 0) {
      const given = this.#stack.splice(Math.max(0, this.#stack.length - count));
      this.#push(`${given[0] ?? ""}(${given.slice(1).join(",")})`);
    } else this.#call(functionName(number, (raw & 0x8000) !== 0), count);
  }

  #attribute(): void {
    const kind = this.#number(1);
    const data = this.#number(2);
    if ((kind & 0x04) !== 0) this.#at += (data + 1) * 2;
    if ((kind & 0x10) !== 0) this.#call("SUM", 1);
  }

  #fixed(): void {
    const number = this.#number(2);
    this.#call(functionName(number, false), fixedArguments(number));
  }

  #name(): void {
    const index = this.#number(2);
    this.#at += widths[this.#dialect].name - 2;
    this.#push(this.#names[index - 1] ?? `NAME.${index}`);
  }

  #externalName(): void {
    const book = this.#number(2);
    this.#at += this.#dialect === "old" ? 22 : 4;
    this.#push(`EXTERNAL.${book}`);
  }

  /** In another sheet: which one, stands in front. */
  #elsewhere(isArea: boolean): void {
    this.#at += widths[this.#dialect].external;
    this.#push(`!${isArea ? this.#area() : this.#reference()}`);
  }

  #array(): void {
    this.#at += this.#dialect === "xlsb" ? 14 : 7;
    this.#push("{}");
  }

  /** Operands and functions, without their class, which is in bits 5 and 6. §2.5.198.25 */
  readonly #operands: Readonly<Record<number, () => void>> = {
    0x00: () => this.#array(),
    0x01: () => this.#fixed(),
    0x02: () => this.#variable(),
    0x03: () => this.#name(),
    0x04: () => this.#push(this.#reference()),
    0x05: () => this.#push(this.#area()),
    0x0c: () => this.#push(this.#reference()),
    0x0d: () => this.#push(this.#area()),
    0x19: () => this.#externalName(),
    0x1a: () => this.#elsewhere(false),
    0x1b: () => this.#elsewhere(true),
    0x1c: () => this.#elsewhere(false),
    0x1d: () => this.#elsewhere(true),
  };

  #classified(token: number): boolean {
    const read = this.#operands[token];
    read?.();
    return read !== undefined;
  }

  #constant(token: number): boolean {
    if (token === 0x17) this.#push(`"${this.#text().replaceAll('"', '""')}"`);
    else if (token === 0x1c) this.#push(`#ERROR.${this.#number(1)}`);
    else if (token === 0x1d) this.#push(this.#number(1) ? "TRUE" : "FALSE");
    else if (token === 0x1e) this.#push(String(this.#number(2)));
    else if (token === 0x1f) {
      this.#push(this.#at + 8 <= this.#bytes.length ? String(this.#bytes.readDoubleLE(this.#at)) : "0");
      this.#at += 8;
    } else return false;
    return true;
  }

  #operation(token: number): boolean {
    const operator = operators[token];
    if (operator !== undefined) {
      const right = this.#pop();
      this.#push(`${this.#pop()}${operator}${right}`);
    } else if (token === 0x12 || token === 0x13) this.#push(`${token === 0x12 ? "+" : "-"}${this.#pop()}`);
    else if (token === 0x14) this.#push(`${this.#pop()}%`);
    else if (token === 0x15) this.#push(`(${this.#pop()})`);
    else if (token === 0x16) this.#push("");
    else if (token === 0x19) this.#attribute();
    else return this.#constant(token);
    return true;
  }

  read(): string {
    for (let left = mostTokens; this.#at < this.#bytes.length && left > 0; left--) {
      const token = this.#number(1);
      const isKnown = (token & 0x60) === 0 ? this.#operation(token) : this.#classified(token & 0x1f);
      if (isKnown) continue;
      // Of unknown width: texts behind it are shown as they are.
      this.#push(
        `?${
          this.#bytes
            .toString("latin1", this.#at)
            .match(/[\x20-\x7e]{4,}/g)
            ?.join(" ") ?? ""
        }`,
      );
      break;
    }
    return this.#stack.join(",").slice(0, longest);
  }
}

/** Never throws: what cannot be read is shown as a question mark and the texts in it. */
export const formulaText = (bytes: Buffer, dialect: Dialect, names: readonly string[] = []): string =>
  new Formula(bytes, dialect, names).read();
