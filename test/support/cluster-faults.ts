/** What can befall a site of many machines, one after the other while mail flows; and whether it is well again. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Millis } from "../../src/core/message.ts";
import type { ClusterSite, GatewayMember, Member } from "./cluster-site.ts";
import { drop } from "./fake-next-hop.ts";

export interface Fault {
  readonly name: string;
  strike(): Promise<void> | void;
  /** Absent: it is over as soon as it has struck, and recovery counts from there. */
  readonly mend?: () => Promise<void> | void;
  /** Nothing is to go away meanwhile. */
  readonly isHarmless?: true;
}

const killed = (member: Member): Fault => ({
  name: `kill -9 of ${member.name}, started again`,
  async strike() {
    await member.kill();
    await member.start();
  },
});

const clockOff = ({ name, clock }: Member, seconds: number): readonly Fault[] =>
  clock === null
    ? []
    : [
        {
          name: `clock of ${name} ${seconds / 60} minutes off`,
          strike: () => clock.setOff(seconds),
          mend: () => clock.setOff(0),
          isHarmless: true,
        },
      ];

function cutOff({ network }: ClusterSite): readonly Fault[] {
  if (!network) return [];
  const [toRedis] = network.wires;
  return [{ name: "network between w-2 and Redis cut", strike: () => toRedis.cut(), mend: () => toRedis.mend() }];
}

const well = { MAIL: "250 2.1.0 ok" } as const;

/** Every process of ours is killed in turn, and everything that they need goes away. */
export function faultsOf(site: ClusterSite): readonly Fault[] {
  const { gateways, workers, redis, postgres, s3, hop } = site;
  const [, second] = gateways;
  const [, away] = workers;
  return [
    ...[...gateways, ...workers].map(killed),
    {
      name: "kill -9 of all workers",
      strike: () => Promise.all(workers.map((worker) => worker.kill())).then(() => undefined),
      mend: () => Promise.all(workers.map((worker) => worker.start())).then(() => undefined),
    },
    {
      name: "Redis restarted, its data gone",
      async strike() {
        await redis.kill();
        await redis.start(true);
      },
    },
    { name: "Redis down (kill -9)", strike: () => redis.kill(), mend: () => redis.start() },
    {
      name: "Redis full",
      strike: () => void redis.cli("config", "set", "maxmemory", "1"),
      mend: () => void redis.cli("config", "set", "maxmemory", "0"),
    },
    ...cutOff(site),
    {
      name: "PostgreSQL down (as in a crash)",
      strike: () => postgres.stop("immediate"),
      mend: () => postgres.start(),
    },
    { name: "S3 down (kill -9)", strike: () => s3.kill(), mend: () => s3.start() },
    {
      name: "next hop down",
      strike() {
        hop.say({ MAIL: drop });
        hop.cut();
      },
      mend: () => hop.say(well),
    },
    ...(second ? clockOff(second, 300) : []),
    ...(away ? clockOff(away, -300) : []),
  ];
}

/** A complaint in the log, and the line that takes it back. */
const complaints: Readonly<Record<string, string>> = {
  queue_here: "queue_elsewhere",
  catalog_away: "catalog_back",
  records_away: "records_back",
  copies_away: "copies_back",
};

/** What its process complains of and has not taken back. */
function openComplaints({ gateway }: GatewayMember): readonly string[] {
  const open = new Set<string>();
  for (const { event } of gateway().log()) {
    if (typeof event !== "string") continue;
    if (event in complaints) open.add(event);
    for (const [complaint, end] of Object.entries(complaints)) if (event === end) open.delete(complaint);
  }
  return [...open];
}

/** Why a gateway is not well: not ready, too few workers, or something is still away; and how many jobs went elsewhere. */
async function look(member: GatewayMember, workers: number): Promise<{ readonly why: string; readonly jobs: number }> {
  const { web, child, errors, log } = member.gateway();
  if (child.exitCode !== null || child.signalCode !== null)
    throw new Error(`${member.name} has died:\n${errors()}\n${JSON.stringify(log().slice(-3))}`);
  try {
    const ready = await fetch(`http://127.0.0.1:${web}/ready`);
    const seen = await member.gateway().metric("cluster_workers");
    const jobs = await member.gateway().metric('cluster_jobs_total{where="elsewhere"}');
    const why = [
      ...(ready.ok ? [] : [await ready.text()]),
      ...(seen === workers ? [] : [`${seen} of ${workers} workers`]),
      ...openComplaints(member),
    ];
    return { why: why.join(", "), jobs };
  } catch (error) {
    return { why: String(error), jobs: 0 };
  }
}

/** Resolves when all gateways are well, and each has had a job done elsewhere since it was asked; mail must flow meanwhile. */
export async function untilWell({ gateways, workers }: ClusterSite, limitMs: Millis): Promise<void> {
  const end = performance.now() + limitMs;
  const before = new Map<string, number>();
  for (;;) {
    const looks = await Promise.all(
      gateways.map(async (member) => ({ name: member.name, ...(await look(member, workers.length)) })),
    );
    const wrong = looks.flatMap(({ name, why, jobs }) => {
      const first = before.get(name) ?? jobs;
      before.set(name, Math.min(first, jobs));
      const complaint = why !== "" ? why : jobs > first ? "" : "no job has gone elsewhere";
      return complaint === "" ? [] : [`${name}: ${complaint}`];
    });
    if (wrong.length === 0) return;
    if (performance.now() > end) throw new Error(`not well after ${limitMs / 1000} s: ${wrong.join("; ")}`);
    await sleep(100);
  }
}
