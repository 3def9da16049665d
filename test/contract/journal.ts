/** What every Journal must do. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { QueueId } from "../../src/core/message.ts";
import type { Journal, JournalEvent, JournalLine } from "../../src/spool/journal.ts";
import { clockAt, collect } from "../support/spool.ts";

export interface JournalFactory {
  readonly name: string;
  readonly open: (
    t: TestContext,
    clock: ReturnType<typeof clockAt>,
  ) => Promise<{ readonly journal: Journal; readonly reopen: () => Promise<Journal> }>;
}

export function journalLine(at: string, event: JournalEvent = "forwarded", text = "250 2.0.0 queued"): JournalLine {
  return {
    at,
    event,
    queueId: "01KAAAAAAAAAAAAAAAAAAAAAAA" as QueueId,
    forwardPaths: ["b@site.example"],
    reversePath: "",
    sha256: null,
    size: 7,
    text,
  };
}

export function journalContract({ name, open }: JournalFactory): void {
  const it = (sentence: string, body: (t: TestContext) => Promise<void>): void => {
    test(`${name}: ${sentence}`, body);
  };

  it("gives back every line in order, over days and restarts", async (t) => {
    const clock = clockAt("2026-11-20T23:59:58.000Z");
    const { journal, reopen } = await open(t, clock);
    const lines: JournalLine[] = [];
    let current = journal;
    for (let i = 0; i < 12; i += 1) {
      const line = journalLine(clock.now().toISOString(), "forwarded", `line ${i}\r\n\u2028 "quoted" \0`);
      lines.push(line);
      await current.append(line, i % 2 ? "lazy" : "synced");
      clock.tick(i < 4 ? 1_000 : 20_000_000);
      if (i % 5 !== 4) continue;
      await current.close();
      current = await reopen();
    }
    assert.deepEqual(await collect(current.read()), lines);
    for (const from of [3, 7, 11])
      assert.deepEqual(await collect(current.read(new Date(lines[from]?.at ?? ""))), lines.slice(from));
    assert.deepEqual(await collect(current.read(new Date("2027-01-01"))), []);
  });

  it("keeps the order of many lines at a time, and shows lazy ones to its own readers", async (t) => {
    const clock = clockAt("2026-11-20T12:00:00.000Z");
    const { journal } = await open(t, clock);
    const lines = Array.from({ length: 2_000 }, (_, i) => journalLine(clock.now().toISOString(), "accepted", `${i}`));
    await Promise.all(lines.map((line, i) => journal.append(line, i % 3 ? "synced" : "lazy")));
    await journal.append(journalLine(clock.now().toISOString(), "expired", "last"), "lazy");
    const got = await collect(journal.read());
    assert.deepEqual(got.slice(0, -1), lines);
    assert.equal(got.at(-1)?.text, "last");
  });

  it("keeps lines in order when the clock is set back over midnight", async (t) => {
    const clock = clockAt("2026-11-21T00:00:01.000Z");
    const { journal, reopen } = await open(t, clock);
    await journal.append(journalLine("2026-11-21T00:00:01.000Z", "accepted", "first"));
    clock.set("2026-11-20T23:59:00.000Z");
    await journal.append(journalLine("2026-11-20T23:59:00.000Z", "forwarded", "second"));
    await journal.close();
    const again = await reopen();
    await again.append(journalLine("2026-11-20T23:59:01.000Z", "expired", "third"));
    assert.deepEqual(
      (await collect(again.read())).map((line) => line.text),
      ["first", "second", "third"],
    );
  });

  it("takes no line after it was closed", async (t) => {
    const { journal } = await open(t, clockAt("2026-11-20T12:00:00.000Z"));
    await journal.close();
    await assert.rejects(journal.append(journalLine("2026-11-20T12:00:00.000Z")), { code: "SPOOL_UNWRITABLE" });
  });
}
