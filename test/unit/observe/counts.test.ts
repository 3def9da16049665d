/** Figures that are kept from moves, against the folders. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { QueueId } from "../../../src/core/message.ts";
import type { Claimed } from "../../../src/core/state.ts";
import { Ledger } from "../../../src/observe/ledger.ts";
import { silent } from "../../../src/observe/log.ts";
import { SpoolCounts } from "../../../src/observe/spool-counts.ts";
import { openSpool, type SpoolEvent } from "../../../src/spool/disk-spool.ts";
import type { JournalEvent, JournalLine } from "../../../src/spool/journal.ts";
import type { Entry } from "../../../src/spool/spool.ts";
import { MovableClock } from "../../support/custody-rig.ts";
import { collect, envelopeOf, pieces, temporaryFolder } from "../../support/spool.ts";

const kept = ["incoming", "active", "deferred", "quarantine"] as const;
const day = 86_400_000;

test("after any moves, and after a restart, counts and oldest are those of a fresh listing", async (t) => {
  const dir = await temporaryFolder(t);
  const clock = new MovableClock();
  let counts: SpoolCounts | null = null;
  const hear = (event: SpoolEvent): void => counts?.hear(event);
  const boot = () => openSpool({ dir, memoryLimit: 65_536, minFree: 0, clock, log: silent, events: hear });
  let spool = await boot();
  counts = await SpoolCounts.of(spool);
  const step = fc.record({
    what: fc.constantFrom("arrive", "move", "remove", "look"),
    pick: fc.nat(1_000),
    to: fc.constantFrom(...kept),
    days: fc.nat(3),
  });
  const steps = fc.sample(step, { numRuns: 250, seed: 7 });
  const entries: Entry[] = [];
  const compare = async (): Promise<void> => {
    for (const state of kept) {
      const listed = await collect(spool.list(state));
      assert.equal(await counts?.count(state), listed.length, state);
      assert.equal(await counts?.oldest(state), listed[0] ?? null, state);
    }
  };
  for (const { what, pick, to, days } of steps) {
    if (what === "arrive") {
      clock.skip(days === 3 ? -day : days * 1_000);
      const entry = await spool.arrive(envelopeOf(spool.newId()), pieces(Buffer.from("x\r\n")));
      await entry.claim(to);
      entries.push(entry);
    }
    const entry = entries[pick % Math.max(1, entries.length)];
    if (what === "move" && entry) await entry.move(to satisfies Claimed).catch(() => undefined);
    if (what === "remove" && entry) await entry.remove();
    if (what === "look") await compare();
  }
  await compare();
  await spool.close();
  spool = await boot();
  counts = await SpoolCounts.of(spool);
  await compare();
  await counts.recount();
  await compare();
  await spool.close();
});

const id = (digit: string): QueueId => digit.repeat(26) as QueueId;

function line(event: JournalEvent, queueId: QueueId, forwardPaths: readonly string[], related?: QueueId): JournalLine {
  const rest = { at: "", reversePath: "", sha256: null, size: 1, text: "" };
  return { ...rest, event, queueId, forwardPaths, ...(related ? { related } : {}) };
}

test("a message that left the spool without an end is missed within seconds, until its end comes", () => {
  const clock = new MovableClock();
  const ledger = new Ledger(clock);
  ledger.hear(line("accepted", id("1"), ["a", "b"]));
  ledger.hear(line("forwarded", id("1"), ["a"]));
  ledger.moved({ id: id("1"), from: "active", to: "gone" });
  assert.deepEqual([...ledger.missing()], []);
  clock.skip(11_000);
  assert.deepEqual([...ledger.missing()], [id("1")]);
  ledger.hear(line("bounced", id("1"), ["b"]));
  assert.deepEqual([...ledger.missing()], []);
});

test("what was split is accounted for by its parts; what is corrupt is missed at once", () => {
  const clock = new MovableClock();
  const ledger = new Ledger(clock);
  ledger.hear(line("accepted", id("1"), ["a", "b"]));
  ledger.hear(line("accepted", id("2"), ["a"], id("1")));
  ledger.hear(line("accepted", id("3"), ["b"], id("1")));
  ledger.moved({ id: id("1"), from: "active", to: "gone" });
  clock.skip(60_000);
  assert.deepEqual([...ledger.missing()], []);
  ledger.moved({ id: id("2"), from: "incoming", to: "corrupt" });
  assert.deepEqual([...ledger.missing()], [id("2")]);
});

test("what the comparison of journal and spool has missed stays until the next one, or its end", () => {
  const ledger = new Ledger(new MovableClock());
  ledger.compared([id("1"), id("2")]);
  ledger.hear(line("discarded", id("1"), ["a"]));
  assert.deepEqual([...ledger.missing()], [id("2")]);
  ledger.compared([]);
  assert.deepEqual([...ledger.missing()], []);
});
