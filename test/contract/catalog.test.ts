/** The contract of the catalog, over all its implementations. */
import { join } from "node:path";
import { openCatalog } from "../../src/catalog/sqlite.ts";
import { silent } from "../../src/observe/log.ts";
import { temporaryFolder } from "../support/spool.ts";
import { catalogContract } from "./catalog.ts";

catalogContract({
  name: "SQLite catalog",
  open: async (t) => {
    const file = join(await temporaryFolder(t), "catalog.sqlite");
    const reopen = async () => {
      const catalog = await openCatalog({ file, log: silent });
      t.after(() => catalog.close());
      return catalog;
    };
    return { catalog: await reopen(), reopen };
  },
});
