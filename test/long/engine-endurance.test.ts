import assert from "node:assert/strict";
import { test } from "node:test";
import { enoughMiB, wear } from "../support/endurance.ts";

test("50,000 scans leave no reference behind and take no more memory", async (t) => {
  const { references, growthMiB, scansPerSecond } = await wear(50_000);
  t.diagnostic(`${growthMiB.toFixed(1)} MiB more, ${scansPerSecond.toFixed(0)} scans/s`);
  assert.equal(references, 0);
  assert.ok(growthMiB < enoughMiB, `${growthMiB} MiB more`);
});
