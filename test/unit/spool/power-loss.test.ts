/** Power loss at every single step of spool and journal: what was acknowledged is whole, what was not never appears by half. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { QueueId } from "../../../src/core/message.ts";
import { systemClock } from "../../../src/observe/clock.ts";
import { silent } from "../../../src/observe/log.ts";
import { openJournal } from "../../../src/spool/disk-journal.ts";
import { type DiskSpool, openSpool } from "../../../src/spool/disk-spool.ts";
import type { Entry } from "../../../src/spool/spool.ts";
import { journalLine } from "../../contract/journal.ts";
import { everyCut } from "../../support/every-cut.ts";
import { PowerLoss, unsynced } from "../../support/power-loss.ts";
import { arriveWith, clockAt, collect, envelopeOf, octetsOf, temporaryFolder } from "../../support/spool.ts";

const small = Buffer.from("Subject: small\r\n\r\nhello\r\n");
const large = Buffer.concat([Buffer.from("Subject: large\r\n\r\n"), Buffer.alloc(9_000, "0123456789abcdef\r\n")]);
/** Every entry in custody, by id. */
async function inCustody(spool: DiskSpool): Promise<ReadonlyMap<QueueId, Entry>> {
  const entries = new Map<QueueId, Entry>();
  for (const state of ["incoming", "active", "deferred", "quarantine"] as const)
    for await (const id of spool.list(state)) {
      assert.ok(!entries.has(id), "in two states");
      entries.set(id, await spool.open(id, state));
    }
  return entries;
}

test("a claimed message survives a power cut at any step, and one that was not claimed never appears by half", async (t) => {
  const root = await temporaryFolder(t);
  const power = new PowerLoss(root);
  const openAt = (dir: string, syscalls = unsynced): Promise<DiskSpool> =>
    openSpool({ dir: join(dir, "spool"), memoryLimit: 1024, minFree: 0, clock: systemClock, log: silent, syscalls });
  const spool = await openAt(root, power.record());
  const octets = new Map<QueueId, Buffer>();

  const arrive = async (content: Buffer): Promise<Entry> => {
    const entry = await arriveWith(spool, content);
    octets.set(entry.id, content);
    return entry;
  };
  /** Marks before and after, since between the two both ends are right. */
  const marked = async (what: string, id: QueueId, job: Promise<unknown>): Promise<void> => {
    power.mark(`${what} begun ${id}`);
    await job;
    power.mark(`${what} done ${id}`);
  };
  const delivery = { attempts: 1, nextAttempt: null, expires: null, judging: true, crashes: 0, paths: {} };

  const a = await arrive(small);
  await a.once("parts.json", () => ["parts"]);
  await marked("claim", a.id, a.claim("incoming"));
  const b = await arrive(large);
  await b.once("verdict.json", () => "quarantine");
  await marked("claim", b.id, b.claim("quarantine"));
  await arrive(large);
  await a.move("active");
  await marked("record", a.id, a.record(delivery));
  await marked(
    "verdict",
    a.id,
    a.once("verdict.json", () => "forward"),
  );
  await marked("record2", a.id, a.record({ ...delivery, attempts: 2 }));
  await a.move("deferred");
  const derived = spool.newId();
  octets.set(derived, large);
  await marked("claim", derived, spool.derive(b, { envelope: envelopeOf(derived) }, "incoming"));
  await b.append({ at: "", by: "admin", what: "released", why: "1" });
  await marked("review", b.id, b.append({ at: "", by: "admin", what: "released", why: "2" }));
  const many = await Promise.all([arrive(small), arrive(large), arrive(small)]);
  await Promise.all(many.map((entry) => marked("claim", entry.id, entry.claim("active"))));
  await marked("forget", b.id, b.forget("verdict.json"));
  await b.move("incoming");
  await marked("remove", a.id, a.remove());
  await (await arrive(large)).remove();
  await marked("remove", b.id, b.remove());
  await spool.close();

  const states = await everyCut(t, power, async (dir, marks) => {
    const after = await openAt(dir);
    try {
      assert.deepEqual(after.recovered.corrupt, []);
      assert.equal(await after.count("arriving"), 0);
      const entries = await inCustody(after);
      for (const [id, content] of octets) {
        const entry = entries.get(id);
        const is = (mark: string): boolean => marks.has(`${mark} ${id}`);
        if (entry) assert.ok(is("claim begun") && !is("remove done"), "it is there, and should not be");
        else assert.ok(!is("claim done") || is("remove begun"), "it was acknowledged, and is not there");
        if (!entry) continue;
        assert.deepEqual(await octetsOf(entry), content);
        assert.equal(entry.envelope.queueId, id);
        if (id === a.id) assert.deepEqual(await entry.read("parts.json"), ["parts"]);
        if (is("verdict done")) assert.equal(await entry.read("verdict.json"), "forward");
        if (is("forget done")) assert.equal(await entry.read("verdict.json"), null);
        const attempts = (await entry.read<typeof delivery>("delivery.json"))?.attempts ?? 0;
        assert.ok(attempts >= (is("record2 done") ? 2 : is("record done") ? 1 : 0));
        if (is("review done"))
          assert.deepEqual(
            (await entry.review()).map(({ why }) => why),
            ["1", "2"],
          );
      }
    } finally {
      await after.close();
    }
  });
  assert.ok(states > 200, `${states} states`);
});

test("a synced line of the journal survives a power cut at any step, and the chain is whole", async (t) => {
  const root = await temporaryFolder(t);
  const power = new PowerLoss(root);
  const clock = clockAt("2026-11-20T23:59:58.000Z");
  const openAt = (dir: string, syscalls = unsynced) =>
    openJournal({ dir: join(dir, "journal"), clock, log: silent, syscalls });
  const journal = await openAt(root, power.record());
  const written: string[] = [];
  const add = async (durability: "synced" | "lazy" = "synced"): Promise<void> => {
    const text = `${written.length}`;
    written.push(text);
    await journal.append(journalLine(clock.now().toISOString(), "forwarded", text), durability);
    if (durability === "synced") power.mark(text);
  };
  for (let round = 0; round < 4; round += 1) {
    await add();
    await Promise.all([add("lazy"), add(), add()]);
    clock.tick(round === 1 ? 86_400_000 : 1_000);
  }
  power.mark("pruning");
  await journal.prune(new Date("2026-11-21"));
  await add();
  await journal.close();

  const states = await everyCut(t, power, async (dir, marks) => {
    const after = await openAt(dir);
    await after.append(journalLine(clock.now().toISOString(), "expired", "after"));
    const texts = (await collect(after.read())).map(({ text }) => text);
    await after.close();
    assert.equal(texts.pop(), "after");
    const first = written.indexOf(texts[0] ?? "0");
    assert.deepEqual(texts, written.slice(first, first + texts.length));
    assert.ok(first === 0 || marks.has("pruning"));
    for (const text of written)
      if (marks.has(text)) assert.ok(Number(text) < first + texts.length, `line ${text} is lost`);
  });
  assert.ok(states > 30, `${states} states`);
});
