/** `sallyport rebuild`: the catalog again, from spool and journal. */
import type { Command } from "commander";
import { rebuildCatalog } from "../compose-rebuild.ts";
import { noteFilled, openCommandCatalog } from "../compose-stores.ts";
import { silent } from "../observe/log.ts";
import { withCustody } from "./custody.ts";
import type { Context } from "./program.ts";

/** A terminal is told often, a file now and then. */
const everyLines = 10_000;

async function rebuild({ config, out }: Context): Promise<void> {
  const loaded = config().config;
  const onProgress = (done: number): void => {
    if (out.isJson) return;
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${done} messages …`);
    else if (done % everyLines === 0) process.stderr.write(`${done} messages …\n`);
  };
  const count = await withCustody(loaded, false, async ({ spool, journal }) => {
    const catalog = await openCommandCatalog(loaded, silent);
    try {
      const made = await rebuildCatalog({ catalog, spool, journal, onProgress });
      await noteFilled(catalog);
      return made;
    } finally {
      await catalog.close();
    }
  });
  const whose = loaded.catalog === undefined ? "" : ` of ${loaded.cluster.node}`;
  out.result({ messages: count }, () => `The catalog holds ${count} messages${whose} again.`);
}

export function register(program: Command, context: Context): void {
  program
    .command("rebuild")
    .description("make the catalog again from spool and journal; the gateway must be stopped")
    .action(context.action(() => rebuild(context)));
}
