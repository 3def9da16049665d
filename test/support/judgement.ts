/** Makes envelopes, dissections and inspections for tests of decisions, from the little that matters to them. */
import type { RouteFacts } from "../../src/decide/decide.ts";
import type { Envelope, Part, QueueId, Role, Sha256 } from "../../src/core/message.ts";
import type { Dissection, Finding, Incomplete, Inspection, Outcome, Severity } from "../../src/core/outcome.ts";
import type { ListEntry, ListSnapshot } from "../../src/records/records.ts";

export interface MadePart {
  readonly path?: string;
  readonly role?: Role;
  readonly names?: readonly string[];
  readonly types?: readonly string[];
  readonly size?: number;
  readonly sha256?: string;
  /** Otherwise an inspector has called it clean. */
  readonly found?: readonly { readonly rule: string; readonly severity: Severity; readonly tags?: readonly string[] }[];
  readonly incomplete?: readonly Incomplete[];
  readonly silent?: boolean;
}

export interface MadeMessage {
  readonly from?: string;
  /** "address" or "address route". */
  readonly to?: readonly string[];
  readonly client?: string;
  readonly parts?: readonly MadePart[];
}

export const noLists: ListSnapshot = { entries: [], disabledRules: [], bypass: null };

export const routes: ReadonlyMap<string, RouteFacts> = new Map([
  ["main", { direction: "inbound", mode: "enforce" }],
  ["out", { direction: "outbound", mode: "enforce" }],
  ["watched", { direction: "inbound", mode: "observe" }],
]);

export const entry = (
  kind: ListEntry["kind"],
  subject: ListEntry["subject"],
  value: string,
  reason = "a reason",
): ListEntry => ({ id: 1, kind, subject, value, reason, by: "admin", at: "2026-11-22T00:00:00Z", expires: null });

export const hash = (digit: string): string => digit.repeat(64);

export function envelope(message: MadeMessage): Envelope {
  const to = message.to ?? ["b@site.example"];
  return {
    queueId: "Q".repeat(26) as QueueId,
    sessionId: "s1",
    client: {
      address: message.client ?? "192.0.2.1",
      port: 1,
      name: null,
      helo: "client.example",
      protocol: "ESMTP",
      tls: null,
    },
    reversePath: message.from ?? "a@client.example",
    forwardPaths: to.map((text) => {
      const [address = "", route = "main"] = text.split(" ");
      return { address, route };
    }),
    extensions: { eightBitMime: true, smtpUtf8: false },
    arrivedAt: "2026-11-22T00:00:00Z",
    trace: "",
  };
}

function outcomes(part: Part, made: MadePart): readonly Outcome[] {
  if (made.silent) return [];
  const findings = (made.found ?? []).map(
    ({ rule, severity, tags = [] }): Finding => ({
      part: part.path,
      inspector: "yara",
      rule,
      severity,
      tags,
      text: rule,
    }),
  );
  const incomplete = (made.incomplete ?? []).map(
    (why): Outcome => ({ part: part.path, inspector: "zip", kind: "incomplete", why, text: why }),
  );
  const clean: Outcome = { part: part.path, inspector: "yara", kind: "clean" };
  return [
    ...(findings.length > 0 ? [{ part: part.path, inspector: "yara", kind: "found", findings } as const] : [clean]),
    ...incomplete,
  ];
}

export function judgement(message: MadeMessage): readonly [Envelope, Dissection, Inspection] {
  const made = message.parts ?? [];
  const parts = made.map(
    (one, index): Part => ({
      path: one.path ?? String(index + 1),
      role: one.role ?? "attachment",
      sha256: (one.sha256 ?? hash("0")) as Sha256,
      size: one.size ?? 100,
      names: one.names ?? [],
      declaredTypes: [],
      types: one.types ?? [],
      view: one.role === "member" ? null : { offset: 0, length: one.size ?? 100, encoding: "identity" },
    }),
  );
  const dissection: Dissection = {
    parts: parts.filter((part) => part.role !== "member"),
    outcomes: [],
    header: { subject: "", from: "", to: "", messageId: "", date: "" },
    sha256: hash("f") as Sha256,
    size: 1000,
  };
  const inspection: Inspection = {
    parts,
    outcomes: parts.flatMap((part, index) => outcomes(part, made[index] ?? {})),
    versions: {},
    ruleSet: "rules-1",
    cached: 0,
    elapsedMs: 1,
  };
  return [envelope(message), dissection, inspection];
}
