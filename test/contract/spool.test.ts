/** The contract of the spool, over all its implementations. */
import { join } from "node:path";
import { systemClock } from "../../src/observe/clock.ts";
import { silent } from "../../src/observe/log.ts";
import { openSpool } from "../../src/spool/disk-spool.ts";
import { temporaryFolder } from "../support/spool.ts";
import { spoolContract } from "./spool.ts";

spoolContract({
  name: "disk spool",
  open: async (t) => {
    const dir = join(await temporaryFolder(t), "data", "spool");
    const reopen = async () => {
      const spool = await openSpool({ dir, memoryLimit: 1024, minFree: 0, clock: systemClock, log: silent });
      t.after(() => spool.close());
      return spool;
    };
    return { spool: await reopen(), reopen };
  },
});
