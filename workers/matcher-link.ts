/** The opener's side of its matcher: rules that are compiled in another process, asked over an inherited descriptor. */
import type { Externals } from "../src/core/job.ts";
import { type CompiledRules, type RuleHit, ScanTimeout } from "./engines/engine.ts";
import { FrameSource, writeFrame } from "./frames.ts";
import type { Compiled, Look } from "./protocol.ts";

/** What one scan can bring back: 16 matches for each of some ten thousand rules. */
const answerLimits = { header: 64 * 2 ** 20, body: 0 };

export type Looked = { readonly hits: readonly RuleHit[] } | { readonly timeout: string };

/** Waits without an event loop; the deadline of the job kills both processes. */
export function rulesOverLink(fd: number, { ruleCount }: Compiled): CompiledRules {
  const answers = new FrameSource(fd, answerLimits);
  return {
    ruleCount,
    scan(bytes: Uint8Array, externals: Externals) {
      const look: Look = { kind: "scan", externals };
      writeFrame(fd, look, bytes);
      const frame = answers.next();
      if (!frame) throw new Error("the matcher is gone");
      const looked = frame.header as Looked;
      if ("timeout" in looked) throw new ScanTimeout(looked.timeout);
      if (!Array.isArray(looked.hits)) throw new TypeError("the matcher talks nonsense");
      return looked.hits;
    },
    close: () => undefined,
  };
}
