/** Wires alerts: looks at what stands wrong, hears of what happens, and mails it to the postmaster. */
import { X509Certificate } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { createCustodyParts } from "./compose-custody.ts";
import type { Scanner } from "./compose-scan.ts";
import { type Config, routeName } from "./config-schema.ts";
import { explain } from "./core/errors.ts";
import type { Bytes, Millis, QueueId } from "./core/message.ts";
import { roughSize } from "./core/units.ts";
import { alertKinds, type AlertMemory, Alerts, type Digest } from "./observe/alerts.ts";
import type { Clock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import { heldClasses } from "./review/held-class.ts";
import type { HeldTotals } from "./review/retention.ts";

export interface AlertPartsOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly scanner: Pick<Scanner, "unready"> & { readonly rules: Pick<Scanner["rules"], "problems"> };
  readonly parts: Pick<ReturnType<typeof createCustodyParts>, "health" | "nextHops" | "notices">;
  /** Free bytes above the watermark. */
  readonly room: () => Bytes;
  readonly unaccounted: () => Iterable<QueueId>;
  /** For tests. */
  readonly gatherMs?: Millis;
  readonly lookEveryMs?: Millis;
}

const certificateDays = 14;
const probeMs: Millis = 30_000;
/** A look that finds no child may have come between two of them. */
const looksWithoutScanner = 2;

function recall(file: string): AlertMemory {
  try {
    const { sent = {}, told = {} } = JSON.parse(readFileSync(file, "utf8")) as Partial<AlertMemory>;
    return { sent, told };
  } catch {
    return { sent: {}, told: {} };
  }
}

/** Days until the certificate that people have configured is over; null if there is none to be read, of which others tell. */
function certificateDaysLeft(file: string | undefined, now: Date): number | null {
  if (file === undefined) return null;
  try {
    return Math.floor((new X509Certificate(readFileSync(file)).validToDate.getTime() - now.getTime()) / 86_400_000);
  } catch {
    return null;
  }
}

export function startAlerts(options: AlertPartsOptions) {
  const { config, clock, log, metrics, scanner, parts, room, unaccounted } = options;
  const file = join(config.data_dir, "alerts.json");

  async function send(digest: Digest): Promise<void> {
    const { kind, lines, more } = digest;
    try {
      const mailed = await parts.notices.alert(digest);
      metrics.alerts.inc({ kind });
      log.warn("alert", { alert: kind, text: alertKinds[kind][0], lines, count: lines.length + more, mailed });
    } catch (error) {
      log.error("alert_not_sent", { alert: kind, lines, error_cause: explain(error) });
      throw error;
    }
  }

  const alerts = new Alerts({
    clock,
    everyMs: config.notifications.alerts_every,
    gatherMs: options.gatherMs ?? 30_000,
    memory: recall(file),
    keep(memory) {
      try {
        writeFileSync(`${file}.new`, JSON.stringify(memory), { mode: 0o600 });
        renameSync(`${file}.new`, file);
      } catch (error) {
        log.warn("alert_not_kept", { error_cause: explain(error) });
      }
    },
    send,
  });

  /** What has failed and was not tried since is asked. */
  async function hopsDown(): Promise<ReadonlyMap<string, string>> {
    const wrong = new Map<string, string>();
    for (const { hop, since, code, isFresh } of parts.health.down(config.notifications.next_hop_down)) {
      const routes = config.routes.filter((route) => route.next_hop.includes(hop)).map(routeName);
      const [route] = routes;
      if (!isFresh && route !== undefined) {
        const answers = await parts.nextHops.probe(route, AbortSignal.timeout(probeMs));
        if (answers.some((answer) => answer.hop === hop && answer.ok)) {
          parts.health.forget(hop);
          continue;
        }
      }
      const whose = routes.length > 0 ? `routes ${routes.join(", ")}` : "our own notices";
      wrong.set(hop, `${hop} (${whose}) since ${since.toISOString()}: ${code}`);
    }
    return wrong;
  }

  let withoutScanner = 0;
  async function look(): Promise<void> {
    const only = (key: string, isWrong: boolean, line: string): ReadonlyMap<string, string> =>
      new Map(isWrong ? [[key, line]] : []);
    const free = room();
    // Early: below the watermark not even an alert can be stored.
    const isLow = free < config.spool.min_free;
    alerts.standing("disk", only("disk", isLow, `${roughSize(Math.max(0, free))} left above spool.min_free`));
    const problem = scanner.unready();
    withoutScanner = problem === null ? 0 : withoutScanner + 1;
    // In between nobody knows whether it is well.
    if (withoutScanner === 0 || withoutScanner >= looksWithoutScanner)
      alerts.standing("scanner", only("scanner", problem !== null, problem ?? ""));
    const errors = scanner.rules.problems.filter(({ level }) => level === "error");
    const broken = errors.map(({ pack, file: name, line, message }) => [
      `${pack}/${name}`,
      `${pack}/${name}:${line}: ${message}`,
    ]);
    alerts.standing("rules", new Map(broken as [string, string][]));
    const days = certificateDaysLeft(config.smtp.tls.cert, clock.now());
    const expires = `${config.smtp.tls.cert}: ${days} days left`;
    alerts.standing("certificate", only(config.smtp.tls.cert ?? "", days !== null && days < certificateDays, expires));
    alerts.standing("unaccounted", new Map([...unaccounted()].map((id) => [id, `queue id ${id}`])));
    alerts.standing("next_hop", await hopsDown());
  }

  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => log.error("failed", { error_cause: explain(error) }))
      .finally(() => {
        looking = null;
      });
  }, options.lookEveryMs ?? 30_000);

  return {
    corrupt: (id: QueueId): void => alerts.raise("corrupt", `queue id ${id}`),
    expiresSoon: (id: QueueId, leftMs: Millis): void =>
      alerts.raise("expiry", `queue id ${id}, in ${Math.ceil(leftMs / 3_600_000)} hours`),
    /** Which classes of held messages are above what they may take, so that their own oldest go. */
    held: (totals: HeldTotals): void =>
      alerts.standing(
        "quota",
        new Map(
          heldClasses
            .filter((name) => totals[name].size > totals[name].allowed)
            .map((name) => {
              const { size, allowed } = totals[name];
              return [name, `class ${name}: ${roughSize(size)} held, ${roughSize(allowed)} allowed`];
            }),
        ),
      ),
    async close(): Promise<void> {
      clearInterval(timer);
      await alerts.close();
    },
  };
}
