/** Speaks the opener's protocol and does what the content tells it: dies, loops, swells, talks nonsense, or answers. */
import { readFileSync, writeSync } from "node:fs";
import { FrameSource, writeFrame } from "../../workers/frames.ts";
import type { Init, Order } from "../../workers/protocol.ts";

const limits = { header: 2 ** 20, body: 2 ** 26 };
const orders = new FrameSource(0, limits);
const init = orders.next()?.header as unknown as Init;
if (init.externals.never === true) process.exit(9);
let jobs = 0;
let kept = "";
writeFrame(1, {
  engine: "none",
  ruleCount: 0,
  problems: [],
  versions: { poison: "1" },
  recycleAfter: null,
  facts: { used: [], severities: {} },
});

const poisons: Readonly<Record<string, () => void>> = {
  crash: () => process.abort(),
  loop: () => {
    for (;;);
  },
  balloon: () => {
    const hoard: Buffer[] = [];
    for (;;) {
      hoard.push(Buffer.alloc(4 * 2 ** 20, 1));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  },
  nonsense: () => writeFrame(1, { result: { outcomes: "none" } }),
  flood: () => {
    for (;;) writeSync(2, "!".repeat(65_536));
  },
};

for (let frame = orders.next(); frame; frame = orders.next()) {
  const { source } = frame.header as unknown as Order;
  if (source.from === "body") kept = frame.body.toString("latin1");
  if (source.from === "file") kept = readFileSync(source.name, "latin1");
  const [word = ""] = kept.split(" ");
  poisons[word]?.();
  jobs++;
  writeFrame(1, {
    health: word === "broken" || word === "worn" ? word : "well",
    result: {
      types: [word, source.from, String(jobs), String(process.pid)],
      members: [],
      outcomes: [],
      spent: { members: 0, bytes: kept.length, ms: 0 },
      timings: {},
      versions: {},
    },
  });
}
