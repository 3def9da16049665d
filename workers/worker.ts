/** What an opener does with a job: names every inspector that looks, and notices when the engine breaks. */
import type { Ahead, InspectJob } from "../src/core/job.ts";
import type { Part, Span, View } from "../src/core/message.ts";
import type { Dissected, Dissection, Finding, PartReport } from "../src/core/outcome.ts";
import { cutOut } from "../src/dissect/cut-out.ts";
import { decodeView } from "../src/dissect/decode.ts";
import { dissect, dissectVersion } from "../src/dissect/dissect.ts";
import { offsetInView } from "../src/dissect/outline.ts";
import { messageExternals } from "../src/rulepacks/externals.ts";
import { type CompiledRules, ScanTimeout } from "./engines/engine.ts";
import { createExaminer } from "./examine.ts";
import { encryptionInspector } from "./inspectors/encryption.ts";
import { fileTypeInspector } from "./inspectors/file-type.ts";
import { nameInspector } from "./inspectors/name.ts";
import { createYaraInspector } from "./inspectors/yara.ts";
import { wordsOf } from "./words.ts";
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

/** Paths are relative to the part: its own findings have none. */
function inWhole(report: PartReport, omitted: readonly Span[]): PartReport {
  const moved = (finding: Finding): Finding =>
    finding.matches && finding.part === ""
      ? { ...finding, matches: finding.matches.map((at) => ({ ...at, offset: offsetInView(at.offset, omitted) })) }
      : finding;
  const outcomes = report.outcomes.map((outcome) =>
    outcome.kind === "found" ? { ...outcome, findings: outcome.findings.map(moved) } : outcome,
  );
  return { ...report, outcomes };
}

export async function createWorker(
  rules: CompiledRules,
  { engine, recycleAfter, facts }: Compiled,
  { ruleSet }: Pick<Init, "ruleSet">,
): Promise<Worker> {
  const { watched, health } = watch(rules, recycleAfter);
  const yara = createYaraInspector({ rules: watched, facts, version: `${engine}, rules ${ruleSet}` });
  const examiner = await createExaminer([fileTypeInspector, nameInspector, encryptionInspector, yara]);

  /** Whatever is found in a part that was shown with omissions is said of where it stands in the whole. */
  async function examine(
    part: Part,
    content: Buffer,
    view: View,
    { externals, limits, passwords = [] }: Pick<InspectJob, "externals" | "limits" | "passwords">,
  ) {
    const report = await examiner.examine(part, decodeView(content, view), externals, limits, passwords);
    return view.omitted ? inWhole(report, view.omitted) : report;
  }

  async function examineAhead(
    ahead: Ahead,
    dissection: Dissection,
    content: Buffer,
  ): Promise<Pick<Dissected, "ahead">> {
    const externals = messageExternals(ahead.envelope, dissection, ahead.direction);
    const reports: Record<string, PartReport> = {};
    for (const part of dissection.parts) {
      if (!part.view || (part.role !== "message" && part.role !== "body")) continue;
      reports[part.path] = await examine(part, content, part.view, { externals, limits: ahead.limits });
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
        return { result: { ...dissection, ...ahead, words: wordsOf(content, dissection) }, health: health() };
      }
      const result = await examine(job.part, content, job.view, job);
      return { result, health: health() };
    },
  };
}
