/** Runs 7-Zip, compiled to WASM, over octets: loaded when first needed, a fresh instance for each run. */
import { readFileSync } from "node:fs";
import { type WasmModule, webAssembly } from "../../engines/web-assembly.ts";
import { Ended, GaveUp, inputFile, System, type Watcher } from "./system.ts";

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly __wasm_call_ctors: () => void;
  readonly __main_argc_argv: (count: number, pointers: number) => number;
  readonly _emscripten_stack_alloc: (bytes: number) => number;
}

const manifest = new URL("package.json", import.meta.resolve("7z-wasm"));
export const sevenZipVersion = (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;

let compiled: WasmModule | null = null;

function passArguments({ memory, _emscripten_stack_alloc: allocate }: Exports, words: readonly string[]): number {
  const pointers = words.map((word) => {
    const octets = Buffer.from(`${word}\0`);
    const at = allocate(octets.length);
    octets.copy(Buffer.from(memory.buffer), at);
    return at;
  });
  const list = allocate((words.length + 1) * 4);
  for (const [index, pointer] of [...pointers, 0].entries())
    Buffer.from(memory.buffer).writeUInt32LE(pointer, list + 4 * index);
  return list;
}

/** How it ended: 7-Zip's exit code, or that it broke off: an exception of its own, a trap. */
export type End = { readonly kind: "code"; readonly code: number } | { readonly kind: "broke"; readonly text: string };

const isTrap = (error: unknown): error is Error =>
  error instanceof Error && (error.name === "RuntimeError" || error instanceof RangeError);

/** `command` is what stands on the command line before the archive's name. Throws what the watcher throws. */
export function runSevenZip(command: readonly string[], archive: Buffer, watcher: Watcher): End {
  compiled ??= new webAssembly.Module(readFileSync(new URL("7zz.wasm", import.meta.resolve("7z-wasm"))));
  const system = new System(archive, watcher);
  const { exports } = new webAssembly.Instance(compiled, system.imports());
  const program = exports as Exports;
  system.attach(program.memory);
  try {
    program.__wasm_call_ctors();
    const words = ["7zz", ...command, "--", inputFile];
    return { kind: "code", code: program.__main_argc_argv(words.length, passArguments(program, words)) };
  } catch (error) {
    if (error instanceof Ended) return { kind: "code", code: error.code };
    if (error instanceof GaveUp) return { kind: "broke", text: error.message };
    if (isTrap(error)) return { kind: "broke", text: `The unpacker broke: ${error.message}` };
    throw error;
  }
}
