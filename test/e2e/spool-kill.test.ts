/** Twenty times kill -9 of a process that claims: every acknowledged message is there, whole, and the lock is free again. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { QueueId } from "../../src/core/message.ts";
import { octetsOf, temporaryFolder, temporarySpool } from "../support/spool.ts";

const script = fileURLToPath(new URL("../support/claim-loop.ts", import.meta.url));

/** Lines that the child has written before it was killed, some time after its first. */
async function killed(dir: string, afterMs: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [script, dir], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    if (output === "") setTimeout(() => child.kill("SIGKILL"), afterMs);
    output += piece;
  });
  const [, signal] = (await once(child, "close")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL", "it died by itself");
  return output.split("\n").slice(0, -1);
}

test("a claim that was acknowledged survives kill -9", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const acknowledged = new Map<QueueId, number>();
  for (let round = 0; round < 20; round += 1)
    for (const line of await killed(dir, 10 + round * 7)) {
      const [id, size] = line.split(" ");
      acknowledged.set(id as QueueId, Number(size));
    }
  assert.ok(acknowledged.size >= 100, `${acknowledged.size} claims`);
  const spool = await temporarySpool(t, { dir });
  assert.deepEqual(spool.recovered.corrupt, []);
  for (const [id, size] of acknowledged) {
    const entry = await spool.find(id);
    assert.deepEqual(await octetsOf(entry), Buffer.alloc(size, "line of text\r\n"));
    assert.deepEqual(await entry.read("parts.json"), { parts: [] });
    if (entry.state === "deferred") assert.deepEqual(await entry.read("verdict.json"), { groups: [] });
  }
  const unheard = (await spool.count("incoming")) + (await spool.count("deferred")) - acknowledged.size;
  // At most the four that were between their claim and the line, each time.
  assert.ok(unheard >= 0 && unheard <= 20 * 4, `${unheard} more`);
});
