/**
 * Loads the official YARA-X WASM build and keeps it usable for more than a few thousand scans.
 *
 * What version 1.20.0 does that a long-running scanner cannot bear, and the answer to each:
 * - every export runs all constructors again: the calls are taken out (wasm-patch.ts);
 * - each scan leaks an instance, and with it a memory that reserves 10 GB of addresses; after some 13,000 scans every
 *   scan traps: one holder stands for all instances, its slots are given back here, and one memory serves all scans;
 * - each scan compiles the module of the rules again: compiled modules are kept (module-cache.ts);
 * - each scan makes 200 host functions for a module that uses ten: they are made when asked for (wasm-glue.ts);
 * - integers reach host functions as BigInt and are read as decimal text: they go as numbers;
 * - `$a at n` traps if n needs more than 31 bits, which a crafted part can bring about: such an n is cut (wasm-repairs.ts).
 *
 * Each assumption is checked at the start; where one does not hold, the build runs as it is and its process must be replaced often.
 */
import { readFileSync } from "node:fs";
import { Offers } from "./wasm-glue.ts";
import { withoutConstructorCalls } from "./wasm-patch.ts";
import { makeRepairs, withQuickGlue } from "./wasm-repairs.ts";
import { type WasmTable, webAssembly } from "./web-assembly.ts";

export type YaraX = typeof import("@virustotal/yara-x");

export interface LoadedYaraX {
  readonly api: YaraX;
  /** Makes synchronous calls into YARA-X. Throws what they throw; after a trap nothing of it can be used any more. */
  call<T>(work: () => T): T;
  /** Slots in YARA-X's table of references: growing means leaking. */
  references(): number;
  /** Why the repairs were left out; null if they are in place. */
  readonly unrepaired: string | null;
}

interface Internals {
  readonly __wbindgen_externrefs: WasmTable;
  readonly __externref_table_dealloc_command_export: (slot: number) => void;
}

/** Leaked slots are given back after so many instances. */
const sweepEvery = 256;

const glue = import.meta.resolve("@virustotal/yara-x");
const binary = new URL("yara_x_js_bg.wasm", glue);

/** The glue code keeps its one instance in its module: a further instance needs a further copy of that. */
let copies = 0;
const importGlue = (): Promise<YaraX> => import(copies++ === 0 ? glue : `${glue}?copy=${copies}`) as Promise<YaraX>;

async function loadPlain(unrepaired: string): Promise<LoadedYaraX> {
  const api = await importGlue();
  const { __wbindgen_externrefs: table } = api.initSync({
    module: new webAssembly.Module(readFileSync(binary)) as never,
  }) as unknown as Internals;
  return { api, call: (work) => work(), references: () => table.length, unrepaired };
}

/** Throws if one of the assumptions does not hold. */
async function loadRepaired(): Promise<LoadedYaraX> {
  const bytes = readFileSync(binary);
  const imported = webAssembly.Module.imports(new webAssembly.Module(bytes));
  const functions = imported.filter(({ kind }) => kind === "function").length;
  const patched = withoutConstructorCalls(bytes, functions, "compiler_new");
  if (!patched) throw new Error("the exports do not begin as they did");
  if (!webAssembly.validate(patched)) throw new Error("the module without the calls is not valid");
  const api = await importGlue();
  const module = new webAssembly.Module(patched) as never;
  const offers = new Offers();
  const internals = withQuickGlue(offers, () => api.initSync({ module })) as unknown as Internals;
  const { __wbindgen_externrefs: table, __externref_table_dealloc_command_export: free } = internals;
  if (typeof table?.get !== "function" || typeof free !== "function")
    throw new Error("the table of references is not exported");

  const repairs = makeRepairs(offers);
  let next = sweepEvery;
  /** The number of slots that YARA-X had forgotten. */
  function sweep(): number {
    let given = 0;
    for (let slot = 0; slot < table.length; slot++) {
      if (table.get(slot) !== repairs.holder) continue;
      free(slot);
      given++;
    }
    next = repairs.instances() + sweepEvery;
    return given;
  }
  function call<T>(work: () => T): T {
    const result = repairs.during(work);
    if (repairs.instances() >= next) sweep();
    return result;
  }
  const loaded = { api, call, references: () => table.length, unrepaired: null };
  tryOut(loaded);
  if (repairs.instances() === 0 || sweep() !== repairs.instances()) throw new Error("instances leak in another way");
  return loaded;
}

/** Touches what the repairs touch: variables, host functions with large integers, a second scan in the same memory. */
const trial = `import "math"
rule trial {
  strings: $a = "sally"
  condition:
    $a in (3..number) and not $a at number and math.max(number, 9007199254740993) - number == 2 and name == "port"
}`;

function tryOut({ api, call }: LoadedYaraX): void {
  const scanner = call(() => {
    const compiler = new api.Compiler();
    compiler.defineGlobal("name", "");
    compiler.defineGlobal("number", 0);
    compiler.addSource(trial);
    return compiler.build().scanner();
  });
  call(() => scanner.setGlobal("name", "port"));
  call(() => scanner.setGlobal("number", Number.MAX_SAFE_INTEGER));
  const found = ["...sally", "sally...", "...sally"].map((text) => {
    const result = call(() => scanner.scan(Buffer.from(text))) as { readonly matches: readonly unknown[] };
    return result.matches.length;
  });
  if (found.join() !== "1,0,1") throw new Error("the trial rule does not find what it should");
  call(() => scanner.free());
}

/** `repaired: false` leaves the build as it is, for comparison. */
export async function loadYaraX({ repaired = true }: { readonly repaired?: boolean } = {}): Promise<LoadedYaraX> {
  if (!repaired) return loadPlain("not wanted");
  try {
    return await loadRepaired();
  } catch (error) {
    return loadPlain(error instanceof Error ? error.message : String(error));
  }
}
