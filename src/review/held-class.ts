/** Why a message is held, in four classes that have room of their own, and within them in heaps by the first reason. */
import type { Dissection, Finding } from "../core/outcome.ts";
import type { Verdict } from "../core/verdict.ts";

export const heldClasses = ["critical", "found", "incomplete", "policy"] as const;
export type HeldClass = (typeof heldClasses)[number];

export interface Why {
  readonly class: HeldClass;
  /** A rule, `incomplete.limit` and the like, or a line of the policy: what a flood of one kind has in common. */
  readonly reason: string;
}

/** As decide/evidence.ts names what was not seen to its end. */
const isIncomplete = ({ rule }: Finding): boolean => rule.startsWith("incomplete.");
/** Of the policy and the lists: a person's decision, not what octets are. */
const isOurs = ({ rule }: Finding): boolean => rule.startsWith("policy.") || rule.startsWith("lists.");

/** Findings come worst first. */
export function whyHeld(verdict: Verdict | null): Why {
  const held = (verdict?.groups ?? []).filter(({ disposition }) => disposition.kind !== "forward");
  const because = held.flatMap((group) => group.because);
  const found = because.filter((one) => !isIncomplete(one) && !isOurs(one) && one.severity !== "info");
  const critical = found.find(({ severity }) => severity === "critical");
  if (critical) return { class: "critical", reason: critical.rule };
  const [first] = found;
  if (first) return { class: "found", reason: first.rule };
  const incomplete = because.find(isIncomplete);
  if (incomplete) return { class: "incomplete", reason: incomplete.rule };
  const line = held[0]?.policyLine ?? "";
  return { class: verdict?.summary === "incomplete" ? "incomplete" : "policy", reason: line };
}

/** What it brings along: two messages of one wave have the same attachments, and little else. */
export function contentOf(dissection: Dissection | null): string {
  const attached = (dissection?.parts ?? []).filter(({ role }) => role === "attachment").map(({ sha256 }) => sha256);
  return attached.length > 0 ? [...new Set(attached)].sort().join() : (dissection?.sha256 ?? "");
}
