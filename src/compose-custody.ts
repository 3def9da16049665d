/** Wires custody: next hops, dispositions, the queue manager, what happens between the final dot and its reply, and the handlers of the control socket. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Config, type RouteConfig, routeName, routeSchema } from "./config-schema.ts";
import { createStripper } from "./compose-strip.ts";
import { createNotices, noticeRoute } from "./compose-notices.ts";
import type { Scanner } from "./compose-scan.ts";
import { parse, reviewHandlers } from "./control/review-handlers.ts";
import type { Handler } from "./control/server.ts";
import { explain, isGatewayError } from "./core/errors.ts";
import type { Envelope, Millis, QueueId } from "./core/message.ts";
import { isQueueId } from "./core/queue-id.ts";
import type { Reply } from "./core/status.ts";
import type { Correspondence } from "./correspondence.ts";
import { Turn } from "./core/turn.ts";
import type { Verdict } from "./core/verdict.ts";
import { expiryOf, nextAttempt } from "./dispose/backoff.ts";
import { createCustody, type MessageEvent } from "./dispose/custody.ts";
import { createDispose } from "./dispose/dispose.ts";
import { topFields } from "./dispose/fields.ts";
import { createForwarder, type Reason } from "./dispose/forward.ts";
import { HopHealth } from "./dispose/hop-health.ts";
import { createNextHops } from "./dispose/next-hops.ts";
import type { Clock } from "./observe/clock.ts";
import type { Log } from "./observe/log.ts";
import { carry, judge, type Stages } from "./pipeline.ts";
import { QueueManager } from "./queue-manager.ts";
import { createReceive } from "./receive.ts";
import type { HeldClass } from "./review/held-class.ts";
import { expireQuarantine, type RetentionOptions } from "./review/retention.ts";
import { createReview } from "./review/review.ts";
import { derivedId } from "./spool/ids.ts";
import type { Journal } from "./spool/journal.ts";
import type { Entry, Spool } from "./spool/spool.ts";

export interface CustodyPartsOptions {
  readonly config: Config;
  readonly routes: ReadonlyMap<string, RouteConfig>;
  readonly spool: Spool;
  readonly journal: Journal;
  readonly scanner: Pick<Scanner, "stages" | "inForce" | "describe" | "view" | "cutOut">;
  /** Of other messages; what waits for them is judged again when they come. */
  readonly words?: Correspondence | null;
  readonly log: Log;
  readonly clock: Clock;
  readonly onEvent: (event: MessageEvent) => void;
  /** A verdict is there, so long after the final dot; of what a former process has taken nobody knows. */
  readonly onVerdict?: (elapsedMs: Millis) => void;
}

const hour = 3_600_000;

function ownRoute(config: Config): RouteConfig {
  const relay = config.notifications.relay ?? config.routes[0]?.next_hop[0] ?? "127.0.0.1:25";
  return {
    ...routeSchema.parse({ domains: ["notifications.invalid"], next_hop: relay, verify_recipients: false }),
    name: noticeRoute,
  };
}

/** What a route may hold of the active window. With one route there is nobody to leave room for. */
function shares(config: Config): (route: string) => number | null {
  const alone = config.routes.length === 1 ? config.scan.max_active : null;
  const most = new Map(config.routes.map((route) => [routeName(route), route.max_active ?? alone]));
  return (route) => most.get(route) ?? null;
}

/** How long each class of held messages is kept, and its part of the quota. */
export function heldFor({ quarantine }: Pick<Config, "quarantine">): RetentionOptions["classes"] {
  const of = ({ share, keep = quarantine.keep }: Config["quarantine"]["classes"][HeldClass]) => ({
    share,
    keepMs: keep,
  });
  const { critical, found, incomplete, policy } = quarantine.classes;
  return { critical: of(critical), found: of(found), incomplete: of(incomplete), policy: of(policy) };
}

export function createCustodyParts(options: CustodyPartsOptions) {
  const { config, spool, journal, scanner, words, log, clock, onEvent, onVerdict = () => undefined } = options;
  const own = ownRoute(config);
  const routes = new Map([...options.routes, [noticeRoute, own] as const]);
  const routeOf = (name: string): RouteConfig => routes.get(name) ?? own;
  const firstRoute = (entry: Entry): RouteConfig => routeOf(entry.envelope.forwardPaths[0]?.route ?? "");
  const authorities = new Map(
    config.routes.flatMap((route) =>
      route.tls_ca ? [[routeName(route), readFileSync(route.tls_ca, "utf8")] as const] : [],
    ),
  );
  const health = new HopHealth(clock);
  const nextHops = createNextHops({
    routes: [...routes.values()],
    hostname: config.hostname,
    log,
    clock,
    authorities,
    onEvent: health.hear,
  });

  const failed = (entry: Entry, error: unknown): void =>
    log.error("failed", { queue_id: entry.id, error_cause: explain(error) });
  const custody = createCustody({
    spool,
    journal,
    clock,
    derivedId,
    onEvent,
    expires: (entry) => expiryOf(entry.envelope.arrivedAt, firstRoute(entry).retry),
    nextAttempt(entry, delivery) {
      const { retry } = firstRoute(entry);
      const expires = delivery.expires ? new Date(delivery.expires) : expiryOf(entry.envelope.arrivedAt, retry);
      return nextAttempt(entry.id, Math.max(1, delivery.attempts), clock.now(), expires, retry);
    },
    waiting(entry, at) {
      manager.wakeAt(entry.id, words?.hasNews(entry.id) ? clock.now() : at);
      void awaitWords(entry).catch((error: unknown) => failed(entry, error));
    },
    onTrouble: failed,
  });

  /** What is held without a verdict is judged again as soon as words come that may open it. */
  async function awaitWords(entry: Entry): Promise<void> {
    if (words && (await entry.read("verdict.json")) === null) words.register(entry.envelope);
  }

  async function fields(entry: Entry, reason: Reason): Promise<string> {
    const { envelope } = entry;
    if ("release" in reason) {
      const result = reason.release.notice ? "notice" : "released";
      return topFields({ envelope, result, ruleSet: "", tags: [], findings: [] });
    }
    if ("unscanned" in reason)
      return topFields({ envelope, result: "unscanned", ruleSet: "", tags: ["unscanned"], findings: [] });
    const { group, verdict } = reason;
    const said = group.disposition.kind === "forward" ? group.disposition.tags : [];
    const tags = (await entry.read("strip.json")) ? ["stripped", ...said] : said;
    return topFields({ envelope, result: verdict.summary, ruleSet: verdict.ruleSet, tags, findings: group.because });
  }

  const notices = createNotices({ config, spool, journal, clock, custody, enqueue: (entry) => manager.enqueue(entry) });
  const forwarder = createForwarder({ nextHop: nextHops, custody, clock, fields, bounce: notices.bounce });
  const disposers = createDispose({
    custody,
    derivedId,
    makeCopy: (...args) => makeCopy(...args),
    forwarder,
    proxies: (route) => routeOf(route).reply_after === "delivery",
    onScannerFailure: (route) => routeOf(route).on_scanner_failure,
    handOver: (entry) => manager.enqueue(entry),
  });
  /** When the final dot was seen, by envelope, until the first verdict. */
  const dots = new WeakMap<Envelope, number>();
  const stages: Stages = {
    ...scanner.stages,
    decide(envelope, dissection, inspection) {
      const verdict = scanner.stages.decide(envelope, dissection, inspection);
      const dot = dots.get(envelope);
      dots.delete(envelope);
      if (dot !== undefined) onVerdict(clock.monotonic() - dot);
      return verdict;
    },
    dispose: disposers.dispose,
    release: disposers.release,
  };
  const makeCopy = createStripper({ config, spool, scanner, stages });
  const carryOne = (entry: Entry, turn: Turn, signal: AbortSignal) => carry(entry, stages, turn, signal);

  const manager = new QueueManager({
    spool,
    clock,
    log,
    judge: (entry, signal) => judge(entry, stages, signal),
    carry: carryOne,
    unscanned: disposers.unscanned,
    deliveryOf: custody.deliveryOf,
    record: custody.record,
    catchUp: forwarder.catchUp,
    later: custody.later,
    inForce: scanner.inForce,
    poisoned,
    cut: () => void nextHops.close(),
    maxActive: config.scan.max_active,
    mostOf: shares(config),
    scanEveryMs: 60_000,
  });

  // One that is still being judged finds them when it is put off.
  if (words) words.onNews = (id) => manager.wakeAt(id, clock.now());

  function poisoned(entry: Entry): Verdict {
    const { ruleSet, policyVersion } = scanner.inForce();
    const route = entry.envelope.forwardPaths[0]?.route ?? "";
    const reason = "The gateway has crashed three times on this message: incomplete, crashed";
    const forwardPaths = entry.envelope.forwardPaths.map((path) => path.address);
    return {
      groups: [
        { forwardPaths, route, disposition: { kind: "quarantine", reason }, because: [], policyLine: "crashed" },
      ],
      summary: "incomplete",
      policyVersion,
      ruleSet,
    };
  }

  const received = createReceive({
    carry: carryOne,
    unscanned: disposers.unscanned,
    claim: custody.claim,
    isOurs: custody.isOurs,
    atOnce: (entry) => entry.envelope.forwardPaths.every((path) => routeOf(path.route).reply_after === "spool"),
    deadlineMs: (entry) => Math.min(...entry.envelope.forwardPaths.map((path) => routeOf(path.route).reply_deadline)),
    enqueue: (entry) => manager.enqueue(entry),
    adopt: (entry, work, abort) => manager.adopt(entry, work, abort),
    takeRoom: (entry) => manager.takeRoom(entry),
    giveRoom: (entry) => manager.giveRoom(entry),
    onBug: failed,
  });

  const receive = (entry: Entry, clientGone: AbortSignal): Promise<Reply> => {
    dots.set(entry.envelope, clock.monotonic());
    return received(entry, clientGone);
  };

  const review = createReview({
    spool,
    journal,
    clock,
    derivedId,
    enqueue: (entry) => manager.enqueue(entry),
    view: scanner.view,
  });
  const flushing = z.object({ id: z.string().nullable().default(null) });

  return {
    nextHops,
    health,
    notices,
    custody,
    manager,
    receive,
    review,
    /** Of a former run. */
    async awaitWords(): Promise<void> {
      if (!words) return;
      for await (const id of spool.list("deferred"))
        try {
          await awaitWords(await spool.open(id, "deferred"));
        } catch (error) {
          if (!isGatewayError(error, "SPOOL_NOT_THERE"))
            log.error("failed", { queue_id: id, error_cause: explain(error) });
        }
    },
    handlers(reload: () => Promise<void>): ReadonlyMap<string, Handler> {
      return new Map<string, Handler>([
        ...reviewHandlers(review),
        ["poke", () => manager.scan()],
        ["reload", reload],
        [
          "flush",
          (args) => {
            const { id } = parse(flushing, args);
            return manager.flush(id !== null && isQueueId(id) ? (id satisfies QueueId) : undefined);
          },
        ],
        ["status", () => ({ pid: process.pid, active: manager.active, scanner: scanner.describe() })],
      ]);
    },
    /** What cannot be read is an alarm, and a line that says since when it is missing. */
    corrupt(id: QueueId): void {
      const nothing = { forwardPaths: [], reversePath: "", sha256: null, size: 0, text: "set aside, unreadable" };
      journal
        .append({ at: clock.now().toISOString(), event: "corrupt", queueId: id, ...nothing })
        .catch((error: unknown) => log.error("failed", { queue_id: id, error_cause: explain(error) }));
    },
    /** Expiry of held messages and of old journal files, every hour. */
    startHousekeeping(hears: Pick<RetentionOptions, "onSoon" | "onExpired" | "onTotals">) {
      const keeping = async (): Promise<void> => {
        const { quota } = config.quarantine;
        const count = await expireQuarantine({ spool, journal, clock, log, quota, classes: heldFor(config), ...hears });
        const files = await journal.prune(new Date(clock.now().getTime() - config.journal.keep));
        if (count + files > 0) log.info("expired", { count, journal_files: files });
      };
      const run = (): void =>
        void keeping().catch((error: unknown) => log.error("failed", { error_cause: explain(error) }));
      run();
      const timer = setInterval(run, hour);
      return { close: () => clearInterval(timer) };
    },
  };
}
