/** What an opener does with a job: names every inspector that looks, and notices when the engine breaks. */
import type { Ahead } from "../src/core/job.ts";
import type { Dissected, Dissection, PartReport } from "../src/core/outcome.ts";
import { cutOut } from "../src/dissect/cut-out.ts";
import { decodeView } from "../src/dissect/decode.ts";
import { dissect, dissectVersion } from "../src/dissect/dissect.ts";
import { messageExternals } from "../src/rulepacks/externals.ts";
import { type CompiledRules, ScanTimeout } from "./engines/engine.ts";
import { createExaminer } from "./examine.ts";
import { encryptionInspector } from "./inspectors/encryption.ts";
import { fileTypeInspector } from "./inspectors/file-type.ts";
import { nameInspector } from "./inspectors/name.ts";
import { createYaraInspector } from "./inspectors/yara.ts";
import type { Answer, Compiled, Init, JobOrder } from "./protocol.ts";

export interface Worker {
  readonly versions: Readonly<Record<string, string>>;
  run(job: JobOrder, content: Buffer): Promise<Answer>;
}

/** The rules; tells how their engine fares. */
function watch(rules: CompiledRules, recycleAfter: number | null) {
  let scans = 0;
  let broken = false;
  const watched: CompiledRules = {
    ruleCount: rules.ruleCount,
    scan(bytes, externals) {
      scans++;
      try {
        return rules.scan(bytes, externals);
      } catch (error) {
        broken ||= !(error instanceof ScanTimeout);
        throw error;
      }
    },
    close: () => rules.close(),
  };
  const health = (): Answer["health"] => {
    if (broken) return "broken";
    return recycleAfter !== null && scans >= recycleAfter ? "worn" : "well";
  };
  return { watched, health };
}

export async function createWorker(
  rules: CompiledRules,
  { engine, recycleAfter, facts }: Compiled,
  { ruleSet }: Pick<Init, "ruleSet">,
): Promise<Worker> {
  const { watched, health } = watch(rules, recycleAfter);
  const yara = createYaraInspector({ rules: watched, facts, version: `${engine}, rules ${ruleSet}` });
  const examiner = await createExaminer([fileTypeInspector, nameInspector, encryptionInspector, yara]);

  async function examineAhead(
    ahead: Ahead,
    dissection: Dissection,
    content: Buffer,
  ): Promise<Pick<Dissected, "ahead">> {
    const externals = messageExternals(ahead.envelope, dissection, ahead.direction);
    const reports: Record<string, PartReport> = {};
    for (const part of dissection.parts) {
      if (!part.view || (part.role !== "message" && part.role !== "body")) continue;
      reports[part.path] = await examiner.examine(part, decodeView(content, part.view), externals, ahead.limits);
    }
    return { ahead: reports };
  }

  return {
    versions: { ...examiner.versions, dissect: dissectVersion },
    async run(job, content) {
      if (job.kind === "view") {
        // Loaded by those who need it. Worn: its memory, and whatever the sender's octets did to it, end with this child.
        const { view } = await import("./view.ts");
        return { result: await view(content, job.limits), health: "worn" };
      }
      if (job.kind === "strip") {
        return { result: cutOut(content, job.targets, job.limits), health: health() };
      }
      if (job.kind === "dissect") {
        const dissection = dissect(content, job.limits);
        const ahead = job.ahead ? await examineAhead(job.ahead, dissection, content) : {};
        return { result: { ...dissection, ...ahead }, health: health() };
      }
      const bytes = decodeView(content, job.view);
      const result = await examiner.examine(job.part, bytes, job.externals, job.limits);
      return { result, health: health() };
    },
  };
}
