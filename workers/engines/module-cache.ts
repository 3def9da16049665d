/** Keeps the modules that YARA-X compiles its rules to: it asks for the same one at each scan. */
import type { WasmModule } from "./web-assembly.ts";

interface Kept {
  readonly bytes: Uint8Array;
  readonly module: WasmModule;
}

/** The rules in force, those that replace them, and some that are only checked. */
const room = 4;

export class ModuleCache {
  readonly #compile: (bytes: Uint8Array) => WasmModule;
  #kept: readonly Kept[] = [];

  constructor(compile: (bytes: Uint8Array) => WasmModule) {
    this.#compile = compile;
  }

  /** Comparing a megabyte takes a tenth of a millisecond, compiling it many. */
  get(bytes: Uint8Array): WasmModule {
    const known = this.#kept.find((one) => one.bytes.length === bytes.length && Buffer.compare(one.bytes, bytes) === 0);
    if (known && known === this.#kept[0]) return known.module;
    const entry = known ?? { bytes, module: this.#compile(bytes) };
    this.#kept = [entry, ...this.#kept.filter((one) => one !== known)].slice(0, room);
    return entry.module;
  }
}
