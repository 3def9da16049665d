/**
 * Quicker bodies for some functions of YARA-X's glue code. Each scan offers over 200 host functions to the module of the
 * rules, which uses some ten: as the glue stands, that is 200 closures with finalizers, and 400 names through a TextDecoder.
 *
 * A function is known by what it does, not by its name, which changes with each build.
 */
import type { Imports } from "./web-assembly.ts";

/** A host function as YARA-X gives it to us: a closure in its memory. Becomes a JavaScript function only if a module wants it. */
export class HostClosure {
  readonly #data: number;
  readonly #table: number;
  readonly #glue: Glue;

  constructor(data: number, table: number, glue: Glue) {
    this.#data = data;
    this.#table = table;
    this.#glue = glue;
  }

  call(a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    return this.#glue.invoke(this.#data, this.#table, a, b, c, d);
  }

  /** YARA-X calls it by this name when it drops the closure. */
  _wbg_cb_unref(): void {
    this.#glue.destroy(this.#data, this.#table);
  }
}

/** Exports of YARA-X that the bodies need. */
export interface Glue {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly invoke: (...values: readonly unknown[]) => unknown;
  readonly destroy: (data: number, table: number) => void;
}

/** Host functions that wait for the module to choose from: as properties they would cost more than all the rest of a small scan. */
export class Offers {
  #all: { readonly space: object; readonly name: string; readonly closure: HostClosure }[] = [];

  add(space: object, name: string, closure: HostClosure): void {
    this.#all.push({ space, name, closure });
  }

  find(space: object | undefined, name: string): HostClosure | undefined {
    return this.#all.find((offer) => offer.name === name && offer.space === space)?.closure;
  }

  clear(): void {
    this.#all = [];
  }
}

interface Context {
  readonly glue: () => Glue;
  readonly offers: Offers;
}

type Maker = (context: Context) => (...values: never[]) => unknown;

/** Rust's strings are valid UTF-8. */
const decodeString: Maker = ({ glue }) => {
  let view = Buffer.alloc(0);
  return (at: number, length: number) => {
    // The old buffer loses its octets when the memory grows.
    if (view.length === 0) view = Buffer.from(glue().memory.buffer);
    return view.toString("utf8", at, at + length);
  };
};

const setProperty: Maker =
  ({ offers }) =>
  (to: object, key: string, value: unknown) => {
    if (!(value instanceof HostClosure)) return Reflect.set(to, key, value);
    offers.add(to, key, value);
    return true;
  };

const makeClosure: Maker =
  ({ glue }) =>
  (data: number, table: number) =>
    new HostClosure(data, table, glue());

/** What the source of a function has in it, and what is put in its place. */
const quicker: readonly (readonly [RegExp, Maker])[] = [
  [/makeMutClosure\(arg0, arg1, /, makeClosure],
  [/Reflect\.set\(arg0, arg1, arg2\)/, setProperty],
  [/Reflect\.get\(arg0, arg1\)/, () => (from: object, key: string) => Reflect.get(from, key)],
  [/^function\s*\(arg0, arg1\) \{[^}]*= getStringFromWasm0\(arg0, arg1\);\s*return ret;/, decodeString],
];
/** These two go together: a closure that is no function must not be set as a property. */
const essential = [makeClosure, setProperty];

/** Throws if what the bodies rely on is not there. */
export function quicken(imports: Imports, context: Context): Imports {
  const made = new Set<Maker>();
  const improve = (value: unknown): unknown => {
    const make = typeof value === "function" ? quicker.find(([body]) => body.test(String(value)))?.[1] : undefined;
    if (!make) return value;
    made.add(make);
    return make(context);
  };
  const improved = Object.entries(imports).map(([space, values]) => [
    space,
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, improve(value)])),
  ]);
  if (!essential.every((maker) => made.has(maker))) throw new Error("the glue code is not as it was");
  return Object.fromEntries(improved) as Imports;
}

/** Throws if the exports are not those that the bodies need. */
export function findGlue(exports: Readonly<Record<string, unknown>>): Glue {
  const named = Object.entries(exports);
  const invoke = named.filter(([name]) => /convert__closures_+invoke/.test(name)).map(([, value]) => value);
  const destroy = exports.__wbindgen_destroy_closure_command_export;
  const { memory } = exports as { readonly memory?: Glue["memory"] };
  if (invoke.length !== 1 || typeof invoke[0] !== "function" || typeof destroy !== "function" || !memory)
    throw new Error("the exports for the glue code are not there");
  return { memory, invoke: invoke[0] as Glue["invoke"], destroy: destroy as Glue["destroy"] };
}
