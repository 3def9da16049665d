/** The program of the first kind of child: takes messages and parts apart, and looks at all that is inside. JavaScript and WASM only. */
import type { RuleSource } from "./engines/engine.ts";
import { createWasmEngine } from "./engines/wasm.ts";
import { type Frame, FrameSource, writeFrame } from "./frames.ts";
import { factsOf } from "./inspectors/yara.ts";
import { tidy } from "./garbage.ts";
import { rulesOverLink } from "./matcher-link.ts";
import { type Compile, type Compiled, type Init, keptBytes, type Order, orderLimits, type Ready } from "./protocol.ts";
import { createWorker } from "./worker.ts";

const gateway = { in: 0, out: 1 } as const;
const matcherLink = 3;
const orders = new FrameSource(gateway.in, orderLimits, keptBytes);

async function compileHere({ body }: Frame, externals: Init["externals"], warnings: boolean) {
  const engine = await createWasmEngine({ warnings });
  const sources = JSON.parse(body.toString("utf8")) as RuleSource[];
  const { rules, problems } = engine.compile(sources, externals);
  const { version, recycleAfter } = engine;
  const compiled: Compiled = {
    engine: version,
    recycleAfter,
    ruleCount: rules.ruleCount,
    problems,
    facts: factsOf(sources),
  };
  return { rules, compiled };
}

async function work(first: Frame, init: Init): Promise<void> {
  const { matcher, externals } = init;
  const { rules, compiled } = matcher
    ? { rules: rulesOverLink(matcherLink, matcher), compiled: matcher }
    : await compileHere(first, externals, false);
  const worker = await createWorker(rules, compiled, init);
  // What starting has left behind is most of what the child ever holds.
  globalThis.gc?.();
  const ready: Ready = { ...compiled, versions: worker.versions };
  writeFrame(gateway.out, ready);

  let content: Buffer = Buffer.alloc(0);
  for (let frame = orders.next(); frame; frame = orders.next()) {
    const { job, source } = frame.header as unknown as Order;
    if (source.from === "body") content = frame.body;
    else if (source.from === "file") content = orders.file(source.name);
    const answer = await worker.run(job, content);
    writeFrame(gateway.out, answer);
    tidy(content.length);
    if (content.length > keptBytes) content = Buffer.alloc(0);
  }
}

const first = orders.next();
if (first) {
  const order = first.header as unknown as Init | Compile;
  if (order.kind === "init") await work(first, order);
  else writeFrame(gateway.out, (await compileHere(first, order.externals, true)).compiled);
}
