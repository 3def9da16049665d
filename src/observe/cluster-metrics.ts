/** Figures of what many machines share; docs/cluster.md explains each. */
import { Counter, Gauge, type Registry } from "prom-client";

export function createClusterMetrics(registry: Registry) {
  const registers = [registry];
  return {
    routed: new Counter({
      name: "sallyport_cluster_jobs_total",
      help: "Jobs for workers elsewhere: done there, or here because they could not be",
      labelNames: ["where"] as const,
      registers,
    }),
    jobs: new Gauge({
      name: "sallyport_cluster_queue_jobs",
      help: "Jobs in Redis, of all gateways together",
      labelNames: ["state"] as const,
      registers,
    }),
    oldest: new Gauge({
      name: "sallyport_cluster_queue_oldest_seconds",
      help: "Age of the oldest job in Redis",
      registers,
    }),
    workers: new Gauge({ name: "sallyport_cluster_workers", help: "Workers alive", registers }),
    redisUp: new Gauge({ name: "sallyport_cluster_redis_up", help: "1 while Redis answers and takes jobs", registers }),
    busy: new Gauge({
      name: "sallyport_worker_busy_share",
      help: "Jobs under way here by scan.workers; above 1 others wait for a child",
      registers,
    }),
  };
}

export type ClusterMetrics = ReturnType<typeof createClusterMetrics>;
