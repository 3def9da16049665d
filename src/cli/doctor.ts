/** `sallyport doctor`: proves the set-up, one line for each thing that an admin would otherwise learn from a lost night. */
import type { Command } from "commander";
import type { Config } from "../config-schema.ts";
import { createLog } from "../observe/log.ts";
import { reconcile } from "../review/reconcile.ts";
import { withCustody } from "./custody.ts";
import { type Check, diskChecks, edgeChecks, listChecks } from "./doctor-checks.ts";
import { engineChecks, hopChecks } from "./doctor-deep.ts";
import { wholeNumber } from "./options.ts";
import { safe, table } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";

const failures = (checks: readonly Check[]): number => checks.filter((check) => check.verdict === "FAIL").length;

/** The clients of Redis, PostgreSQL and S3 are loaded only where there are any. */
async function clusterGroup(config: Config): Promise<readonly Check[]> {
  if (!config.queue && !config.blobs && !config.catalog) return [];
  const { clusterChecks } = await import("./cluster-checks.ts");
  return clusterChecks(config);
}

async function examine(context: Context): Promise<ExitCode> {
  const loaded = context.config();
  const { config } = loaded;
  const log = createLog("error", { write: (line) => void process.stderr.write(line) });
  const checks: Check[] = [{ name: "configuration", verdict: "ok", text: loaded.file }];
  const groups = [diskChecks, edgeChecks, listChecks, clusterGroup, engineChecks, hopChecks];
  for (const group of groups) {
    if (process.stderr.isTTY && !context.out.isJson) process.stderr.write(`\r\x1b[2K${checks.length} checks done …\r`);
    checks.push(...(await group(config, log)));
  }
  const failed = failures(checks);
  context.out.result({ ok: failed === 0, checks }, () => {
    const rows = checks.map((check) => [
      check.verdict,
      check.name,
      check.text + (check.remedy ? ` → ${check.remedy}` : ""),
    ]);
    const end = failed === 0 ? "Ready for mail." : `${failed} ${failed === 1 ? "thing" : "things"} to mend first.`;
    return `${table(["", "CHECK", ""], rows)}\n\n${end}`;
  });
  return failed === 0 ? 0 : 1;
}

async function account(context: Context, days: string): Promise<ExitCode> {
  const { config } = context.config();
  const from = days === "all" ? undefined : new Date(Date.now() - wholeNumber("--days", days, 36_500) * 86_400_000);
  const account = await withCustody(config, true, ({ spool, journal }) => reconcile(spool, journal, from));
  context.out.result(account, () =>
    [
      `${account.accepted} messages claimed${from ? ` since ${from.toISOString()}` : ""}`,
      table(["WHERE", "COUNT"], Object.entries(account.outcomes)),
      ...Object.entries(account.discardedBy).map(([by, count]) => safe(`discarded by ${by}: ${count}`)),
      account.unaccounted.length === 0
        ? "All are accounted for."
        : safe(`NOT ACCOUNTED FOR: ${account.unaccounted.join(" ")}`),
    ].join("\n"),
  );
  return account.unaccounted.length === 0 ? 0 : 1;
}

export function register(program: Command, context: Context): void {
  program
    .command("doctor")
    .description(
      "prove the set-up: configuration, disk, certificates, ports, Redis and blobs, rules, engines, next hops",
    )
    .option("--reconcile", "account for every message that was claimed, from the journal and the spool")
    .option("--cluster", "every node: what it runs, how far it is behind, its clock")
    .option("--days <count>", "of the journal to go through with --reconcile, or `all`", "30")
    .addHelpText(
      "after",
      "\nExit codes: 0 ready or all accounted for, 1 not.\n\nExamples:\n  sallyport doctor\n  sallyport doctor --cluster\n  sallyport doctor --reconcile --days all --json",
    )
    .action(
      context.action(async (options: { reconcile?: true; cluster?: true; days: string }) => {
        if (options.cluster) return (await import("./cluster-nodes.ts")).showCluster(context);
        return options.reconcile ? account(context, options.days) : examine(context);
      }),
    );
}
