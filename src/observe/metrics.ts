/** What Prometheus sees; names and labels in one place. docs/operations.md explains each. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";

const seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

/** Names of rules come and go with every reload; a process keeps so many apart. */
const mostRules = 5_000;

function bounded(counter: Counter<"rule">): { inc(labels: { readonly rule: string }): void } {
  const seen = new Set<string>();
  return {
    inc({ rule }) {
      if (seen.size < mostRules) seen.add(rule);
      counter.inc({ rule: seen.has(rule) ? rule : "other" });
    },
  };
}

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter({ name: `sallyport_${name}`, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `sallyport_${name}`, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Histogram({ name: `sallyport_${name}`, help, labelNames, registers, buckets: seconds });
  return {
    registry,
    connections: counter("smtp_connections_total", "SMTP connections"),
    refused: counter("smtp_refused_total", "Commands, recipients, messages and connections refused at the SMTP edge", [
      "reason",
    ]),
    received: counter("messages_received_total", "Messages whose final dot has been seen"),
    replied: counter("messages_replied_total", "Replies after the final dot", ["class"]),
    accepted: counter("messages_accepted_total", "Messages claimed: ours from then on", ["state"]),
    forwarded: counter("messages_forwarded_total", "Messages that a next hop has taken"),
    released: counter(
      "messages_released_total",
      "Messages released from quarantine, and our own notices, that a next hop has taken",
    ),
    quarantined: counter("messages_quarantined_total", "Messages held for a person", ["policy_line"]),
    rejected: counter("messages_rejected_total", "Messages refused with 5yz after their octets were seen", [
      "policy_line",
    ]),
    deferred: counter("messages_deferred_total", "Messages put off with 4yz, or to a later attempt", ["policy_line"]),
    bounced: counter("messages_bounced_total", "Messages given up after a 5yz of the next hop, or after their time"),
    scanSeconds: histogram("scan_seconds", "Time of inspectors and extractors on one part", ["inspector"]),
    judgeSeconds: histogram("judge_seconds", "From the final dot to the verdict, waiting in custody included"),
    incomplete: counter("incomplete_total", "Outcomes that are not clean because something could not be looked at", [
      "why",
    ]),
    ruleHits: bounded(counter("rule_hits_total", "Matches", ["rule"])),
    ruleFileSeconds: gauge("rule_file_seconds", "What a rule file takes alone for a MiB of samples, of the slowest", [
      "file",
    ]),
    cacheHits: counter("verdict_cache_total", "Parts looked up in the verdict cache", ["result"]),
    spool: gauge("spool_messages", "Messages by state", ["state"]),
    held: gauge("quarantine_messages", "Held messages by class, as of the last hourly look", ["class"]),
    heldBytes: gauge("quarantine_bytes", "What held messages take on the disk", ["class"]),
    heldRoom: gauge("quarantine_allowed_bytes", "What a class may take now before its own messages expire", ["class"]),
    heldExpired: counter("quarantine_expired_total", "Held messages that went without a person, for age or quota", [
      "class",
      "why",
    ]),
    routeActive: gauge("route_active_messages", "Messages in the active window by route", ["route"]),
    oldest: gauge("spool_oldest_seconds", "Age of the oldest message by state", ["state"]),
    queueDepth: gauge("queue_jobs", "Jobs of the scan queue", ["state"]),
    queueOldest: gauge("queue_oldest_seconds", "Age of the oldest job"),
    diskFree: gauge("disk_free_bytes", "Free space above the watermark"),
    rules: gauge("rules", "Rules in force"),
    ruleSet: gauge("rule_set_info", "1 for the rule set in force, named by its version", ["version"]),
    ruleProblems: gauge("rule_files_with_errors", "Rule files left out because they do not compile"),
    ruleAge: gauge("rule_set_loaded_timestamp_seconds", "When the rule set was activated"),
    engineFallback: gauge("engine_fallback", "1 when the native engine was wanted and cannot be had"),
    alerts: counter("alerts_total", "Alerts: digests mailed to the postmaster, or only logged if there is none", [
      "kind",
    ]),
    unaccounted: gauge(
      "messages_unaccounted",
      "Messages that got a 250 and are neither in the spool nor final in the journal",
    ),
    reconciled: gauge("reconciled_timestamp_seconds", "When journal and spool were last compared as a whole"),
    children: gauge("scan_children", "Sandboxed children", ["state"]),
    childRestarts: counter("scan_child_restarts_total", "Sandboxed children replaced", ["why"]),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
