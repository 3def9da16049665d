/** Power loss at every step of stripping: once the client has heard 250, the original and the copy are both there, or the copy has left. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { QueueId } from "../../../src/core/message.ts";
import { systemClock } from "../../../src/observe/clock.ts";
import { silent } from "../../../src/observe/log.ts";
import { openJournal } from "../../../src/spool/disk-journal.ts";
import { openSpool } from "../../../src/spool/disk-spool.ts";
import { isEvil, makeRig } from "../../support/custody-rig.ts";
import { everyCut } from "../../support/every-cut.ts";
import { mail } from "../../support/mail.ts";
import { PowerLoss, unsynced } from "../../support/power-loss.ts";
import { collect, octetsOf } from "../../support/spool.ts";

const octets = mail({ name: "x.exe", type: "application/x-evil", bytes: Buffer.from("evil octets") });
const reason = "programs are not wanted";

for (const reply_after of ["delivery", "spool"] as const)
  test(`a power cut at any step of stripping loses neither original nor copy (${reply_after})`, async (t) => {
    const rig = await makeRig({ route: { reply_after } });
    t.after(() => rig.close());
    rig.scanner.dispose = (_path, _envelope, parts) =>
      parts.some(isEvil)
        ? { kind: "strip", reason, notice: null, signed: false, otherwise: { kind: "quarantine", reason } }
        : { kind: "forward", tags: [] };
    const power = new PowerLoss(rig.dir);
    const life = await rig.boot(power.record());
    const { id, reply } = await life.send({ octets });
    power.mark("heard");
    assert.match(reply, /^250 /);
    await rig.arrive(1);
    await life.settled();
    power.mark("settled");

    const states = await everyCut(t, power, async (dir, marks) => {
      const spool = await openSpool({
        dir: join(dir, "spool"),
        memoryLimit: 1024,
        minFree: 0,
        clock: systemClock,
        log: silent,
        syscalls: unsynced,
      });
      const journal = await openJournal({
        dir: join(dir, "journal"),
        clock: systemClock,
        log: silent,
        syscalls: unsynced,
      });
      try {
        assert.deepEqual(spool.recovered.corrupt, []);
        const there = new Map<QueueId, string>();
        for (const state of ["incoming", "quarantine"] as const)
          for await (const each of spool.list(state)) there.set(each, state);
        if (there.has(id)) assert.deepEqual(await octetsOf(await spool.find(id)), octets);
        if (!marks.has("heard")) return;
        assert.ok(there.has(id), "the original is lost");
        const hasLeft = (await collect(journal.read())).some(({ event }) => event === "forwarded");
        const copies = [...there].filter(([each]) => each !== id);
        if (there.get(id) === "quarantine") assert.ok(copies.length === 1 || hasLeft, "the copy is lost");
        for (const [copy] of copies) {
          assert.ok(!(await octetsOf(await spool.find(copy))).includes("ZXZpbCBv"), "the copy holds what was to go");
          assert.ok(await (await spool.find(copy)).read("strip.json"), "the copy does not know what it is");
        }
        if (marks.has("settled")) assert.equal(there.get(id), "quarantine");
      } finally {
        await journal.close();
        await spool.close();
      }
    });
    assert.ok(states > 30, `${states} states`);
  });
