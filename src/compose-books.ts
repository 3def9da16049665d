/** Listens to moves and outcomes; keeps the catalog, the counters and the log lines. No stage knows of it. */
import { join } from "node:path";
import type { AcceptEvent } from "./accept/deps.ts";
import type { Catalog, Summary } from "./catalog/catalog.ts";
import { openCatalog } from "./catalog/sqlite.ts";
import type { Config } from "./config-schema.ts";
import { explain } from "./core/errors.ts";
import { type Dissection, type Finding, type Inspection, severities } from "./core/outcome.ts";
import type { Verdict } from "./core/verdict.ts";
import type { MessageEvent } from "./dispose/custody.ts";
import type { Fields, Log } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";
import type { SpoolEvent } from "./spool/disk-spool.ts";
import type { Entry } from "./spool/spool.ts";

export interface BooksOptions {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
}

const mostNames = 100;
const mostHashes = 200;
const mostRules = 50;

const findingsOf = (inspection: Inspection | null): readonly Finding[] =>
  (inspection?.outcomes ?? []).flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : []));

function worst(findings: readonly Finding[]): Finding["severity"] | null {
  const highest = Math.max(-1, ...findings.map((finding) => severities.indexOf(finding.severity)));
  return severities[highest] ?? null;
}

const unique = (values: Iterable<string>, most: number): readonly string[] => [...new Set(values)].slice(0, most);

/** What has been found out so far; nothing yet for a message that waits for its turn. */
function judgement(dissection: Dissection | null, inspection: Inspection | null, verdict: Verdict | null) {
  const findings = findingsOf(inspection);
  const all = inspection?.parts ?? dissection?.parts ?? [];
  const parts = all.filter((part) => part.path !== "0");
  const known = dissection
    ? { subject: dissection.header.subject, sha256: dissection.sha256 }
    : { subject: "", sha256: "" };
  const judged = verdict
    ? { disposition: verdict.groups[0]?.disposition.kind ?? null, summary: verdict.summary }
    : { disposition: null, summary: null };
  return {
    ...known,
    ...judged,
    severity: worst(findings),
    rules: unique(
      findings.map((finding) => finding.rule),
      mostRules,
    ),
    names: unique(
      parts.flatMap((part) => part.names),
      mostNames,
    ),
    hashes: unique(
      parts.map((part) => part.sha256),
      mostHashes,
    ),
  };
}

/** What the catalog keeps of a message; reads the files that there are. */
export async function summaryOf(entry: Entry, state: Summary["state"], reason: string): Promise<Summary> {
  const { envelope, size } = entry;
  const [dissection, inspection, verdict] = await Promise.all([
    entry.read<Dissection>("parts.json"),
    entry.read<Inspection>("inspection.json"),
    entry.read<Verdict>("verdict.json"),
  ]);
  return {
    queueId: entry.id,
    state,
    arrivedAt: envelope.arrivedAt,
    route: envelope.forwardPaths[0]?.route ?? "",
    client: envelope.client.address,
    reversePath: envelope.reversePath,
    forwardPaths: envelope.forwardPaths.map((path) => path.address),
    size,
    ...judgement(dissection, inspection, verdict),
    reason: reason.slice(0, 1000),
  };
}

const stateAfter = {
  forwarded: "forwarded",
  released: "forwarded",
  bounced: "bounced",
  expired: "expired",
  quarantined: "quarantine",
  rejected: "rejected",
} as const;

function messageFields(event: MessageEvent): Fields {
  const { envelope, size, id } = event.entry;
  const paths = "forwardPaths" in event ? event.forwardPaths : envelope.forwardPaths.map((path) => path.address);
  const base = {
    queue_id: id,
    session_id: envelope.sessionId,
    client: envelope.client.address,
    helo: envelope.client.helo,
    reverse_path: envelope.reversePath,
    forward_path: paths.length > 20 ? [...paths.slice(0, 20), `and ${paths.length - 20} more`] : paths,
    size_bytes: size,
  };
  if (event.event === "accepted") return { ...base, state_to: event.to };
  const group =
    "group" in event && event.group
      ? {
          verdict: event.group.disposition.kind,
          policy_line: event.group.policyLine,
          rules: unique(
            event.group.because.map((finding) => finding.rule),
            10,
          ),
        }
      : {};
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
    case "quarantined":
    case "rejected":
    case "deferred":
      return metrics[event.event].inc();
  }
}

export async function startBookkeeping({ config, log, metrics }: BooksOptions) {
  const catalog: Catalog = await openCatalog({ file: join(config.data_dir, "catalog.sqlite"), log, lagMs: 250 });
  const lag = (error: unknown): void =>
    log.warn("catalog_lags", { error_cause: explain(error), remedy: "sallyport rebuild" });
  const note = (entry: Entry, state: Summary["state"], reason: string): void =>
    void summaryOf(entry, state, reason)
      .then((summary) => catalog.record(summary))
      .catch(lag);

  return {
    catalog,
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
