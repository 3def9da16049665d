/** `sallyport bypass on | off | status`: the emergency exit. Everything is still judged, and forwarded whatever the verdict, with a tag. */
import type { Command } from "commander";
import { routeName } from "../config-schema.ts";
import { GatewayError } from "../core/errors.ts";
import { parseDuration } from "../core/units.ts";
import { actor } from "./custody.ts";
import { safe } from "./output.ts";
import type { Context } from "./program.ts";
import { withRecords } from "./with-records.ts";

interface OnOptions {
  readonly for: string;
  readonly reason: string;
  readonly by?: string;
  readonly route?: readonly string[];
}

const longest = 7 * 86_400_000;

async function on(context: Context, options: OnOptions): Promise<void> {
  const ms = parseDuration(options.for);
  if (ms === null || ms <= 0 || ms > longest)
    throw new GatewayError("USAGE", { "--for": options.for, remedy: "write 30m, 2h or at most 7d" });
  const names = context.config().config.routes.map(routeName);
  const routes = options.route ?? [];
  const unknown = routes.filter((route) => !names.includes(route));
  if (unknown.length > 0)
    throw new GatewayError("USAGE", { route: unknown.join(", "), remedy: `there are ${names.join(", ")}` });
  const bypass = {
    until: new Date(Date.now() + ms).toISOString(),
    by: actor(options.by),
    reason: options.reason,
    routes,
  };
  await withRecords(context.config().config, (records) => records.setBypass(bypass));
  context.out.result(
    bypass,
    () =>
      `Everything is forwarded until ${bypass.until}${routes.length > 0 ? ` on ${routes.join(", ")}` : ""}, with the tag "bypass". End it earlier: sallyport bypass off`,
  );
}

async function off(context: Context): Promise<void> {
  await withRecords(context.config().config, (records) => records.setBypass(null));
  context.out.result({ bypass: null }, () => "The policy is in force.");
}

async function status(context: Context): Promise<void> {
  const bypass = await withRecords(context.config().config, (records) => Promise.resolve(records.snapshot().bypass));
  context.out.result({ bypass }, () =>
    bypass ? safe(`On until ${bypass.until} by ${bypass.by}: ${bypass.reason}`) : "Off: the policy is in force.",
  );
}

export function register(program: Command, context: Context): void {
  const bypass = program.command("bypass").description("the emergency exit: forward everything, tagged, for a time");
  bypass
    .command("on")
    .requiredOption("--for <duration>", "30m, 2h; at most 7d")
    .requiredOption("--reason <text>", "kept in the records")
    .option("--by <name>", "who decides; default: you")
    .option("--route <names...>", "only these; default: all")
    .addHelpText(
      "after",
      "\nIt takes effect within a second, without a restart.\n\nExample:\n  sallyport bypass on --for 1h --reason 'a rule holds every invoice'",
    )
    .action(context.action((options: OnOptions) => on(context, options)));
  bypass.command("off").action(context.action(() => off(context)));
  bypass.command("status").action(context.action(() => status(context)));
}
