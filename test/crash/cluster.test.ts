/** Every process of a site of many machines is killed in turn, and everything that they need goes away for a moment, while mail flows. The full run is in test/long. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCluster } from "../support/cluster-run.ts";
import { startClusterSite } from "../support/cluster-site.ts";

test("whatever goes away in a cluster, nothing is lost, leaks or is unaccounted for, and it recovers by itself", {
  timeout: 590_000,
}, async (t) => {
  const site = await startClusterSite();
  t.after(() => site.close());
  await runCluster(site, {
    messages: 300,
    perSecond: 4,
    outageMs: 2_500,
    say: (line) => t.diagnostic(line),
    signal: t.signal,
  });
  assert.deepEqual(site.missing, [], "faults that could not be tried");
});
