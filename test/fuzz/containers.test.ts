/** Mutated containers through the real, confined child: whatever becomes of it, there is an answer, and the next sound archive is opened. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { sampleBytes, sampleNames } from "../support/attachment-fixtures.ts";
import { fuzzSeconds } from "../support/fuzz-seconds.ts";
import { inspectPart, startPlainWorkers, whysOf } from "../support/inspect-part.ts";
import { edits, mutate } from "../support/mutate.ts";

const MiB = 2 ** 20;
/** The large ones spend their time on zeros. */
const samples = sampleNames()
  .filter((at) => at.startsWith("container/"))
  .map((at) => ({ at, bytes: sampleBytes(at) }))
  .filter(({ bytes }) => bytes.length <= MiB);

test("mutated containers never take more than their child", async () => {
  const folder = mkdtempSync(join(tmpdir(), "containers-"));
  const workers = await startPlainWorkers(join(folder, "scratch"), { deadlineMs: 20_000 });
  const before = process.memoryUsage.rss();
  try {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...samples), edits, async ({ at, bytes }, list) => {
        const name = at.slice(at.indexOf("/") + 1);
        const bounds = { bytes: 16 * MiB, memberBytes: 4 * MiB, members: 200 };
        const { outcomes, spent } = await inspectPart(workers, mutate(bytes, list), [name], bounds);
        assert.ok(spent.bytes <= bounds.bytes && spent.members <= bounds.members);
        assert.deepEqual(
          whysOf(outcomes).filter((why) => why.endsWith(" crashed")),
          [],
        );
      }),
      { interruptAfterTimeLimit: fuzzSeconds() * 1000, markInterruptAsFailure: false, numRuns: 1_000_000 },
    );
    const { members } = await inspectPart(workers, sampleBytes("container/lzma2.7z"));
    assert.equal(members.length, 3);
    assert.ok(process.memoryUsage.rss() - before < 200 * MiB);
  } finally {
    await workers.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
