/** A disk that is full or failing: temporary errors, and nothing left behind (R11). */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isGatewayError } from "../../../src/core/errors.ts";
import { states } from "../../../src/core/state.ts";
import type { Entry } from "../../../src/spool/spool.ts";
import { type Call, faultyDisk } from "../../support/faulty-disk.ts";
import { arriveWith, octetsOf, temporaryFolder, temporarySpool } from "../../support/spool.ts";

const octets = Buffer.from("Subject: x\r\n\r\nbody\r\n");

async function setUp(t: TestContext, memoryLimit: number) {
  const dir = join(await temporaryFolder(t), "spool");
  const disk = faultyDisk();
  const open = () => temporarySpool(t, { dir, memoryLimit, syscalls: disk.syscalls });
  const spool = await open();
  const left = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const state of states)
      for (const name of await readdir(join(dir, state), { recursive: true }))
        if (/[0-9A-Z]{26}/.test(name)) found.push(`${state}/${name}`);
    return found;
  };
  return { dir, disk, open, spool, left };
}

for (const [how, memoryLimit] of [
  ["in memory", 1024],
  ["in a file", 4],
] as const)
  test(`leaves nothing of a message ${how} whichever call of its claim fails, and says that this is temporary`, async (t) => {
    const { disk, open, spool, left } = await setUp(t, memoryLimit);
    let failed = 0;
    for (;;) {
      const entry = await arriveWith(spool, octets);
      disk.failNth(failed, failed % 2 ? "EIO" : "ENOSPC");
      const end = await entry.claim("quarantine").then(
        () => "claimed",
        (error: unknown) => error,
      );
      if (end === "claimed") break;
      const call = disk.made.at(-1) ?? "";
      assert.ok(isGatewayError(end, failed % 2 ? "SPOOL_UNWRITABLE" : "SPOOL_FULL") && end.temporary, call);
      assert.equal(entry.state, "gone");
      assert.deepEqual(await left(), [], call);
      await assert.rejects(entry.claim("quarantine"), { code: "SPOOL_NOT_THERE" });
      failed += 1;
    }
    assert.ok(failed >= 12, `${failed} calls`);
    disk.heal();
    await spool.close();
    const again = await open();
    assert.equal(await again.count("quarantine"), 1);
    for await (const id of again.list("quarantine")) assert.deepEqual(await octetsOf(await again.find(id)), octets);
  });

test("never syncs again what could not be synced", async (t) => {
  const { disk, spool } = await setUp(t, 4);
  const entry = await arriveWith(spool, octets);
  disk.fail("sync", "EIO", "message.eml");
  await assert.rejects(entry.claim("incoming"), { code: "SPOOL_UNWRITABLE" });
  const after = disk.made.slice(
    disk.made.findIndex((call) => call.includes("sync ") && call.includes("message.eml")) + 1,
  );
  assert.deepEqual(
    after.filter((call) => call.startsWith("sync ") && call.includes("message.eml")),
    [],
  );
});

for (const [call, where] of [
  ["mkdir", "arriving"],
  ["open", "message.eml"],
  ["write", "message.eml"],
] as const)
  test(`leaves nothing of a message when ${call} fails while it arrives`, async (t) => {
    const { disk, spool, left } = await setUp(t, 4);
    disk.fail(call, "ENOSPC", where);
    await assert.rejects(arriveWith(spool, octets), { code: "SPOOL_FULL", temporary: true });
    assert.deepEqual(await left(), []);
    assert.equal(await spool.count("arriving"), 0);
  });

async function claimed(spool: Awaited<ReturnType<typeof setUp>>["spool"]): Promise<Entry> {
  const entry = await arriveWith(spool, octets);
  await entry.claim("active");
  return entry;
}

for (const call of ["open", "write", "sync", "rename"] as const)
  test(`keeps the old delivery whole when ${call} of the new one fails`, async (t) => {
    const { disk, open, spool, left } = await setUp(t, 1024);
    const entry = await claimed(spool);
    const delivery = { attempts: 1, nextAttempt: null, expires: null, judging: true, crashes: 0, paths: {} };
    await entry.record(delivery);
    disk.fail(call, "ENOSPC", "delivery.json");
    await assert.rejects(entry.record({ ...delivery, attempts: 2 }), { code: "SPOOL_FULL" });
    assert.deepEqual(await entry.read("delivery.json"), delivery);
    assert.ok(!(await left()).some((name) => name.endsWith(".new")));
    await spool.close();
    assert.deepEqual(await (await (await open()).find(entry.id)).read("delivery.json"), delivery);
  });

test("keeps what is ours when a move or a step fails, in the one state or the other", async (t) => {
  const faults: readonly (readonly [Call, (entry: Entry) => Promise<unknown>, string])[] = [
    ["rename", (entry) => entry.move("deferred"), "active"],
    ["syncFolder", (entry) => entry.move("deferred"), "deferred"],
    ["rename", (entry) => entry.remove(), "active"],
    ["sync", (entry) => entry.once("parts.json", () => 1), "active"],
    ["link", (entry) => derive(entry), "active"],
    ["sync", (entry) => derive(entry), "active"],
  ];
  const { disk, open, spool } = await setUp(t, 1024);
  const derive = (entry: Entry) =>
    spool.derive(entry, { envelope: { ...entry.envelope, queueId: spool.newId() } }, "incoming");
  for (const [call, attempt, state] of faults) {
    const entry = await claimed(spool);
    disk.fail(call, "EIO");
    await assert.rejects(attempt(entry), { code: "SPOOL_UNWRITABLE", temporary: true });
    assert.equal(entry.state, state);
    assert.equal((await spool.find(entry.id)).state, state);
    assert.deepEqual(await octetsOf(entry), octets);
  }
  await spool.close();
  const again = await open();
  assert.equal((await again.count("incoming")) + (await again.count("deferred")), faults.length);
  assert.equal(await again.count("corrupt"), 0);
});

test("starts on a disk that has no room for a single octet", async (t) => {
  const { disk, open, spool } = await setUp(t, 1024);
  const entry = await claimed(spool);
  await spool.close();
  for (const call of ["write", "truncate"] as const) disk.fail(call, "ENOSPC", "", 1_000);
  assert.equal((await (await open()).find(entry.id)).state, "incoming");
});
