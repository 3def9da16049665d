/** What a list is asked for → a query of the catalog, never for more than the caller's routes. */
import type { z } from "zod";
import type { Listed, Query } from "../catalog/catalog.ts";
import type { Caller } from "./desk.ts";
import type { filters, MessageSummary } from "./schema-messages.ts";

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [k in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [k in K]?: V };

/** Of what is asked for, that which the caller may see; undefined is all. */
export function routesFor({ routes }: Caller, wanted: readonly string[] | undefined): readonly string[] | undefined {
  if (routes === null) return wanted;
  return (wanted ?? [...routes]).filter((route) => routes.has(route));
}

export function queryOf(caller: Caller, of: z.output<typeof filters>): Query {
  return {
    ...given("states", of.state),
    ...given("severities", of.severity),
    ...given("dispositions", of.disposition),
    ...given("nodes", of.node),
    ...given("routes", routesFor(caller, of.route)),
    ...given("text", of.text),
    ...given("sender", of.sender),
    ...given("recipient", of.recipient),
    ...given("subject", of.subject),
    ...given("fileName", of.file),
    ...given("rule", of.rule),
    ...given("sha256", of.sha256),
    ...given("since", of.since),
    ...given("until", of.until),
  };
}

export const toSummary = (of: Listed): MessageSummary => ({
  ...{ id: of.queueId, node: of.node, state: of.state, arrivedAt: of.arrivedAt, route: of.route, client: of.client },
  ...{ sender: of.reversePath, recipients: [...of.forwardPaths], subject: of.subject, size: of.size },
  ...{ sha256: of.sha256, disposition: of.disposition, summary: of.summary, severity: of.severity },
  ...{ rules: [...of.rules], files: [...of.names], hashes: [...of.hashes], reason: of.reason },
});

/** One more is asked for than is shown: it tells whether there is a next page. */
export function toPage<T, U>(
  found: readonly T[],
  limit: number,
  show: (of: T) => U,
  cursor: (of: T) => string,
): { readonly items: U[]; readonly next: string | null } {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(show), next: found.length > limit && last !== undefined ? cursor(last) : null };
}
