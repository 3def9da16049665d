/** The arithmetic of sizing: what a message costs each server, how many of them a rate needs, which one is full first. */
import type { Site } from "./cluster.ts";
import type { Mail } from "./costs.ts";

/** Milliseconds of each server's cores for one message. */
export function demands({ costs, withJobs, jobs }: Mail) {
  const each = withJobs * jobs;
  return {
    "gateway, own process": costs.gateway + each * costs.send,
    "gateway, children": costs.dissect,
    Redis: each * costs.redis,
    "worker, own process": each * costs.work,
    "worker, children": each * costs.inspect,
    PostgreSQL: costs.row,
  } as const;
}

export type ServerKind = keyof ReturnType<typeof demands>;

const serversOf = (site: Site): Readonly<Record<ServerKind, number>> => ({
  "gateway, own process": site.gateways,
  "gateway, children": site.gateways * site.gatewayChildren,
  Redis: site.shards,
  "worker, own process": site.workers,
  "worker, children": site.workers * site.workerChildren,
  PostgreSQL: site.postgresCores,
});

/** Messages a second at which the first server is full, and which one that is. */
export function ceiling(site: Site, mail: Mail): { readonly perSecond: number; readonly first: ServerKind } {
  const servers = serversOf(site);
  const all = Object.entries(demands(mail)).map(
    ([kind, ms]) => [kind as ServerKind, (servers[kind as ServerKind] * 1_000) / ms] as const,
  );
  const [first, perSecond] = all.reduce((least, one) => (one[1] < least[1] ? one : least));
  return { perSecond, first };
}

export interface Machines {
  readonly gatewayChildren: number;
  readonly workerChildren: number;
}

/** What a rate needs, if no server is to be busier than `most`. */
export function siteFor(
  perSecond: number,
  mail: Mail,
  { gatewayChildren, workerChildren }: Machines,
  most: number,
): Site {
  const busy = (kind: ServerKind): number => (demands(mail)[kind] * perSecond) / 1_000 / most;
  const machines = (own: ServerKind, children: ServerKind, each: number): number =>
    Math.max(1, Math.ceil(Math.max(busy(own), busy(children) / each)));
  const shards = Math.max(1, Math.ceil(busy("Redis")));
  const workers = machines("worker, own process", "worker, children", workerChildren);
  return {
    gateways: machines("gateway, own process", "gateway, children", gatewayChildren),
    gatewayChildren,
    shards,
    // Each shard has as many as the others.
    workers: Math.ceil(workers / shards) * shards,
    workerChildren,
    postgresCores: Math.max(1, Math.ceil(busy("PostgreSQL"))),
  };
}
