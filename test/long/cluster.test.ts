/** 5,000 messages through a site of many machines while each of its processes is killed, and each thing that they need is away for half a minute. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runCluster } from "../support/cluster-run.ts";
import { startClusterSite } from "../support/cluster-site.ts";

test("whatever goes away in a cluster for half a minute, nothing is lost, leaks or is unaccounted for", {
  timeout: 3_600_000,
}, async (t) => {
  const site = await startClusterSite();
  t.after(() => site.close());
  await runCluster(site, {
    messages: Number(process.env["CLUSTER_MESSAGES"]) || 5_000,
    perSecond: 8,
    outageMs: 30_000,
    say: (line) => t.diagnostic(line),
    signal: t.signal,
  });
  assert.deepEqual(site.missing, [], "faults that could not be tried");
});
