/** What the gateway knows of a message → what the API shows. */
import type { Listed } from "../catalog/catalog.ts";
import type { Part } from "../core/message.ts";
import { type Dissection, type Finding, type Inspection, type Outcome, severities } from "../core/outcome.ts";
import type { Verdict } from "../core/verdict.ts";
import { toSummary } from "./queries.ts";
import type { Message } from "./schema-messages.ts";
import { reasonOf, why } from "./why.ts";

/** As the command `show` answers; of another version of Sallyport perhaps, so nothing is taken for granted that it may lack. */
export interface Held {
  readonly state: string;
  readonly envelope: {
    readonly client: NonNullable<Message["envelope"]>["client"];
    readonly forwardPaths: readonly { readonly address: string; readonly route: string }[];
  };
  readonly dissection: Dissection | null;
  readonly inspection: Inspection | null;
  readonly verdict: Verdict | null;
  readonly review: readonly {
    readonly at: string;
    readonly by: string;
    readonly what: string;
    readonly why: string;
    readonly forwardPaths?: readonly string[];
    readonly released?: string;
  }[];
}

const toPart = ({
  path,
  role,
  sha256,
  size,
  names,
  declaredTypes,
  types,
  view,
  derived,
}: Part): Message["parts"][0] => ({
  ...{ path, role, sha256, size, names: [...names], declaredTypes: [...declaredTypes], types: [...types] },
  ...(derived ? { derived: { ...derived } } : {}),
  hasWindow: view !== null,
});

const toFinding = (of: Finding, part: string): Message["findings"][0] => ({
  ...{ part: of.part || part, inspector: of.inspector, rule: of.rule, severity: of.severity, text: of.text },
  tags: [...of.tags],
  matches: (of.matches ?? []).map((match) => ({ ...match })),
  meta: { ...of.meta },
});

/** Inspection repeats what dissection said. */
function unique<T>(all: readonly T[]): T[] {
  const seen = new Map(all.map((one) => [JSON.stringify(one), one]));
  return [...seen.values()];
}

function outcomesOf({ dissection, inspection }: Held): readonly Outcome[] {
  return [...(dissection?.outcomes ?? []), ...(inspection?.outcomes ?? [])];
}

const findingsOf = (outcomes: readonly Outcome[]): Message["findings"] =>
  unique(
    outcomes.flatMap((one) => (one.kind === "found" ? one.findings.map((each) => toFinding(each, one.part)) : [])),
  ).sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity));

const incompleteOf = (outcomes: readonly Outcome[]): Message["incomplete"] =>
  unique(
    outcomes.flatMap(({ part, inspector, ...one }) =>
      one.kind === "incomplete" ? [{ part, inspector, why: one.why, text: one.text }] : [],
    ),
  );

const verdictOf = (verdict: Verdict, inspection: Inspection | null): NonNullable<Message["verdict"]> => ({
  policyVersion: verdict.policyVersion,
  ruleSet: verdict.ruleSet,
  release: inspection?.release ?? null,
  groups: verdict.groups.map((group) => ({
    recipients: [...group.forwardPaths],
    route: group.route,
    disposition: group.disposition.kind,
    reason: reasonOf(group),
    policyLine: group.policyLine,
    because: [...new Set(group.because.map(({ rule }) => rule))],
  })),
});

export function toMessage(listed: Listed, held: Held): Message {
  const parts = held.inspection?.parts ?? held.dissection?.parts ?? [];
  const outcomes = outcomesOf(held);
  return {
    ...toSummary(listed),
    isHere: true,
    why: why(held.verdict, parts, listed.reason),
    envelope: { client: held.envelope.client, recipients: held.envelope.forwardPaths.map((path) => ({ ...path })) },
    header: held.dissection?.header ?? null,
    parts: parts.toSorted((a, b) => a.path.localeCompare(b.path, "en", { numeric: true })).map(toPart),
    findings: findingsOf(outcomes),
    incomplete: incompleteOf(outcomes),
    verdict: held.verdict && verdictOf(held.verdict, held.inspection),
    review: held.review.map(({ at, by, what, why: text, forwardPaths = [], released = null }) => ({
      ...{ at, by, what, why: text, released },
      recipients: [...forwardPaths],
    })),
  };
}

/** Of a message that has left. */
export const departed = (listed: Listed): Message => ({
  ...toSummary(listed),
  ...{ isHere: false, why: why(null, [], listed.reason), envelope: null, header: null, verdict: null },
  ...{ parts: [], findings: [], incomplete: [], review: [] },
});
