/** The native engine's own process: gets octets from its opener, gives back matches, knows nothing else. Confined by the system. */
import { type RuleSource, ScanTimeout } from "./engines/engine.ts";
import { createNativeEngine } from "./engines/native.ts";
import { FrameSource, writeFrame } from "./frames.ts";
import { factsOf } from "./inspectors/yara.ts";
import type { Looked } from "./matcher-link.ts";
import { type Compile, type Compiled, keptBytes, type Look, orderLimits } from "./protocol.ts";

/** To the opener; standard input, since that is a blocking descriptor, but it goes both ways. */
const link = 0;
/** To the gateway. */
const control = 3;

const first = new FrameSource(control, orderLimits).next();
if (first) {
  const { externals } = first.header as unknown as Compile;
  const engine = await createNativeEngine({ lazy: true });
  const sources = JSON.parse(first.body.toString("utf8")) as RuleSource[];
  const { rules, problems } = engine.compile(sources, externals);
  const { version, recycleAfter } = engine;
  const compiled: Compiled = {
    engine: version,
    recycleAfter,
    ruleCount: rules.ruleCount,
    problems,
    facts: factsOf(sources),
  };
  writeFrame(control, compiled);

  const look = (bytes: Uint8Array, asked: Look): Looked => {
    try {
      return { hits: rules.scan(bytes, asked.externals) };
    } catch (error) {
      if (error instanceof ScanTimeout) return { timeout: error.message };
      throw error;
    }
  };
  const looks = new FrameSource(link, orderLimits, keptBytes);
  for (let frame = looks.next(); frame; frame = looks.next()) {
    const asked = frame.header as unknown as Look;
    await rules.prepare?.(asked.externals);
    writeFrame(link, look(frame.body, asked));
  }
}
