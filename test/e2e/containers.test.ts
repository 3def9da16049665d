/** Exotic containers in the real, confined children: they are opened, and whatever 7-Zip is made to do, the gateway goes on. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import type { Workers, WorkersOptions } from "../../workers/compose.ts";
import { sampleBytes } from "../support/attachment-fixtures.ts";
import { inspectPart, startPlainWorkers, whysOf } from "../support/inspect-part.ts";

const MiB = 2 ** 20;
/** Frames of zeros one behind the other: 15 KiB for each GiB. */
const zeros = (gibibytes: number): Buffer => {
  const frame = zstdCompressSync(Buffer.alloc(256 * MiB));
  return Buffer.concat(Array.from({ length: gibibytes * 4 }, () => frame));
};

describe("containers in confined children", { concurrency: false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "containers-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function withWorkers(run: (workers: Workers) => Promise<void>, options: Partial<WorkersOptions> = {}) {
    const workers = await startPlainWorkers(join(folder, "scratch"), options);
    try {
      await run(workers);
    } finally {
      await workers.close();
    }
  }

  async function stillOpens(workers: Workers): Promise<void> {
    const { members, outcomes } = await inspectPart(workers, sampleBytes("container/lzma2.7z"));
    assert.deepEqual([members.length, whysOf(outcomes)], [3, []]);
  }

  it("are opened by 7-Zip, which the child may read", () => withWorkers(stillOpens));

  it("end as a limit when they are bombs, within the memory of a child", () =>
    withWorkers(async (workers) => {
      const pids = workers.status().children.flatMap((child) => child.pids);
      for (const bounds of [{ ratio: 1_000_000 }, {}]) {
        const { outcomes } = await inspectPart(workers, zeros(4), ["a.zst"], bounds);
        assert.ok(
          whysOf(outcomes).length > 0 && whysOf(outcomes).every((why) => why === "7-zip limit"),
          whysOf(outcomes).join(),
        );
      }
      const now = workers.status().children.flatMap((child) => child.pids);
      assert.ok(
        pids.some((pid) => now.includes(pid)),
        "no child had to be killed",
      );
      await stillOpens(workers);
    }));

  it("are incomplete when unpacking hangs: the child is killed, the next one opens as before", () =>
    withWorkers(
      async (workers) => {
        const bounds = { ratio: 1e9, bytes: 2 ** 50, memberBytes: MiB };
        const { outcomes } = await inspectPart(workers, zeros(1024), ["a.zst"], bounds);
        assert.deepEqual(whysOf(outcomes), ["sandbox timeout"]);
        await stillOpens(workers);
      },
      { deadlineMs: 4_000 },
    ));

  it("are incomplete when unpacking swells: the child is killed, the next one opens as before", () =>
    withWorkers(
      async (workers) => {
        const bounds = { ratio: 1e9, bytes: 2 ** 40, memberBytes: 2 ** 31 };
        const { outcomes } = await inspectPart(workers, zeros(8), ["a.zst"], bounds);
        assert.deepEqual(whysOf(outcomes), ["sandbox limit"]);
        await stillOpens(workers);
      },
      { memory: 256 * MiB },
    ));

  it("are incomplete when the child is killed each time: the next one opens as before", () =>
    withWorkers(async (workers) => {
      let over = false;
      const bounds = { ratio: 1e9, bytes: 2 ** 50, memberBytes: MiB };
      const report = inspectPart(workers, zeros(1024), ["a.zst"], bounds).finally(() => {
        over = true;
      });
      while (!over) {
        for (const { busy, pids } of workers.status().children)
          for (const pid of busy ? pids : [])
            try {
              process.kill(pid, "SIGKILL");
            } catch {
              // It was gone already.
            }
        await new Promise((done) => setTimeout(done, 300));
      }
      assert.deepEqual(whysOf((await report).outcomes), ["sandbox crashed"]);
      await stillOpens(workers);
    }));
});
