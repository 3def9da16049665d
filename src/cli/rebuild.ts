/** `sallyport rebuild`: the catalog again, from spool and journal. */
import type { Command } from "commander";
import { countRows, rebuildCatalog } from "../compose-rebuild.ts";
import { openCommandCatalog } from "../compose-stores.ts";
import { silent } from "../observe/log.ts";
import { withCustody } from "./custody.ts";
import type { Context } from "./program.ts";
import { Progress } from "./progress.ts";

async function rebuild({ config, out }: Context): Promise<void> {
  const loaded = config().config;
  const form = out.isJson ? "json" : process.stderr.isTTY ? "line" : "text";
  const count = await withCustody(loaded, false, async ({ spool, journal }) => {
    const catalog = await openCommandCatalog(loaded, silent);
    const total = await countRows({ spool, journal });
    const progress = new Progress({ what: "messages", total, err: process.stderr, form, now: () => performance.now() });
    try {
      return await rebuildCatalog({ catalog, spool, journal, onProgress: progress.at });
    } finally {
      progress.end();
      await catalog.close();
    }
  });
  const whose = loaded.catalog === undefined ? "" : ` of ${loaded.cluster.node}`;
  out.result({ messages: count }, () => `The catalog holds ${count} messages${whose} again.`);
}

const help = `
It says on standard error how far it is, with --json as an object a line. Interrupted, it leaves lists with gaps,
never a wrong message: run it again, or start the gateway, which fills in what is missing beside its work.`;

export function register(program: Command, context: Context): void {
  program
    .command("rebuild")
    .description("make the catalog again from spool and journal; the gateway must be stopped")
    .addHelpText("after", help)
    .action(context.action(() => rebuild(context)));
}
