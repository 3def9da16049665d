/** Scans again and again with the WASM engine, with changing variables, and measures what that leaves behind. */
import { externalDefaults } from "../../src/rulepacks/externals.ts";
import { createWasmEngine } from "../../workers/engines/wasm.ts";
import { madeOctets } from "./octets.ts";

const rules = `import "pe" import "math"
rule word { strings: $a = "sallyport" $b = "quick" nocase condition: any of them }
rule program { condition: pe.is_pe and math.entropy(0, filesize) > 1.0 }
rule named { condition: filename matches /7\\.exe$/ and depth > 1 }
rule noise { strings: $a = { 41 ?? 43 } condition: #a > 2 }
rule far { strings: $a = "quick" condition: $a at (uint32(0) * 2) }`;

/** V8 widens its young generation once, by some 30 MiB; unrepaired, a thousand scans take 70. */
export const enoughMiB = 64;

export interface Wear {
  /** Slots of the engine's table of references that were added after the warm-up. */
  readonly references: number;
  readonly growthMiB: number;
  readonly scansPerSecond: number;
}

export async function wear(scans: number): Promise<Wear> {
  const engine = await createWasmEngine();
  if (engine.unrepaired !== null) throw new Error(engine.unrepaired);
  const compiled = engine.compile([{ pack: "p", file: "f", text: rules }], externalDefaults);
  const octets = madeOctets(60);
  /** Without a turn of the event loop, as in the opener: nothing may wait for finalizers. */
  function run(count: number): void {
    for (let i = 0; i < count; i++) {
      const bytes = octets[i % octets.length] ?? Buffer.alloc(0);
      compiled.rules.scan(bytes, { filename: `${Math.floor(i / 10) % 10}.exe`, depth: Math.floor(i / 100) % 4 });
    }
  }
  run(Math.min(2_000, scans / 3));
  const before = { references: engine.references(), rss: process.memoryUsage.rss() };
  const began = performance.now();
  run(scans);
  const seconds = (performance.now() - began) / 1000;
  compiled.rules.close();
  return {
    references: engine.references() - before.references,
    growthMiB: (process.memoryUsage.rss() - before.rss) / 2 ** 20,
    scansPerSecond: scans / seconds,
  };
}
