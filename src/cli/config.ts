/** `sallyport config check | show | docs`: is the configuration right, and what is in force? */
import type { Command } from "commander";
import { type LoadedConfig, loadConfig, readConfig } from "../config.ts";
import { settings } from "../config-origins.ts";
import { type Problem, showProblem } from "../yaml/check.ts";
import { configurationPage } from "./configuration-page.ts";
import { safe, table } from "./output.ts";
import { type Checked, checkPolicyNames } from "./policy-names.ts";
import type { Context, ExitCode } from "./program.ts";

/** Talks to Redis, PostgreSQL and the blob store; what only might be better is left to `doctor`. */
async function checkCluster({ config, file, origins }: LoadedConfig): Promise<readonly Problem[]> {
  if (!config.queue && !config.blobs && !config.catalog) return [];
  const { clusterChecks } = await import("./cluster-checks.ts");
  const failed = (await clusterChecks(config)).filter(({ verdict }) => verdict === "FAIL");
  return failed.map(({ name, text, remedy }) => {
    const [key = ""] = name.split(" ");
    const message = `${name === key ? "" : `${name}: `}${text}${remedy ? ` → ${remedy}` : ""}`;
    return { file, ...(origins([key]) ?? { line: 1, column: 1 }), key, message };
  });
}

async function examine(file: string): Promise<Checked> {
  const checked = readConfig(file);
  if (!checked.ok) return { problems: checked.problems, warnings: [] };
  const loaded = loadConfig(file);
  const { problems, warnings } = await checkPolicyNames(loaded);
  return { problems: [...problems, ...(await checkCluster(loaded))], warnings };
}

async function check({ out, configFile }: Context): Promise<ExitCode> {
  const file = configFile();
  const { problems, warnings } = await examine(file);
  const ok = problems.length === 0;
  out.result({ file, ok, problems, warnings }, () =>
    [
      ...problems.map(showProblem),
      ...warnings.map((one) => showProblem({ ...one, message: `warning: ${one.message}` })),
      ...(ok ? [`${file}: no mistakes found`] : []),
    ]
      .map(safe)
      .join("\n"),
  );
  return ok ? 0 : 1;
}

const shown = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(", ") || "none" : String(value);

function show({ out, config }: Context, options: { readonly origin?: true }): void {
  const loaded = config();
  const all = settings(loaded);
  out.result({ file: loaded.file, settings: all }, () =>
    options.origin
      ? table(
          ["SETTING", "VALUE", "FROM"],
          all.map(({ key, value, origin }) => [key, shown(value), origin]),
        )
      : table(
          ["SETTING", "VALUE"],
          all.map(({ key, value }) => [key, shown(value)]),
        ),
  );
}

export function register(program: Command, context: Context): void {
  const config = program.command("config").description("check or show the configuration");
  config
    .command("check")
    .description("check the configuration and the policy it names; exit 1 if there are mistakes")
    .addHelpText("after", "\nExamples:\n  sallyport config check\n  sallyport config check --config new.yaml --json")
    .action(context.action(() => check(context)));
  config
    .command("show")
    .description("print every setting that is in force")
    .option("--origin", "with the line that sets it, or `default`")
    .addHelpText("after", "\nExample:\n  sallyport config show --origin")
    .action(context.action((options: { origin?: true }) => show(context, options)));
  config
    .command("docs")
    .description("print docs/configuration.md")
    .action(context.action(() => context.out.result(configurationPage(), () => configurationPage().trimEnd())));
}
