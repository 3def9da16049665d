/** Takes the needless call of the constructors out of YARA-X's exports: the linker made a "command", which starts anew at each call. */

interface Export {
  readonly name: string;
  readonly index: number;
}

/** A call near the start of a function: where its bytes are, and whom it calls. */
interface Call {
  readonly at: number;
  readonly length: number;
  readonly target: number;
}

const NOP = 0x01;
const CALL = 0x10;
/** What may stand before the call: room on the stack and references put into a table (locals, globals, constants, table.set, subtraction). */
const WITH_OPERAND = new Set([0x20, 0x21, 0x22, 0x23, 0x24, 0x26, 0x41]);
const I32_SUB = 0x6b;

/** Reads what WebAssembly modules are made of; throws RangeError beyond the end. */
class Cursor {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.#bytes[this.at++];
    if (value === undefined) throw new RangeError("The module is cut off");
    return value;
  }

  /** Unsigned LEB128. */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  name(): string {
    const length = this.number();
    const text = Buffer.from(this.#bytes.subarray(this.at, this.at + length)).toString();
    this.at += length;
    return text;
  }
}

function findSections(bytes: Uint8Array): ReadonlyMap<number, number> {
  const starts = new Map<number, number>();
  for (const cursor = new Cursor(bytes, 8); cursor.at < bytes.length; ) {
    const id = cursor.byte();
    const size = cursor.number();
    starts.set(id, cursor.at);
    cursor.at += size;
  }
  return starts;
}

function readExports(bytes: Uint8Array, start: number): readonly Export[] {
  const cursor = new Cursor(bytes, start);
  const all = Array.from({ length: cursor.number() }, () => ({
    name: cursor.name(),
    kind: cursor.byte(),
    index: cursor.number(),
  }));
  return all.filter(({ kind }) => kind === 0);
}

/** By the index of the function within the code section: the calls that it begins with. */
function findFirstCalls(bytes: Uint8Array, start: number): readonly (readonly Call[])[] {
  const cursor = new Cursor(bytes, start);
  return Array.from({ length: cursor.number() }, () => {
    const size = cursor.number();
    const end = cursor.at + size;
    for (let groups = cursor.number(); groups > 0; groups--) {
      cursor.number();
      cursor.byte();
    }
    const calls = [...readCalls(cursor)];
    cursor.at = end;
    return calls;
  });
}

function* readCalls(cursor: Cursor): Iterable<Call> {
  for (;;) {
    const at = cursor.at;
    const opcode = cursor.byte();
    if (opcode === CALL) {
      const target = cursor.number();
      yield { at, length: cursor.at - at, target };
      // A signed constant is as long as an unsigned one; its value does not matter here.
    } else if (WITH_OPERAND.has(opcode)) cursor.number();
    else if (opcode !== I32_SUB) return;
  }
}

/**
 * The same module without the call that more than nine in ten of its exported functions begin with; `keep` still makes it.
 * Null if that pattern is not there: then it is another build, and nothing is known of it.
 */
export function withoutConstructorCalls(
  module: Uint8Array,
  importedFunctions: number,
  keep: string,
): Uint8Array | null {
  const sections = findSections(module);
  const [exportsAt, codeAt] = [sections.get(7), sections.get(10)];
  if (exportsAt === undefined || codeAt === undefined) return null;
  const bodies = findFirstCalls(module, codeAt);
  const exported = readExports(module, exportsAt).map(({ name, index }) => ({
    name,
    calls: bodies[index - importedFunctions] ?? [],
  }));
  const constructors = mostFrequent(exported.flatMap(({ calls }) => [...new Set(calls.map(({ target }) => target))]));
  const makes = ({ calls }: (typeof exported)[number]): Call | undefined =>
    calls.find(({ target }) => target === constructors);
  const makers = exported.filter(makes);
  if (makers.length <= exported.length * 0.9 || !makers.some(({ name }) => name === keep)) return null;
  const patched = Uint8Array.from(module);
  for (const maker of makers) {
    const call = makes(maker);
    if (call && maker.name !== keep) patched.fill(NOP, call.at, call.at + call.length);
  }
  return patched;
}

function mostFrequent(values: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
