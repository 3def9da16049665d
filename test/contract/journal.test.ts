/** The contract of the journal, over all its implementations. */
import { join } from "node:path";
import { silent } from "../../src/observe/log.ts";
import { openJournal } from "../../src/spool/disk-journal.ts";
import { temporaryFolder } from "../support/spool.ts";
import { journalContract } from "./journal.ts";

journalContract({
  name: "disk journal",
  open: async (t, clock) => {
    const dir = join(await temporaryFolder(t), "journal");
    const reopen = async () => {
      const journal = await openJournal({ dir, clock, log: silent });
      t.after(() => journal.close());
      return journal;
    };
    return { journal: await reopen(), reopen };
  },
});
