/** Parts → jobs → outcomes: asks the cache, submits what is new, adds up the purse of the message, gathers. */
import type { Content, Externals, InspectJob, InspectLimits, Job, JobResult } from "../core/job.ts";
import type { Envelope, Millis, Part } from "../core/message.ts";
import type { Dissection, Inspection, Outcome, PartReport } from "../core/outcome.ts";
import type { Password } from "../core/password.ts";
import type { Queue } from "../queue/queue.ts";
import { jobId } from "./job-id.ts";
import { leaveOut, versionWithout } from "./left-out.ts";
import type { MessageInspector } from "./message-inspector.ts";
import type { VerdictCache } from "./verdict-cache.ts";

/** The rules in force, and the versions of all code that looks at a part. */
export interface RuleSetInForce {
  readonly version: string;
  readonly versions: Readonly<Record<string, string>>;
  /** External variables that the rules use. */
  readonly used: ReadonlySet<string>;
  /** Rules, or globs of them, whose findings are left out. */
  readonly disabled: readonly string[];
}

export interface InspectOptions {
  readonly queue: Queue<Job, JobResult>;
  readonly cache: VerdictCache;
  readonly inForce: () => RuleSetInForce;
  readonly limits: InspectLimits;
  readonly deadlineMs: Millis;
  readonly messageInspectors: readonly MessageInspector[];
  /** Jobs of one message at the same time. */
  readonly parallel: number;
  /** Workers are elsewhere: each job takes its time on the way, so those of a small message go together too. */
  readonly isFar?: boolean;
  readonly externals: (envelope: Envelope, dissection: Dissection) => Externals;
  /** Words to try on what stayed closed; asked at most once for a message, and only if something did. */
  readonly passwords?: (
    entry: { readonly envelope: Envelope; content(): Content },
    dissection: Dissection,
    signal: AbortSignal,
  ) => Promise<readonly Password[]>;
  readonly onReport?: (report: PartReport, cached: boolean) => void;
}

/** Below this size, unless workers are elsewhere, jobs go one after the other to the child that has the octets already. */
const smallMessage = 512 * 1024;

/** Deadlines that the jobs of one message may take in all: otherwise 2,000 slow parts could keep the workers busy for hours. */
const deadlinesPerMessage = 10;

interface Purse {
  members: number;
  bytes: number;
  ms: Millis;
  cached: number;
}

/** A job whose child had to be killed cannot tell what it took: a whole deadline, most likely. */
const timeOf = (report: PartReport, deadlineMs: Millis): Millis =>
  report.outcomes.some(({ inspector }) => inspector === "sandbox") ? deadlineMs : report.spent.ms;

/** Something in it is encrypted, and no password that everybody knows opens it. */
const isLocked = ({ outcomes }: PartReport): boolean =>
  outcomes.some((outcome) => outcome.kind === "incomplete" && outcome.why === "encrypted");

const absolute = (base: string, path: string): string => base + path;

/** The report's paths made absolute, its identified types put on the part. */
function place(part: Part, report: PartReport): { readonly parts: Part[]; readonly outcomes: Outcome[] } {
  const parts = [
    { ...part, types: report.types },
    ...report.members.map(({ derived, ...member }) => ({
      ...member,
      path: absolute(part.path, member.path),
      ...(derived ? { derived: { ...derived, from: absolute(part.path, derived.from) } } : {}),
    })),
  ];
  const outcomes = report.outcomes.map((outcome): Outcome => {
    const path = absolute(part.path, outcome.part);
    if (outcome.kind !== "found") return { ...outcome, part: path };
    return {
      ...outcome,
      part: path,
      findings: outcome.findings.map((finding) => ({ ...finding, part: absolute(part.path, finding.part) })),
    };
  });
  return { parts, outcomes };
}

const unpaid = ({ path }: Part): Outcome => ({
  part: path,
  inspector: "inspect",
  kind: "incomplete",
  why: "limit",
  text: "The budget of the message was used up before this part",
});

export function createInspect(options: InspectOptions) {
  const { queue, cache, limits, deadlineMs } = options;

  const isOver = (purse: Purse): boolean =>
    purse.members > limits.members || purse.bytes > limits.bytes || purse.ms > deadlinesPerMessage * deadlineMs;

  /** A claim may move the octets between the making of a job and its start: then the job is made anew, once. */
  async function submit(job: () => InspectJob, signal: AbortSignal): Promise<PartReport> {
    const first = job();
    try {
      return (await queue.submit(first, signal)) as PartReport;
    } catch (error) {
      const again = job();
      if (first.content.kind === "bytes" || again.content.kind === "bytes" || first.content.file === again.content.file)
        throw error;
      return (await queue.submit(again, signal)) as PartReport;
    }
  }

  async function report(
    part: Part,
    content: () => Content,
    rules: RuleSetInForce,
    externals: Externals,
    purse: Purse,
    signal: AbortSignal,
    priority: number | undefined,
    passwords: readonly Password[] = [],
  ) {
    const used = Object.fromEntries(Object.entries(externals).filter(([name]) => rules.used.has(name)));
    const id = jobId(part, `${rules.version} ${JSON.stringify(rules.versions)}`, limits, used, passwords);
    const known = cache.get(id);
    if (known) {
      purse.cached++;
      options.onReport?.(known, true);
      return known;
    }
    const { view } = part;
    if (!view) throw new TypeError(`part ${part.path} has no octets of its own`);
    const job = (): InspectJob => ({
      kind: "inspect",
      id,
      content: content(),
      view,
      part,
      externals,
      ...(passwords.length > 0 ? { passwords } : {}),
      ruleSet: rules.version,
      limits,
      deadlineMs,
      ...(priority === undefined ? {} : { priority }),
    });
    const made = await submit(job, signal);
    purse.ms += timeOf(made, deadlineMs);
    cache.put(id, made);
    options.onReport?.(made, false);
    return made;
  }

  /** `ahead`: reports by path that came with the dissection. `priority`: none while a client waits. Throws QUEUE_UNAVAILABLE, SCANNER_UNAVAILABLE (temporary), or the signal's reason. */
  return async function inspect(
    entry: { readonly envelope: Envelope; content(): Content },
    dissection: Dissection,
    signal: AbortSignal,
    ahead: Readonly<Record<string, PartReport>> = {},
    priority?: number,
  ): Promise<Inspection> {
    const began = performance.now();
    const rules = options.inForce();
    const externals = options.externals(entry.envelope, dissection);
    const content = () => entry.content();
    let asked: Promise<readonly Password[]> | null = null;
    const askWords = (): Promise<readonly Password[]> =>
      (asked ??= options.passwords?.(entry, dissection, signal) ?? Promise.resolve([]));
    const purse: Purse = { members: 0, bytes: 0, ms: 0, cached: 0 };
    /** In the order of the parts, whichever is through first. */
    const placed: ReturnType<typeof place>[] = [];
    let next = 0;
    const isOneByOne = dissection.size <= smallMessage && options.isFar !== true;
    const lanes = isOneByOne ? 1 : Math.min(options.parallel, dissection.parts.length);
    // A lane that fails ends the others: nobody waits for their reports any more.
    const failed = new AbortController();
    const either = lanes > 1 ? AbortSignal.any([signal, failed.signal]) : signal;

    async function one(): Promise<void> {
      for (let i = next++; i < dissection.parts.length; i = next++) {
        const part = dissection.parts[i];
        if (!part) return;
        if (isOver(purse)) {
          placed[i] = { parts: [part], outcomes: [unpaid(part)] };
          continue;
        }
        const early = ahead[part.path];
        if (early) {
          options.onReport?.(early, false);
          purse.ms += timeOf(early, deadlineMs);
        }
        const ask = (words: readonly Password[] = []): Promise<PartReport> =>
          report(part, content, rules, externals, purse, either, priority, words);
        const first = early ?? (await ask());
        const words = isLocked(first) && part.view ? await askWords() : [];
        // Without passwords everybody has the same result; with them it is this message's own.
        const made = words.length > 0 ? await ask(words) : first;
        purse.members += made.spent.members;
        purse.bytes += made.spent.bytes;
        placed[i] = place(part, made);
      }
    }

    const fail = (error: unknown): never => {
      failed.abort(error);
      throw error;
    };
    await Promise.all(Array.from({ length: lanes }, () => one().catch(fail)));
    const parts = placed.flatMap((one) => one.parts);
    const all = [...dissection.outcomes, ...placed.flatMap(({ outcomes }) => outcomes)];
    const seen = leaveOut(all, rules.disabled);
    const ofMessage = options.messageInspectors.map(({ name, inspect: look }): Outcome => {
      const findings = look({ envelope: entry.envelope, parts, outcomes: seen });
      return { part: "0", inspector: name, ...(findings.length > 0 ? { kind: "found", findings } : { kind: "clean" }) };
    });
    return {
      parts,
      outcomes: [...seen, ...leaveOut(ofMessage, rules.disabled)],
      versions: rules.versions,
      ruleSet: versionWithout(rules.version, rules.disabled),
      cached: purse.cached,
      elapsedMs: performance.now() - began,
    };
  };
}
