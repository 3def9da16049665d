/** What the catalog keeps of a message, read from the files that there are. */
import type { Summary } from "./catalog/catalog.ts";
import { type Dissection, type Finding, type Inspection, severities } from "./core/outcome.ts";
import type { Verdict } from "./core/verdict.ts";
import type { Entry } from "./spool/spool.ts";

const mostNames = 100;
const mostHashes = 200;
const mostRules = 50;

const findingsOf = (inspection: Inspection | null): readonly Finding[] =>
  (inspection?.outcomes ?? []).flatMap((outcome) => (outcome.kind === "found" ? outcome.findings : []));

function worst(findings: readonly Finding[]): Finding["severity"] | null {
  const highest = Math.max(-1, ...findings.map((finding) => severities.indexOf(finding.severity)));
  return severities[highest] ?? null;
}

export const unique = (values: Iterable<string>, most: number): readonly string[] =>
  [...new Set(values)].slice(0, most);

/** What made the policy keep it from its recipients; trifles stand there only where nothing else does. */
const actedOn = (verdict: Verdict | null): readonly Finding[] =>
  (verdict?.groups ?? [])
    .filter(({ disposition }) => disposition.kind !== "forward")
    .flatMap(({ because }) => because)
    .filter(({ severity }) => severity !== "info");

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
    // Lists show the first ones: why it is held, then the worst.
    rules: unique(
      [
        ...actedOn(verdict),
        ...findings.toSorted((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity)),
      ].map((finding) => finding.rule),
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
