/** What stands for WebAssembly's constructors while YARA-X runs: nothing is leaked, nothing compiled twice, integers stay numbers. */
import { ModuleCache } from "./module-cache.ts";
import { findGlue, type Glue, type HostClosure, type Offers, quicken } from "./wasm-glue.ts";
import {
  type Imports,
  type MemoryDescriptor,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  webAssembly,
} from "./web-assembly.ts";

/** Beyond these an integer would not be exact as a number, and goes on as BigInt. */
const least = BigInt(Number.MIN_SAFE_INTEGER);
const most = BigInt(Number.MAX_SAFE_INTEGER);
const asNumber = (value: unknown): unknown =>
  typeof value === "bigint" && value >= least && value <= most ? Number(value) : value;

/** No part is that long. Offsets are signed 32 bits there: a larger one in `at` is a trap, in `in` wraps around. */
const lastOffset = 0x7fff_fffe;
const asOffset = (value: unknown): unknown =>
  typeof value === "bigint" && value > lastOffset ? lastOffset : asNumber(value);
/** `is_pat_match_at@pattern_id:i,offset:i@b` and its like: the pattern, then offsets. */
const takesOffsets = /^(?:is_pat_match|pat_matches)_/;

/** YARA-X's host functions take four arguments at most. */
function withNumbers(host: HostClosure, name: string) {
  const rest = takesOffsets.test(name) ? asOffset : asNumber;
  return (a: unknown, b: unknown, c: unknown, d: unknown): unknown =>
    host.call(asNumber(a), rest(b), rest(c), asNumber(d));
}

const genuine = { Instance: webAssembly.Instance, Module: webAssembly.Module, Memory: webAssembly.Memory };

/** Only what the module asks for. */
function repairImports(module: WasmModule, imports: Imports, offers: Offers): Imports {
  const repaired: Imports = {};
  for (const { module: space, name } of genuine.Module.imports(module)) {
    const host = offers.find(imports[space], name);
    const values = repaired[space] ?? {};
    values[name] = host ? withNumbers(host, name) : imports[space]?.[name];
    repaired[space] = values;
  }
  offers.clear();
  return repaired;
}

export interface Repairs {
  /** Runs with the replacements in place. */
  during<T>(work: () => T): T;
  /** Stands for every instance that YARA-X makes. */
  readonly holder: object;
  readonly instances: () => number;
}

export function makeRepairs(offers: Offers): Repairs {
  const modules = new ModuleCache((bytes) => new genuine.Module(bytes));
  const memories = new Map<number, WasmMemory>();
  // YARA-X reads nothing of an instance but its exports, at once, and then forgets to let go of it.
  const holder = { exports: {} };
  let instances = 0;

  function Instance(module: WasmModule, imports: Imports): object {
    holder.exports = new genuine.Instance(module, repairImports(module, imports, offers)).exports;
    instances++;
    return holder;
  }

  function Module(bytes: Uint8Array): WasmModule {
    return modules.get(bytes);
  }

  /** One scan runs at a time, so all memories of one fixed size can be the same. */
  function Memory(descriptor: MemoryDescriptor): WasmMemory {
    if (descriptor.initial !== descriptor.maximum) return new genuine.Memory(descriptor);
    const known = memories.get(descriptor.initial);
    if (known) new Uint8Array(known.buffer).fill(0);
    const memory = known ?? new genuine.Memory(descriptor);
    memories.set(descriptor.initial, memory);
    return memory;
  }

  const replacements = { Instance, Module, Memory };
  // The console module of YARA would print the sender's text on our standard output.
  const print = console.log;
  const mute = (): void => undefined;

  function during<T>(work: () => T): T {
    Object.assign(webAssembly, replacements);
    console.log = mute;
    try {
      return work();
    } finally {
      Object.assign(webAssembly, genuine);
      console.log = print;
    }
  }

  return { during, holder, instances: () => instances };
}

/** Lets `init` make YARA-X's own instance, with quicker glue. Throws if that is not as it was. */
export function withQuickGlue<T>(offers: Offers, init: () => T): T {
  let found: Glue | null = null;
  function glue(): Glue {
    if (!found) throw new Error("YARA-X calls its glue code before there is an instance");
    return found;
  }
  function Instance(module: WasmModule, imports: Imports): WasmInstance {
    const instance = new genuine.Instance(module, quicken(imports, { glue, offers }));
    found = findGlue(instance.exports as Record<string, unknown>);
    return instance;
  }
  Object.assign(webAssembly, { Instance });
  try {
    return init();
  } finally {
    Object.assign(webAssembly, genuine);
  }
}
