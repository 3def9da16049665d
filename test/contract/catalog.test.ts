/** The contract of the catalog, over all its implementations. */
import { join } from "node:path";
import { after, before } from "node:test";
import { PostgresCatalog } from "../../src/catalog/postgres.ts";
import { openCatalog } from "../../src/catalog/sqlite.ts";
import { silent } from "../../src/observe/log.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/spool.ts";
import { catalogContract, ownNode } from "./catalog.ts";

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server.cleanUp());

catalogContract({
  name: "SQLite catalog",
  open: async (t) => {
    const file = join(await temporaryFolder(t), "catalog.sqlite");
    const reopen = async () => {
      const catalog = await openCatalog({ file, log: silent, node: ownNode });
      t.after(() => catalog.close());
      return catalog;
    };
    return { catalog: await reopen(), reopen };
  },
});

for (const extensions of [["pg_trgm"], []])
  catalogContract({
    name: `PostgreSQL catalog ${extensions.length > 0 ? "with" : "without"} pg_trgm`,
    open: async (t) => {
      const url = server.database({ extensions });
      const reopen = () => {
        const catalog = new PostgresCatalog({ address: { url }, node: ownNode });
        t.after(() => catalog.close());
        return Promise.resolve(catalog);
      };
      return { catalog: await reopen(), reopen };
    },
  });
