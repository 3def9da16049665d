/** The contract of the records, over all its implementations. */
import { join } from "node:path";
import { openRecords } from "../../src/records/sqlite.ts";
import { temporaryFolder } from "../support/spool.ts";
import { recordsContract } from "./records.ts";

recordsContract({
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
});
