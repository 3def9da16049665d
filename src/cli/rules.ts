/** `sallyport rules check | list | disable | enable | publish | releases`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { startWorkers } from "../../workers/compose.ts";
import type { RuleProblem } from "../../workers/engines/engine.ts";
import { isGatewayError } from "../core/errors.ts";
import { globMatches } from "../core/glob.ts";
import { createLog } from "../observe/log.ts";
import { externalDefaults } from "../rulepacks/externals.ts";
import { formatProblem } from "../rulepacks/format-problem.ts";
import { loadRulePacks } from "../rulepacks/load.ts";
import { actor } from "./custody.ts";
import { builtInRules, packRules } from "./known-names.ts";
import { safe, table } from "./output.ts";
import { meant } from "./policy-names.ts";
import type { Context, ExitCode } from "./program.ts";
import type { PublishOptions } from "./releases.ts";
import { withRecords } from "./with-records.ts";

const toStandardError = { write: (line: string) => void process.stderr.write(line) };
const startLimit = 512 * 2 ** 20;

/** Compiles every file in a child that may die of it. */
async function check(context: Context, folders: readonly string[]): Promise<ExitCode> {
  const loaded = await loadRulePacks(folders.length > 0 ? folders : context.config().config.rules);
  const dir = mkdtempSync(join(tmpdir(), "sallyport-rules-"));
  try {
    const log = createLog("error", toStandardError);
    const none = { sources: [], version: "none", externals: externalDefaults };
    const workers = await startWorkers({
      concurrency: 1,
      memory: startLimit,
      deadlineMs: 60_000,
      scratchDir: dir,
      engine: "wasm",
      rules: none,
      log,
    });
    const checked = await workers.check(loaded.sources, externalDefaults).finally(() => workers.close());
    const problems = [...loaded.problems, ...checked.problems];
    const errors = problems.filter((problem) => problem.level === "error");
    const textOf = ({ pack, file }: RuleProblem): string =>
      loaded.sources.find((source) => source.pack === pack && source.file === file)?.text ?? "";
    context.out.result(
      { ok: errors.length === 0, rules: checked.ruleCount, files: loaded.sources.length, problems },
      () =>
        [
          ...problems.map((problem) => formatProblem(problem, textOf(problem))),
          `${checked.ruleCount} rules in ${loaded.sources.length} files: ${errors.length} errors, ${problems.length - errors.length} warnings`,
        ].join("\n"),
    );
    return errors.length === 0 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function list(context: Context): Promise<void> {
  const { packs, version } = await loadRulePacks(context.config().config.rules);
  context.out.result({ version, packs }, () =>
    table(
      ["PACK", "VERSION", "STAGE", "FILES", "LICENCE", "FOLDER"],
      packs.map((pack) => [pack.id, pack.version, pack.stage, pack.files, pack.licence, pack.folder]),
    ),
  );
}

interface DisableOptions {
  readonly reason: string;
  readonly by?: string;
}

/** Null if a rule has the id. Rules that cannot be read are no reason not to disable one. */
async function unknownRule(pattern: string, folders: readonly string[]): Promise<string | null> {
  const loaded = await packRules(folders).catch((error: unknown) => {
    if (isGatewayError(error, "RULES_UNREADABLE")) return null;
    throw error;
  });
  const known = [...(loaded ?? []), ...builtInRules];
  if (loaded === null || known.some((id) => globMatches(pattern, id))) return null;
  return `no rule has the id ${pattern} now${meant(pattern, known)}`;
}

async function disable(context: Context, rule: string, options: DisableOptions): Promise<void> {
  const { config } = context.config();
  await withRecords(config, (records) => records.disableRule(rule, actor(options.by), options.reason));
  const warning = await unknownRule(rule, config.rules);
  context.out.result({ disabled: rule, ...(warning === null ? {} : { warning }) }, () =>
    [
      `${rule} no longer counts; it is in force again after: sallyport rules enable ${rule}`,
      ...(warning === null ? [] : [`warning: ${warning}`]),
    ]
      .map(safe)
      .join("\n"),
  );
}

async function enable(context: Context, rule: string): Promise<ExitCode> {
  const was = await withRecords(context.config().config, (records) => records.enableRule(rule));
  context.out.result({ enabled: rule, was_disabled: was }, () =>
    safe(was ? `${rule} counts again.` : `${rule} was not disabled.`),
  );
  return was ? 0 : 1;
}

async function disabled(context: Context): Promise<void> {
  const rules = await withRecords(context.config().config, (records) => records.disabledRules());
  context.out.result(rules, () =>
    rules.length === 0
      ? "No rule is disabled."
      : table(
          ["RULE", "SINCE", "BY", "WHY"],
          rules.map((one) => [one.rule, one.at, one.by, one.reason]),
        ),
  );
}

/** Clients of the database and of the blob store are loaded only for these. */
function registerReleases(rules: Command, context: Context): void {
  rules
    .command("publish")
    .description("give the rules and the policy of this configuration to all nodes, as one numbered release")
    .requiredOption("--reason <text>", "kept with the release")
    .option("--by <name>", "who decides; default: you")
    .option("--again <release>", "an earlier one, under a new number: the way back")
    .addHelpText(
      "after",
      "\nAll nodes change together or not at all. Routes and listen addresses stay with each node.\n\nExamples:\n  sallyport rules publish --reason 'new macro rules'\n  sallyport rules publish --again 12 --reason 'release 13 holds every invoice'",
    )
    .action(
      context.action(async (options: PublishOptions) => (await import("./releases.ts")).publish(context, options)),
    );
  rules
    .command("releases")
    .description("what was published, and what is in force")
    .option("--limit <count>", "at most", "20")
    .action(
      context.action(async (options: { limit: string }) =>
        (await import("./releases.ts")).listReleases(context, options.limit),
      ),
    );
}

export function register(program: Command, context: Context): void {
  const rules = program.command("rules").description("rule packs: check, list, switch single rules off");
  rules
    .command("check")
    .argument("[folders...]", "default: those of the configuration")
    .description("compile every file; exit 1 if one has errors")
    .addHelpText("after", "\nExamples:\n  sallyport rules check\n  sallyport rules check ./my-rules --json")
    .action(context.action((folders: string[]) => check(context, folders)));
  rules
    .command("list")
    .description("the packs that are loaded")
    .action(context.action(() => list(context)));
  rules
    .command("disable")
    .argument("<id>", "pack.rule, as findings name it")
    .description("its matches no longer count, within a second and without a restart")
    .requiredOption("--reason <text>", "kept in the records")
    .option("--by <name>", "who decides; default: you")
    .action(context.action((rule: string, options: DisableOptions) => disable(context, rule, options)));
  rules
    .command("enable")
    .argument("<id>")
    .description("undoes disable")
    .action(context.action((rule: string) => enable(context, rule)));
  rules
    .command("disabled")
    .description("what is switched off, by whom and why")
    .action(context.action(() => disabled(context)));
  registerReleases(rules, context);
}
