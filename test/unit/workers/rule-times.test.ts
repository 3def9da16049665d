/** Rule files, measured one by one in a child. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startRuleTimes } from "../../../src/compose-rule-times.ts";
import { silent } from "../../../src/observe/log.ts";
import { createMetrics } from "../../../src/observe/metrics.ts";
import { createSandbox } from "../../../workers/sandbox.ts";
import { timeRules } from "../../../workers/rule-times.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryFolder } from "../../support/spool.ts";

const source = (file: string, condition: string) => ({ pack: "own", file, text: `rule x { condition: ${condition} }` });
const quick = source("quick.yar", "uint16(0) == 0x1234");
const slow = source("slow.yar", "for all i in (0..30000) : ( uint8(i) + uint8(i + 1) < 600 )");
const broken = source("broken.yar", "no_such_thing");

test("a slow rule file stands out, and one that does not compile is left out", async (t) => {
  const sandbox = await createSandbox({ scratchDir: await temporaryFolder(t), memory: 512 * 2 ** 20 });
  t.after(() => sandbox.dispose());
  const { signal } = new AbortController();
  const times = await timeRules([quick, slow, broken], { sandbox, externals: {}, log: silent, signal });
  assert.deepEqual([...times.keys()], [quick, slow]);
  assert.ok((times.get(slow) ?? 0) > 5 * (times.get(quick) ?? 0), JSON.stringify([...times.values()]));
});

test("each text is measured once, and only the twenty slowest are shown", async (t) => {
  const files = Array.from({ length: 50 }, (_, i) => source(`f${i}.yar`, `filesize == ${i}`));
  const asked: number[] = [];
  const metrics = createMetrics();
  const times = startRuleTimes({
    scanner: {
      rules: { ruleSet: () => ({ sources: files, version: "v", externals: {} }) },
      workers: {
        time: (some) => {
          asked.push(some.length);
          return Promise.resolve(new Map(some.map((one, i) => [one, i + 1])));
        },
      },
    },
    metrics,
    log: silent,
    afterMs: 10,
  });
  t.after(() => times.close());
  await eventually("it was asked again", () => asked.length >= 3);
  assert.deepEqual(asked.slice(0, 3), [50, 0, 0]);
  const shown = (await metrics.registry.metrics())
    .split("\n")
    .filter((line) => line.startsWith("sallyport_rule_file_seconds{"));
  assert.equal(shown.length, 20);
  assert.ok(shown.includes('sallyport_rule_file_seconds{file="own/f49.yar"} 0.05'));
});
