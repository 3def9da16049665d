/** The program of a child that measures rules: each file compiled alone and run over the same samples, so that slow ones stand out. */
import { type Frame, FrameSource, writeFrame } from "./frames.ts";
import type { RuleSource } from "./engines/engine.ts";
import { createWasmEngine } from "./engines/wasm.ts";
import { orderLimits } from "./protocol.ts";
import type { TimeOrder, Timed } from "./rule-times.ts";

const sampleBytes = 256 * 1024;
const rounds = 3;

/** Octets as mail has them, always the same: text, what compression leaves, an executable's zeros and short runs, markup. */
function samples(): readonly Buffer[] {
  const words =
    "the invoice attached payment http://example.test/ function( powershell -enc <script> %PDF-1.7 obj stream ";
  const noise = Buffer.alloc(sampleBytes);
  let seed = 1;
  for (let i = 0; i < noise.length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    noise[i] = seed >>> 24;
  }
  const program = Buffer.alloc(sampleBytes);
  program.write("MZ");
  for (let at = 512; at < program.length; at += 1024) noise.copy(program, at, at, at + 256);
  return [Buffer.alloc(sampleBytes, words), noise, program, Buffer.alloc(sampleBytes, noise.toString("base64"))];
}

/** The best of some rounds, in milliseconds for a MiB; null if the file does not compile alone. */
function timeOf(
  engine: Awaited<ReturnType<typeof createWasmEngine>>,
  source: RuleSource,
  { externals }: TimeOrder,
  octets: readonly Buffer[],
): number | null {
  const { rules, problems } = engine.compile([source], externals);
  try {
    if (problems.some(({ level }) => level === "error")) return null;
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      for (const each of octets) rules.scan(each, externals);
      best = Math.min(best, performance.now() - began);
    }
    return (best * 2 ** 20) / (sampleBytes * octets.length);
  } finally {
    rules.close();
  }
}

async function measure({ header, body }: Frame): Promise<void> {
  const engine = await createWasmEngine({ warnings: false });
  const octets = samples();
  const sources = JSON.parse(body.toString("utf8")) as RuleSource[];
  const answer: Timed = {
    kind: "timed",
    ms: sources.map((source) => timeOf(engine, source, header as unknown as TimeOrder, octets)),
  };
  writeFrame(1, answer);
}

const order = new FrameSource(0, orderLimits).next();
if (order) await measure(order);
