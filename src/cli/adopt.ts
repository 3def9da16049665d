/** `sallyport adopt NODE`: this machine's gateway takes over what a lost one held. */
import type { Command } from "commander";
import type { Adopted } from "../adoption.ts";
import { actor, askGateway } from "./custody.ts";
import { safe } from "./output.ts";
import type { Context, ExitCode } from "./program.ts";

interface AdoptOptions {
  readonly reason: string;
  readonly by?: string;
  readonly force?: true;
}

async function adopt(context: Context, node: string, options: AdoptOptions): Promise<ExitCode> {
  const { config } = context.config();
  const asked = { node, by: actor(options.by), why: options.reason, force: options.force === true };
  const result = (await askGateway(config, "adopt", asked)) as Adopted;
  const { adopted, failed } = result;
  context.out.result(result, () =>
    [
      adopted.length === 0
        ? `No held message of ${node} could be adopted.`
        : `Adopted from ${node}: ${adopted.length}.`,
      ...failed.map(({ id, why }) => safe(`Not adopted: ${id}: ${why}`)),
    ].join("\n"),
  );
  return failed.length > 0 ? 1 : 0;
}

const help = `
They are held here then: quarantine show, release, discard as ever. The same again goes on where it was broken off.
It refuses while NODE was heard of within 30 s. --force does it all the same: should NODE live, cut off from the
database, a message may be released on both. A NODE that comes back gives up what was adopted, before it acts.
While one gateway adopts a NODE the others refuse to; without a catalog run it on one at a time.

Exit code: 1 if a copy could not be read.`;

export function register(program: Command, context: Context): void {
  program
    .command("adopt")
    .argument("<node>")
    .description("take over the held messages of a gateway that is lost")
    .requiredOption("--reason <text>", "kept in the journal")
    .option("--by <name>", "who decides; default: you")
    .option("--force", "also if the node is alive, or nobody can know")
    .addHelpText("after", help)
    .action(context.action((node: string, options: AdoptOptions) => adopt(context, node, options)));
}
