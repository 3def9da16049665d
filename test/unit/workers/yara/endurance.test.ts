import assert from "node:assert/strict";
import { test } from "node:test";
import { enoughMiB, wear } from "../../../support/endurance.ts";

test("thousands of scans leave no reference behind and take no more memory", async () => {
  const { references, growthMiB } = await wear(2_000);
  assert.equal(references, 0);
  assert.ok(growthMiB < enoughMiB, `${growthMiB} MiB more`);
});
