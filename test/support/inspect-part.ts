/** Workers without rules of note, and a job about one attachment as the gateway gives it to them. */
import type { InspectJob, InspectLimits } from "../../src/core/job.ts";
import type { Outcome, PartReport } from "../../src/core/outcome.ts";
import { silent } from "../../src/observe/log.ts";
import { startWorkers, type Workers, type WorkersOptions } from "../../workers/compose.ts";
import { attachment } from "./part.ts";

const MiB = 2 ** 20;
const externals = { filename: "", filepath: "", extension: "", filetype: "", owner: "", filemode: "" };
const limits: InspectLimits = { members: 1000, bytes: 256 * MiB, memberBytes: 100 * MiB, depth: 16, ratio: 200 };

export const startPlainWorkers = (scratchDir: string, options: Partial<WorkersOptions> = {}): Promise<Workers> =>
  startWorkers({
    concurrency: 1,
    memory: 512 * MiB,
    deadlineMs: 30_000,
    scratchDir,
    engine: "auto",
    rules: {
      sources: [{ pack: "test", file: "never.yar", text: "rule never { condition: false }" }],
      version: "1",
      externals,
    },
    log: silent,
    ...options,
  });

export async function inspectPart(
  workers: Workers,
  bytes: Buffer,
  names: readonly string[] = [],
  bounds: Partial<InspectLimits> = {},
): Promise<PartReport> {
  const part = attachment(bytes, { names });
  const job: InspectJob = {
    kind: "inspect",
    id: part.sha256,
    content: { kind: "bytes", bytes },
    view: part.view ?? { offset: 0, length: bytes.length, encoding: "identity" },
    part,
    externals,
    ruleSet: "1",
    limits: { ...limits, ...bounds },
    deadlineMs: 60_000,
  };
  return (await workers.run(job, new AbortController().signal)) as PartReport;
}

export const whysOf = (outcomes: readonly Outcome[]): readonly string[] =>
  outcomes.flatMap((outcome) => (outcome.kind === "incomplete" ? [`${outcome.inspector} ${outcome.why}`] : []));
