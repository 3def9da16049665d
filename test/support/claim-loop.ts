/** Takes and claims messages without end, and says so on standard output; to be killed. Argument: the folder of the spool. */
import { writeSync } from "node:fs";
import { systemClock } from "../../src/observe/clock.ts";
import { silent } from "../../src/observe/log.ts";
import { openSpool } from "../../src/spool/disk-spool.ts";
import { arriveWith } from "./spool.ts";

const [dir = ""] = process.argv.slice(2);
const spool = await openSpool({ dir, memoryLimit: 8_192, minFree: 0, clock: systemClock, log: silent });

async function loop(octets: Buffer): Promise<void> {
  for (;;) {
    const entry = await arriveWith(spool, octets);
    await entry.once("parts.json", () => ({ parts: [] }));
    await entry.claim("incoming");
    // What has gone through write(2) reaches the parent, whatever becomes of us.
    writeSync(1, `${entry.id} ${octets.length}\n`);
    await entry.move("active");
    await entry.once("verdict.json", () => ({ groups: [] }));
    await entry.move("deferred");
  }
}
await Promise.all([100, 1_000, 20_000, 50_000].map((size) => loop(Buffer.alloc(size, "line of text\r\n"))));
