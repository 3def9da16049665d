/** Builds a worker machine: rules, sandboxed children, and the queue that brings them jobs of all gateways. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startWorkers, type Workers } from "../workers/compose.ts";
import { gaugeCluster, openInspectQueue } from "./compose-cluster.ts";
import { type ActiveRelease, followReleases, lastRelease, withRelease } from "./compose-releases.ts";
import type { Config } from "./config-schema.ts";
import { explain, GatewayError } from "./core/errors.ts";
import type { Millis } from "./core/message.ts";
import { createClusterMetrics } from "./observe/cluster-metrics.ts";
import { startStatusServer } from "./observe/http-status.ts";
import { createLog, type Log } from "./observe/log.ts";
import { createMetrics, type Metrics } from "./observe/metrics.ts";
import { fitOf } from "./queue/inspect-carrier.ts";
import { externalDefaults } from "./rulepacks/externals.ts";
import { RuleStore } from "./rulepacks/store.ts";

export interface Work {
  readonly web: number | null;
  readonly log: Log;
  /** Rules anew; a mistake in them changes nothing. */
  reload(): Promise<void>;
  /** Takes no more jobs; what runs may end within the grace period, then goes to another worker. */
  stop(graceMs?: Millis): Promise<void>;
}

/** One runs, one is fetched: so a child need not wait for the network. */
const jobsPerChild = 2;

interface Bench {
  readonly workers: Workers;
  readonly store: RuleStore;
  fit(): string;
  use(release: ActiveRelease): Promise<void>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Children with the rules in force, and new ones whenever a file changes. */
async function startBench(config: Config, log: Log, metrics: Metrics): Promise<Bench> {
  const scratchDir = join(config.data_dir, "scratch");
  mkdirSync(scratchDir, { recursive: true, mode: 0o711 });
  const store = await RuleStore.open({ folders: config.rules, dataDir: config.data_dir, log });
  const rules = () => store.ruleSet(externalDefaults);
  const workers = await startWorkers({
    concurrency: config.scan.workers,
    memory: config.scan.memory,
    deadlineMs: config.scan.deadline,
    engine: config.scan.engine,
    scratchDir,
    spoolDir: join(config.data_dir, "fetched"),
    rules: rules(),
    log,
    onEvent: (event) => event !== "started" && metrics.childRestarts.inc({ why: event }),
  });
  /** Files that do not compile are left out, and their last good version comes back. */
  const settle = async (): Promise<void> => {
    while (store.learn(workers.status().problems)) await workers.swap(rules());
  };
  await settle();

  let reloading = Promise.resolve();
  const reload = (): Promise<void> => {
    reloading = reloading
      .then(async () => {
        await store.load();
        if (rules().version === workers.status().ruleSet) return;
        await workers.swap(rules());
        await settle();
        log.info("rules_reloaded", { rule_set: workers.status().ruleSet.slice(0, 16) });
      })
      .catch((error: unknown) => log.error("rules_refused", { error_cause: explain(error) }));
    return reloading;
  };
  const watching = store.watch(() => void reload());
  return {
    workers,
    store,
    fit() {
      const { ruleSet, versions } = workers.status();
      return fitOf(ruleSet, versions);
    },
    use(release) {
      store.use(release.rules);
      return reload();
    },
    reload,
    async close() {
      watching.close();
      await reloading;
      await workers.close();
      await store.close();
    },
  };
}

export async function startWork(config: Config): Promise<Work> {
  if (!config.queue) {
    const remedy = "set queue, blobs and cluster.key_file as on the gateways (docs/cluster.md)";
    throw new GatewayError("CONFIG_INVALID", { problem: "a worker needs a queue", remedy });
  }
  const log = createLog(config.log.level);
  const metrics = createMetrics();
  const clusterMetrics = createClusterMetrics(metrics.registry);
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    mkdirSync(config.data_dir, { recursive: true, mode: 0o711 });
    const release = await lastRelease(config);
    const bench = await startBench(withRelease(config, release), log, metrics);
    closers.push(() => bench.close());
    const following = followReleases({ config, role: "work", log, from: release, follower: bench });
    closers.push(() => following.close());
    await following.first;
    const { workers, fit } = bench;
    const slots = config.scan.workers * jobsPerChild;
    const queue = await openInspectQueue({
      config,
      log,
      versions: () => workers.status().versions,
      needWorkers: false,
      offers: fit,
      waiting: 0,
    });
    closers.push(() => queue.close());
    const serving = queue.bull.serve((job, signal) => workers.run(job, signal), slots);

    let draining = false;
    const gauge = async (): Promise<void> => {
      clusterMetrics.busy.set(serving.busy() / config.scan.workers);
      const { ruleCount, children } = workers.status();
      metrics.rules.set(ruleCount);
      metrics.children.set({ state: "all" }, children.length);
      await gaugeCluster(clusterMetrics, queue.bull).catch(() => undefined);
    };
    const { web } = config.listen;
    const status =
      web === null
        ? null
        : await startStatusServer(web, {
            metrics: () => gauge().then(() => metrics.registry.metrics()),
            unhealthy: () => null,
            unready: () =>
              Promise.resolve(
                draining
                  ? "draining"
                  : !queue.bull.isUp
                    ? "Redis is away"
                    : workers.status().children.length === 0
                      ? "no scan child is ready"
                      : null,
              ),
          });
    if (status) closers.push(() => status.close());
    const { engine, ruleSet, ruleCount } = workers.status();
    log.info("started", {
      role: "work",
      node: config.cluster.node,
      engine: engine.engine,
      rule_set: ruleSet.slice(0, 16),
      rules: ruleCount,
      jobs_at_once: slots,
    });
    return {
      web: status?.port ?? null,
      log,
      reload: bench.reload,
      async stop(graceMs = config.smtp.drain) {
        draining = true;
        const late = setTimeout(() => serving.putBack(), graceMs);
        await serving[Symbol.asyncDispose]();
        clearTimeout(late);
        await closeAll();
        log.info("stopped");
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
