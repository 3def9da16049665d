/** Whom the lists and the policy refuse whatever the message may hold, known as early as RCPT. Pure. */
import { globMatches } from "../core/glob.ts";
import type { ForwardPath } from "../core/message.ts";
import type { Reply } from "../core/status.ts";
import type { Disposition } from "../core/verdict.ts";
import type { ListSnapshot } from "../records/records.ts";
import { type Case, holdsOfEnvelope, match } from "./conditions.ts";
import { isBypassed, namesLists, type RouteFacts, toDisposition } from "./decide.ts";
import type { Evidence } from "./evidence.ts";
import { applyLists } from "./lists.ts";
import type { Condition, Policy, PolicyLine } from "./policy.ts";

/** Could more evidence make it false? Then nothing can be said before the message is seen. */
const canTurn = ({ not, outcome, any = [], all = [] }: Condition): boolean =>
  not !== undefined || outcome?.includes("clean") === true || [...any, ...all].some(canTurn);

/** Of a line that does not hold now: does it ask for nothing but entries that are known at RCPT, so that it never will? */
function asksForAddressesAlone(wanted: Condition): boolean {
  const { rule } = wanted;
  const isContent = (pattern: string): boolean =>
    !/^lists\./.test(pattern) || ["lists.block-hash", "lists.allow-hash"].some((id) => globMatches(pattern, id));
  const others = [wanted.inspector, wanted.part, wanted.larger_than, wanted.any, wanted.all];
  return rule !== undefined && !rule.some(isContent) && others.every((key) => key === undefined);
}

/** What one line says of a blocked address: its disposition, nothing (ask the next line), or that the content has a say. */
function opinion(line: PolicyLine, facts: Case): Disposition | "nothing" | "later" {
  if (line.if === undefined || !namesLists(line.if)) return "nothing";
  if (canTurn(line.if)) return "later";
  if (match(line.if, facts) !== null) return toDisposition(line, "");
  const mayHold = holdsOfEnvelope(line.if, { ...facts, size: Number.POSITIVE_INFINITY });
  return mayHold && !asksForAddressesAlone(line.if) ? "later" : "nothing";
}

/** The refusal of the policy's line about blocked addresses; null where content may still have a say, or nobody is blocked. */
export function refusedAtRcpt(
  envelope: Case["envelope"],
  path: ForwardPath,
  policy: Policy,
  lists: ListSnapshot,
  routes: ReadonlyMap<string, RouteFacts>,
): Reply<5> | null {
  const route = routes.get(path.route);
  if (lists.entries.length === 0 || route?.mode === "observe" || isBypassed(lists, path.route)) return null;
  const { blocked } = applyLists([], [], envelope, lists.entries)(path.address);
  if (blocked.length === 0) return null;
  const evidence = blocked.map((finding): Evidence => ({ part: null, outcome: "found", finding }));
  const facts: Case = { envelope, path, direction: route?.direction ?? "inbound", size: 0, parts: [], evidence };
  for (const line of policy.lines) {
    const said = opinion(line, facts);
    if (said === "nothing") continue;
    return said !== "later" && said.kind === "reject" ? said.reply : null;
  }
  return null;
}
