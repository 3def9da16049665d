/** The contract of the records, over all its implementations. */
import { join } from "node:path";
import { after, before } from "node:test";
import { silent } from "../../src/observe/log.ts";
import { PostgresRecords } from "../../src/records/postgres.ts";
import { openRecords } from "../../src/records/sqlite.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/spool.ts";
import { accountsContract } from "./accounts.ts";
import { type RecordsFactory, recordsContract } from "./records.ts";

let server: PostgresServer;
before(async () => {
  server = await startPostgres();
});
after(() => server.cleanUp());

const sqlite: RecordsFactory = {
  name: "SQLite records",
  prepare: async (t, clock) => {
    const file = join(await temporaryFolder(t), "records.sqlite");
    const open = async () => {
      const records = openRecords({ file, clock });
      t.after(() => records.close());
      return records;
    };
    return { open };
  },
};

const postgres: RecordsFactory = {
  name: "PostgreSQL records",
  prepare: async (t, clock) => {
    const address = { url: server.database() };
    const folder = await temporaryFolder(t);
    let opened = 0;
    const open = async () => {
      const copy = join(folder, `copy-${opened++}.json`);
      const records = await PostgresRecords.open({ address, clock, log: silent, copy, watch: true });
      t.after(() => records.close());
      return records;
    };
    return { open };
  },
};

for (const factory of [sqlite, postgres]) {
  recordsContract(factory);
  accountsContract(factory);
}
