/** `sallyport rebuild`: the catalog again, from spool and journal. */
import { join } from "node:path";
import type { Command } from "commander";
import { silent } from "../observe/log.ts";
import { openCatalog } from "../catalog/sqlite.ts";
import { rebuildCatalog } from "../compose-rebuild.ts";
import { withCustody } from "./custody.ts";
import type { Context } from "./program.ts";

async function rebuild({ config, out }: Context): Promise<void> {
  const loaded = config().config;
  const count = await withCustody(loaded, false, async ({ spool, journal }) => {
    const catalog = await openCatalog({ file: join(loaded.data_dir, "catalog.sqlite"), log: silent });
    try {
      const onProgress = (done: number): void => {
        if (process.stderr.isTTY && !out.isJson) process.stderr.write(`\r\x1b[2K${done} messages …`);
      };
      return await rebuildCatalog({ catalog, spool, journal, onProgress });
    } finally {
      await catalog.close();
    }
  });
  out.result({ messages: count }, () => `The catalog holds ${count} messages again.`);
}

export function register(program: Command, context: Context): void {
  program
    .command("rebuild")
    .description("make the catalog again from spool and journal; the gateway must be stopped")
    .action(context.action(() => rebuild(context)));
}
