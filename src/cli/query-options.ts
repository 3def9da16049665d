/** What lists of messages can be asked for: options → a query of the catalog. */
import type { Command } from "commander";
import type { Page, Query } from "../catalog/catalog.ts";
import { GatewayError } from "../core/errors.ts";
import { type Severity, severities } from "../core/outcome.ts";
import { queueId } from "./custody.ts";
import { timePast, wholeNumber } from "./options.ts";

export interface QueryOptions {
  readonly text?: string;
  readonly sender?: string;
  readonly recipient?: string;
  readonly subject?: string;
  readonly file?: string;
  readonly rule?: string;
  readonly sha256?: string;
  readonly route?: string;
  readonly severity?: readonly string[];
  readonly node?: readonly string[];
  readonly since?: string;
  readonly until?: string;
  readonly before?: string;
  readonly limit: string;
}

export const withQueryOptions = (command: Command): Command =>
  command
    .option("--text <words>", "all words occur in sender, recipients, subject, file names or rules")
    .option("--sender <piece>", "a piece of the sender")
    .option("--recipient <piece>", "a piece of a recipient")
    .option("--subject <piece>", "a piece of the subject")
    .option("--file <piece>", "a piece of a file name")
    .option("--rule <id>", "a rule that matched")
    .option("--sha256 <hash>", "of a part or a file inside one")
    .option("--route <name>", "the route of its first recipient")
    .option("--severity <words...>", `worst finding: ${severities.join(", ")}`)
    .option("--node <names...>", "in the spool of these gateways")
    .option("--since <time>", "arrived since: 24h, 7d or 2030-01-31")
    .option("--until <time>", "arrived until")
    .option("--before <id>", "the next page: older than the last id of this one")
    .option("--limit <count>", "at most", "50");

function severity(text: string): Severity {
  const known = severities.find((one) => one === text);
  if (known) return known;
  throw new GatewayError("USAGE", { "--severity": text.slice(0, 40), remedy: `write ${severities.join(", ")}` });
}

const given = <K extends string, V>(key: K, value: V | undefined): { readonly [k in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [k in K]?: V };
const time = (option: string, text: string | undefined): string | undefined =>
  text === undefined ? undefined : timePast(option, text);

/** Throws USAGE. */
export function queryOf(options: QueryOptions): { readonly query: Query; readonly page: Page } {
  return {
    query: {
      ...given("text", options.text),
      ...given("sender", options.sender),
      ...given("recipient", options.recipient),
      ...given("subject", options.subject),
      ...given("fileName", options.file),
      ...given("rule", options.rule),
      ...given("sha256", options.sha256),
      ...given("routes", options.route === undefined ? undefined : [options.route]),
      ...given("severities", options.severity?.map(severity)),
      ...given("nodes", options.node),
      ...given("since", time("--since", options.since)),
      ...given("until", time("--until", options.until)),
    },
    page: {
      limit: wholeNumber("--limit", options.limit, 10_000),
      ...given("before", options.before === undefined ? undefined : queueId(options.before)),
    },
  };
}
