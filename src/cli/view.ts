/** Lets a sandboxed child read a held message for a person, where no gateway runs whose children could. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { viewLimits } from "../compose-scan.ts";
import type { Config } from "../config-schema.ts";
import type { Content, ViewJob } from "../core/job.ts";
import type { QueueId } from "../core/message.ts";
import type { MessageView } from "../core/message-view.ts";
import { createLog } from "../observe/log.ts";
import { toStandardError } from "./custody.ts";

export async function viewAlone({ scan }: Config, id: QueueId, content: Content): Promise<MessageView> {
  const { startWorkers } = await import("../../workers/compose.ts");
  const scratchDir = mkdtempSync(join(tmpdir(), "sallyport-view-"));
  try {
    const workers = await startWorkers({
      concurrency: 1,
      spares: 0,
      memory: scan.memory,
      deadlineMs: scan.deadline,
      engine: "wasm",
      scratchDir,
      rules: { sources: [], version: "none", externals: {} },
      log: createLog("error", toStandardError),
    });
    try {
      const job: ViewJob = { kind: "view", id: `view ${id}`, content, limits: viewLimits, deadlineMs: scan.deadline };
      return (await workers.run(job, new AbortController().signal)) as MessageView;
    } finally {
      await workers.close();
    }
  } finally {
    rmSync(scratchDir, { recursive: true, force: true });
  }
}
