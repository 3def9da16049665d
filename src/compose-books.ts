/** Listens to moves and outcomes; keeps the catalog, the counters and the log lines. No stage knows of it. */
import type { AcceptEvent } from "./accept/deps.ts";
import type { Summary } from "./catalog/catalog.ts";
import { fillCatalog, followed } from "./compose-rebuild.ts";
import { openGatewayCatalog } from "./compose-stores.ts";
import { summaryOf, unique } from "./compose-summary.ts";
import type { Config } from "./config-schema.ts";
import { explain, isGatewayError } from "./core/errors.ts";
import type { QueueId } from "./core/message.ts";
import type { Group } from "./core/verdict.ts";
import type { MessageEvent } from "./dispose/custody.ts";
import { systemClock } from "./observe/clock.ts";
import type { Fields, Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { SpoolEvent } from "./spool/disk-spool.ts";
import type { Journal, JournalLine } from "./spool/journal.ts";
import type { Entry, Spool } from "./spool/spool.ts";

export interface BooksOptions {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
}

const stateAfter = {
  forwarded: "forwarded",
  released: "forwarded",
  bounced: "bounced",
  expired: "expired",
  quarantined: "quarantine",
  rejected: "rejected",
} as const;

const few = (paths: readonly string[]): readonly string[] =>
  paths.length > 20 ? [...paths.slice(0, 20), `and ${paths.length - 20} more`] : paths;

/** Tags say what a message was let through in spite of: `incomplete`, `bypass`, `would-quarantine`. */
function groupFields({ disposition, policyLine, because }: Group): Fields {
  const rules = unique(
    because.map((finding) => finding.rule),
    10,
  );
  const tags = disposition.kind === "forward" && disposition.tags.length > 0 ? { tags: disposition.tags } : {};
  return { verdict: disposition.kind, policy_line: policyLine, rules, ...tags };
}

function messageFields(event: MessageEvent): Fields {
  const { envelope, size, id } = event.entry;
  const paths = "forwardPaths" in event ? event.forwardPaths : envelope.forwardPaths.map((path) => path.address);
  const base = {
    queue_id: id,
    session_id: envelope.sessionId,
    client: envelope.client.address,
    helo: envelope.client.helo,
    reverse_path: envelope.reversePath,
    forward_path: few(paths),
    size_bytes: size,
  };
  if (event.event === "accepted") return { ...base, state_to: event.to };
  const group = event.group ? groupFields(event.group) : {};
  return { ...base, ...group, reply: event.text, delay_ms: Date.now() - Date.parse(envelope.arrivedAt) };
}

function count(metrics: Metrics, event: MessageEvent): void {
  switch (event.event) {
    case "accepted":
      return metrics.accepted.inc({ state: event.to });
    case "expired":
      return metrics.bounced.inc();
    case "forwarded":
    case "released":
    case "bounced":
      return metrics[event.event].inc();
    case "quarantined":
    case "rejected":
    case "deferred":
      return metrics[event.event].inc({ policy_line: event.group?.policyLine ?? "" });
  }
}

export async function startBookkeeping({ config, log, metrics }: BooksOptions) {
  const stored = await openGatewayCatalog({ config, log, clock: systemClock });
  const { catalog } = stored;
  const lag = (error: unknown): void =>
    log.warn("catalog_lags", { error_cause: explain(error), remedy: "sallyport rebuild" });
  /** Of one message the last word must stay the last, whatever had to be read for the one before. */
  const pending = new Map<QueueId, Promise<void>>();
  let noted: Set<QueueId> | null = null;
  /** Adopted, and not in the catalog as ours yet. */
  const adopted = new Set<QueueId>();
  function note(entry: Entry, state: Summary["state"], reason: string): void {
    noted?.add(entry.id);
    const before = pending.get(entry.id);
    const made = summaryOf(entry, state, reason);
    const done = Promise.all([made, before])
      .then(([summary]) => catalog.record(summary, { takeOver: adopted.has(entry.id) }))
      .then(() => adopted.delete(entry.id))
      .then(() => undefined, lag)
      .finally(() => pending.get(entry.id) === done && pending.delete(entry.id));
    pending.set(entry.id, done);
  }

  /** A person's decision passes no stage that would tell of it. */
  function onLine({ event, queueId, reversePath, forwardPaths, size, text }: JournalLine): void {
    if (event === "adopted") adopted.add(queueId);
    if (event !== "discarded") return;
    const paths = few(forwardPaths);
    log.info("discarded", {
      queue_id: queueId,
      reverse_path: reversePath,
      forward_path: paths,
      size_bytes: size,
      text,
    });
  }

  return {
    catalog,
    /** A journal whose lines the catalog hears of. */
    followed: (journal: Journal, hear: (line: JournalLine) => void): Journal =>
      followed(journal, catalog, log, (line) => {
        onLine(line);
        hear(line);
      }),
    /** Fills in what the catalog lacks, beside the work; what happens meanwhile is newer. Returns what ends it early. */
    refill(spool: Spool, journal: Journal): { close(): Promise<void> } {
      const isKnown = (id: QueueId): boolean => noted?.has(id) ?? false;
      return stored.keepFilled(async (since, signal) => {
        noted = new Set();
        try {
          const count = await fillCatalog({ catalog, spool, journal, since, isKnown, signal });
          if (count > 0) log.info("catalog_filled", { count });
        } catch (error) {
          // A journal that is damaged stays so; a database comes back.
          if (isGatewayError(error, "DATABASE_UNAVAILABLE")) throw error;
          lag(error);
        } finally {
          noted = null;
        }
      });
    },
    /** States that a person may look for while the message is ours. */
    onMove({ id, to, entry }: SpoolEvent): void {
      if (to === "gone" || to === "active" || to === "arriving") return;
      if (to === "corrupt") log.error("corrupt", { queue_id: id });
      if (entry && to !== "quarantine") note(entry, to, "");
    },
    onMessage(event: MessageEvent): void {
      count(metrics, event);
      // The edge has said "accepted" already: one line at the beginning and one at the end of a message (R28).
      if (event.event === "accepted") return log.debug("claimed", messageFields(event));
      log.info(event.event, messageFields(event));
      if (event.event === "deferred") return;
      note(event.entry, stateAfter[event.event], event.text);
    },
    onAccept(event: AcceptEvent): void {
      switch (event.kind) {
        case "connected":
          return metrics.connections.inc();
        case "refused":
          return metrics.refused.inc({ reason: event.reason });
        case "received":
          return metrics.received.inc();
        case "replied":
          return metrics.replied.inc({ class: String(event.class) });
      }
    },
    close: () => catalog.close(),
  };
}
