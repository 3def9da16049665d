/** Wires inspection: rules, workers, queue, cache, policy; the part of the gateway that `sallyport scan` uses as well. */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startWorkers, type Workers } from "../workers/compose.ts";
import { createSpoken, sitePasswords } from "./compose-words.ts";
import { externalDefaults, messageExternals } from "./rulepacks/externals.ts";
import { type Config, routeName } from "./config-schema.ts";
import { explain, isGatewayError } from "./core/errors.ts";
import type { Cutting } from "./core/cutting.ts";
import type { Content, DissectJob, Job, JobResult, Target, ViewLimits } from "./core/job.ts";
import type { Envelope, ForwardPath, QueueId } from "./core/message.ts";
import type { MessageView } from "./core/message-view.ts";
import type { Dissected, Dissection, Inspection, PartReport } from "./core/outcome.ts";
import type { State } from "./core/state.ts";
import type { Reply } from "./core/status.ts";
import type { Correspondence } from "./correspondence.ts";
import { refusedAtRcpt } from "./decide/at-rcpt.ts";
import { decide, type RouteFacts } from "./decide/decide.ts";
import type { Policy } from "./decide/policy.ts";
import { createInspect, type RuleSetInForce } from "./inspect/inspect.ts";
import { versionWithout } from "./inspect/left-out.ts";
import { loneProgram } from "./inspect/message-inspector.ts";
import { VerdictCache } from "./inspect/verdict-cache.ts";
import type { Clock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { Stages } from "./pipeline.ts";
import { loadPolicy } from "./policy-file.ts";
import { EmbeddedQueue } from "./queue/embedded.ts";
import type { Queue } from "./queue/queue.ts";
import type { Records } from "./records/records.ts";
import { RuleStore } from "./rulepacks/store.ts";

export interface ScannerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly records: Records;
  /** The number of the release that the configuration's rules and policy are of. */
  readonly release?: number | null;
  /** Where words of other messages are kept, and go to. */
  readonly words?: Correspondence | null;
}

/** What inspection needs of a message. */
interface Scannable {
  readonly envelope: Envelope;
  /** `arriving`: a client waits. Absent: a person does. */
  readonly state?: State | "gone";
  content(): Content;
}

export interface Scanner {
  dissect(entry: Scannable, signal: AbortSignal): Promise<Dissection>;
  inspect(entry: Scannable, dissection: Dissection, signal: AbortSignal): Promise<Inspection>;
  /** Where to cut, so that these parts are gone. */
  cutOut(entry: Scannable, targets: readonly Target[], signal: AbortSignal): Promise<Cutting>;
  /** For a person: the message as a mail program would show it. */
  readonly view: (id: QueueId, content: Content) => Promise<MessageView>;
  readonly stages: Pick<Stages, "dissect" | "inspect" | "decide">;
  readonly queue: Queue<Job, JobResult>;
  readonly workers: Workers;
  readonly rules: RuleStore;
  /** At RCPT: what lists and policy refuse whatever the message may hold. */
  refuses(envelope: Pick<Envelope, "client" | "reversePath">, path: ForwardPath): Reply | null;
  inForce(): { readonly ruleSet: string; readonly policyVersion: string };
  /** For the log line at start and `status`. */
  describe(): Readonly<Record<string, unknown>>;
  gauge(): void;
  unready(): string | null;
  /** Rules and policy of a release in the place of those in force. */
  use(release: {
    readonly n: number;
    readonly rules: readonly string[];
    readonly policy: string | undefined;
  }): Promise<void>;
  /** Rules and policy anew; what is wrong is logged and changes nothing. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

const policyEveryMs = 2_000;
/** Jobs that may wait; beyond, the scanner counts as unavailable. */
const mostWaiting = 50_000;
const mostExamined = 1_000;
/** One runs, one waits: so the pool can give a child the job whose octets it holds already. */
const jobsPerChild = 2;

/** Reports of the parts that never repeat, by path, made when the message was dissected. */
interface Ahead {
  readonly ruleSet: string;
  readonly reports: Readonly<Record<string, PartReport>>;
}

/** For a person to read; more parts than are inspected, so that a message that was held for its many parts can be shown. */
export const viewLimits: ViewLimits = { parts: 5_000, headerChars: 256 * 1024, textChars: 100_000 };

/** Rules may change while a message is inspected: then it is inspected anew, with the new ones. */
const swapsPerMessage = 5;

/** What is ours already can wait for what is not. */
const oursPriority = 5;
const priorityOf = ({ state = "arriving" }: Scannable): number | undefined =>
  state === "arriving" ? undefined : oursPriority;

/** Of one message, where workers are elsewhere: enough to hide the way, few enough to be fair to others. */
const farAtOnce = 8;

const stampOf = (file: string | undefined): number =>
  file === undefined ? 0 : (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);

export async function startScanner(options: ScannerOptions): Promise<Scanner> {
  const { config, log, clock, metrics, records } = options;
  const directions = new Map(config.routes.map((route) => [routeName(route), route.direction]));
  const routeFacts: ReadonlyMap<string, RouteFacts> = new Map(config.routes.map((route) => [routeName(route), route]));
  let policyFile = config.policy;
  let policy: Policy = loadPolicy(policyFile);
  let policyStamp = stampOf(policyFile);
  let release = options.release ?? null;
  /** While one set takes over from another, each result says under which it was made. */
  const releaseOf = new Map<string, number>();
  const scratchDir = join(config.data_dir, "scratch");
  mkdirSync(scratchDir, { recursive: true, mode: 0o711 });

  const store = await RuleStore.open({ folders: config.rules, dataDir: config.data_dir, log });
  const workers = await startWorkers({
    concurrency: config.scan.workers,
    memory: config.scan.memory,
    deadlineMs: config.scan.deadline,
    engine: config.scan.engine,
    scratchDir,
    spoolDir: join(config.data_dir, "spool"),
    rules: store.ruleSet(externalDefaults),
    log,
    onEvent: (event) => event !== "started" && metrics.childRestarts.inc({ why: event }),
  });
  let loadedAt = clock.now();
  await settle();
  if (release !== null) releaseOf.set(workers.status().ruleSet, release);

  const here = new EmbeddedQueue<Job, JobResult>({ waiting: mostWaiting });
  const versions = () => workers.status().versions;
  // Loaded only where there is a Redis.
  const cluster = config.queue && (await import("./compose-cluster.ts"));
  const queue = (await cluster?.joinCluster(here, { config, log, metrics, versions, waiting: mostWaiting })) ?? here;
  const serving = queue.serve((job, signal) => workers.run(job, signal), config.scan.workers * jobsPerChild);
  const cache = new VerdictCache(config.scan.cache);
  const { limits } = config.scan;

  function inForce(): RuleSetInForce {
    const { ruleSet, versions } = workers.status();
    return { version: ruleSet, versions, used: store.usedExternals, disabled: records.snapshot().disabledRules };
  }

  const inspectLimits = {
    members: limits.members,
    bytes: limits.bytes,
    memberBytes: limits.member_size,
    depth: limits.depth,
    ratio: limits.ratio,
  };
  const dissectLimits = { parts: limits.parts, depth: limits.depth, headerBytes: config.smtp.header_size };
  const directionOf = (envelope: Envelope): string =>
    directions.get(envelope.forwardPaths[0]?.route ?? "") ?? "inbound";
  /** What was examined ahead, until the message is inspected. */
  const examined = new Map<string, Ahead>();
  function remember(id: string, made: Ahead): void {
    examined.set(id, made);
    for (const oldest of examined.keys()) {
      if (examined.size <= mostExamined) break;
      examined.delete(oldest);
    }
  }

  const dissectJob = (entry: Scannable): DissectJob => ({
    kind: "dissect",
    id: `dissect ${entry.envelope.queueId}`,
    content: entry.content(),
    limits: { parts: limits.parts, depth: limits.depth, headerBytes: config.smtp.header_size },
    deadlineMs: config.scan.deadline,
  });
  const spoken = createSpoken({
    others: options.words ?? null,
    site: sitePasswords(config.scan.passwords.list),
    read: async (entry: Scannable, signal) => ((await queue.submit(dissectJob(entry), signal)) as Dissected).words,
  });

  const inspect = createInspect({
    queue,
    cache,
    inForce,
    limits: inspectLimits,
    deadlineMs: config.scan.deadline,
    passwords: spoken.passwords,
    messageInspectors: [loneProgram],
    parallel: config.queue ? Math.max(farAtOnce, config.scan.workers) : config.scan.workers,
    isFar: config.queue !== undefined,
    externals: (envelope, dissection) => messageExternals(envelope, dissection, directionOf(envelope)),
    onReport(report, cached) {
      metrics.cacheHits.inc({ result: cached ? "hit" : "miss" });
      if (cached) return;
      for (const [inspector, ms] of Object.entries(report.timings))
        metrics.scanSeconds.observe({ inspector }, ms / 1000);
    },
  });

  function count(inspection: Inspection): void {
    for (const outcome of inspection.outcomes) {
      if (outcome.kind === "incomplete") metrics.incomplete.inc({ why: outcome.why });
      if (outcome.kind === "found") for (const { rule } of outcome.findings) metrics.ruleHits.inc({ rule });
    }
  }

  const numbered = (made: Inspection, version: string): Inspection => {
    const n = releaseOf.get(version);
    return n === undefined ? made : { ...made, release: n };
  };

  const scanning: Pick<Scanner, "dissect" | "inspect"> = {
    async dissect(entry, signal) {
      const { version: ruleSet } = inForce();
      const priority = priorityOf(entry);
      const job: Job = {
        ...dissectJob(entry),
        ...(priority === undefined ? {} : { priority }),
        ahead: { envelope: entry.envelope, direction: directionOf(entry.envelope), limits: inspectLimits, ruleSet },
      };
      const { ahead, words, ...dissection } = (await queue.submit(job, signal)) as Dissected;
      if (ahead) remember(entry.envelope.queueId, { ruleSet, reports: ahead });
      if (words) spoken.hear(entry, dissection.header, words);
      return dissection;
    },
    async inspect(entry, dissection, signal) {
      for (let swaps = 0; ; swaps++) {
        const { version } = inForce();
        try {
          const known = examined.get(entry.envelope.queueId);
          const ahead = known?.ruleSet === version ? known.reports : {};
          const made = await inspect(entry, dissection, signal, ahead, priorityOf(entry));
          const inspection = numbered(made, version);
          examined.delete(entry.envelope.queueId);
          spoken.forget(entry);
          count(inspection);
          return inspection;
        } catch (error) {
          if (
            !isGatewayError(error, "SCANNER_UNAVAILABLE") ||
            version === inForce().version ||
            swaps >= swapsPerMessage
          )
            throw error;
        }
      }
    },
  };
  const stages: Scanner["stages"] = {
    ...scanning,
    decide: (envelope, dissection, inspection) =>
      decide(
        envelope,
        dissection,
        inspection,
        policy,
        records.snapshot(),
        routeFacts,
        clock.now().getTime() - Date.parse(envelope.arrivedAt),
      ),
  };

  /** After a start or a swap: files that do not compile are left out, and their last good version comes back. */
  async function settle(): Promise<void> {
    while (store.learn(workers.status().problems)) await workers.swap(store.ruleSet(externalDefaults));
    loadedAt = clock.now();
  }

  async function reloadRules(): Promise<void> {
    await store.load();
    const next = store.ruleSet(externalDefaults);
    if (release !== null) releaseOf.set(next.version, release);
    if (next.version === workers.status().ruleSet) return;
    await workers.swap(next);
    await settle();
    log.info("rules_reloaded", describe());
  }

  function reloadPolicy(): void {
    try {
      policy = loadPolicy(policyFile);
      log.info("policy_reloaded", { policy_version: policy.version });
    } catch (error) {
      log.error("policy_refused", { error_cause: explain(error) });
    }
  }

  const filesWithErrors = (): number =>
    new Set(store.problems.filter(({ level }) => level === "error").map(({ pack, file }) => `${pack}/${file}`)).size;

  function describe(): Readonly<Record<string, unknown>> {
    const { engine, ruleSet, ruleCount, confinement, children } = workers.status();
    return {
      engine: engine.engine,
      engine_why: engine.why,
      rule_set: ruleSet.slice(0, 16),
      ...(release === null ? {} : { release }),
      rules: ruleCount,
      rule_files_with_errors: filesWithErrors(),
      policy_version: policy.version,
      confinement: confinement.how,
      missing_confinement: confinement.missing,
      children: children.length,
    };
  }

  let reloading: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    reloading = reloading
      .then(work)
      .catch((error: unknown) => log.error("rules_refused", { error_cause: explain(error) }));
    return reloading;
  };
  const watching = store.watch(() => void inTurn(reloadRules));
  const policyTimer = setInterval(() => {
    const stamp = stampOf(policyFile);
    if (stamp === policyStamp) return;
    policyStamp = stamp;
    reloadPolicy();
  }, policyEveryMs);

  return {
    ...scanning,
    async cutOut(entry, targets, signal) {
      const job: Job = {
        kind: "strip",
        id: `strip ${entry.envelope.queueId}`,
        content: entry.content(),
        targets,
        limits: dissectLimits,
        deadlineMs: config.scan.deadline,
      };
      return (await queue.submit(job, signal)) as Cutting;
    },
    async view(id, content) {
      const job: Job = {
        kind: "view",
        id: `view ${id}`,
        content,
        limits: viewLimits,
        deadlineMs: config.scan.deadline,
      };
      return (await queue.submit(job, new AbortController().signal)) as MessageView;
    },
    stages,
    queue,
    workers,
    rules: store,
    refuses: (envelope, path) => refusedAtRcpt(envelope, path, policy, records.snapshot(), routeFacts),
    inForce() {
      const { version, disabled } = inForce();
      return { ruleSet: versionWithout(version, disabled), policyVersion: policy.version };
    },
    describe,
    gauge() {
      const { ruleCount, engine, children } = workers.status();
      metrics.rules.set(ruleCount);
      metrics.ruleProblems.set(filesWithErrors());
      metrics.ruleAge.set(loadedAt.getTime() / 1000);
      metrics.engineFallback.set(engine.warning === null ? 0 : 1);
      metrics.children.set({ state: "all" }, children.length);
    },
    unready: () => (workers.status().children.length === 0 ? "no scan child is ready" : null),
    async use(next) {
      await inTurn(async () => {
        release = next.n;
        store.use(next.rules);
        await reloadRules();
        policyFile = next.policy;
        policyStamp = stampOf(policyFile);
        reloadPolicy();
      });
    },
    async reload() {
      reloadPolicy();
      await inTurn(reloadRules);
    },
    async close() {
      clearInterval(policyTimer);
      watching.close();
      await serving[Symbol.asyncDispose]();
      await queue.close();
      await reloading;
      await workers.close();
      await store.close();
    },
  };
}
