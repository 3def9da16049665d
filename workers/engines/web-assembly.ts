/** The part of the WebAssembly interface that is used here, typed: neither Node's types nor ES2024 describe it. */

/** Opaque. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

export interface WasmInstance {
  readonly exports: object;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmTable {
  readonly length: number;
  get(slot: number): unknown;
}

export type Imports = Record<string, Record<string, unknown>>;

export interface MemoryDescriptor {
  readonly initial: number;
  readonly maximum?: number;
}

export interface WebAssemblyInterface {
  Instance: new (module: WasmModule, imports: Imports) => WasmInstance;
  Module: (new (
    bytes: Uint8Array,
  ) => WasmModule) & {
    imports(module: WasmModule): readonly { readonly module: string; readonly name: string; readonly kind: string }[];
  };
  Memory: new (descriptor: MemoryDescriptor) => WasmMemory;
  validate(bytes: Uint8Array): boolean;
}

export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }).WebAssembly;
