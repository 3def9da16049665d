/** The journal on a disk that tears, fails, and is tampered with. */
import assert from "node:assert/strict";
import { appendFile, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silent } from "../../../src/observe/log.ts";
import { type DiskJournal, openJournal } from "../../../src/spool/disk-journal.ts";
import { journalLine } from "../../contract/journal.ts";
import { faultyDisk } from "../../support/faulty-disk.ts";
import { clockAt, collect, temporaryFolder } from "../../support/spool.ts";

async function setUp(t: TestContext, days = 1) {
  const dir = await temporaryFolder(t);
  const clock = clockAt("2026-11-20T12:00:00.000Z");
  const disk = faultyDisk();
  const open = async (readOnly = false): Promise<DiskJournal> => {
    const journal = await openJournal({ dir, clock, log: silent, syscalls: disk.syscalls, readOnly });
    t.after(() => journal.close());
    return journal;
  };
  const journal = await open();
  const add = (text: string): Promise<void> =>
    journal.append(journalLine(clock.now().toISOString(), "forwarded", text));
  for (let day = 0; day < days; day += 1) {
    if (day > 0) clock.tick(86_400_000);
    for (const text of ["a", "b", "c"]) await add(`${day}${text}`);
  }
  const texts = async (from: DiskJournal): Promise<readonly string[]> =>
    (await collect(from.read())).map((line) => line.text);
  return { dir, clock, disk, journal, open, add, texts, file: join(dir, "2026-11-20.ndjson") };
}

test("chains each line to the one before it, over the border of a day", async (t) => {
  const { dir } = await setUp(t, 2);
  const text = async (day: string): Promise<string> => readFile(join(dir, `2026-11-${day}.ndjson`), "utf8");
  const lines = [...(await text("20")).trim().split("\n"), ...(await text("21")).trim().split("\n")];
  const prevs = lines.map((line) => (JSON.parse(line) as { readonly prev: string }).prev);
  assert.equal(prevs[0], "0".repeat(64));
  assert.equal(new Set(prevs).size, 6);
  assert.equal((await stat(join(dir, "2026-11-20.ndjson"))).mode & 0o777, 0o600);
});

for (const [what, piece] of [
  ["a piece of a line", Buffer.from('{"prev":"00')],
  ["zeros where a page was lost", Buffer.concat([Buffer.alloc(500), Buffer.from('"}\n{"prev":"11"}\n')])],
] as const)
  test(`cuts ${what} after a power cut, keeps it beside, and goes on`, async (t) => {
    const { dir, journal, open, texts, file } = await setUp(t);
    await journal.close();
    await appendFile(file, piece);
    const again = await open();
    await again.append(journalLine("2026-11-20T12:00:01.000Z", "expired", "d"));
    assert.deepEqual(await texts(again), ["0a", "0b", "0c", "d"]);
    assert.deepEqual(await readFile(join(dir, "2026-11-20.ndjson.torn")), piece);
  });

test("reads past a piece of a line that another process is writing", async (t) => {
  const { open, texts, file } = await setUp(t);
  await appendFile(file, '{"prev":"00');
  assert.deepEqual(await texts(await open(true)), ["0a", "0b", "0c"]);
});

const tamperings: readonly (readonly [string, (dir: string) => Promise<void>, string, number])[] = [
  [
    "changed",
    async (dir) => {
      const path = join(dir, "2026-11-21.ndjson");
      await writeFile(path, (await readFile(path, "utf8")).replace("1b", "1x"));
    },
    "2026-11-21.ndjson",
    3,
  ],
  [
    "taken out",
    async (dir) => {
      const path = join(dir, "2026-11-20.ndjson");
      const lines = (await readFile(path, "utf8")).split("\n");
      await writeFile(path, lines.toSpliced(1, 1).join("\n"));
    },
    "2026-11-20.ndjson",
    2,
  ],
  ["taken out with its whole day", (dir) => rm(join(dir, "2026-11-21.ndjson")), "2026-11-22.ndjson", 1],
  [
    "overwritten with zeros",
    async (dir) => {
      const path = join(dir, "2026-11-20.ndjson");
      const octets = await readFile(path);
      await writeFile(path, octets.fill(0, 10, 20));
    },
    "2026-11-20.ndjson",
    1,
  ],
];
for (const [what, tamper, file, line] of tamperings)
  test(`names file and line where a line was ${what}`, async (t) => {
    const { dir, journal, open, texts } = await setUp(t, 3);
    await journal.close();
    await tamper(dir);
    await assert.rejects(texts(await open()), (error: { code?: string; detail?: Record<string, unknown> }) => {
      assert.equal(error.code, "JOURNAL_DAMAGED");
      assert.equal(error.detail?.["file"], file);
      assert.equal(error.detail["line"], line);
      return true;
    });
  });

test("removes old days so that the rest can still be verified", async (t) => {
  const { dir, journal, open, add, texts } = await setUp(t, 4);
  assert.equal(await journal.prune(new Date("2026-11-22T18:00:00.000Z")), 2);
  assert.equal(await journal.prune(new Date("2026-11-22T18:00:00.000Z")), 0);
  await add("next");
  const left = ["2a", "2b", "2c", "3a", "3b", "3c", "next"];
  assert.deepEqual(await texts(journal), left);
  await journal.close();
  const again = await open();
  assert.equal(await again.prune(new Date("2030-01-01")), 1, "the file of the last day stays");
  assert.deepEqual(await texts(again), left.slice(3));
  await rm(join(dir, "anchor.json"));
  await assert.rejects(texts(again), { code: "JOURNAL_DAMAGED" });
});

test("finishes a removal of old days that a crash has cut short", async (t) => {
  const { dir, disk, journal, open, texts } = await setUp(t, 3);
  disk.fail("unlink", "EIO", "2026-11-21");
  await assert.rejects(journal.prune(new Date("2026-11-22")), { code: "SPOOL_UNWRITABLE" });
  assert.deepEqual(await texts(journal), ["2a", "2b", "2c"]);
  await journal.close();
  await open();
  assert.deepEqual((await readdir(dir)).sort(), ["2026-11-22.ndjson", "anchor.json"]);
});

for (const [call, errno, code] of [
  ["write", "ENOSPC", "SPOOL_FULL"],
  ["sync", "EIO", "SPOOL_UNWRITABLE"],
] as const)
  test(`refuses the line when ${call} fails with ${errno}, keeps the lazy ones, and goes on when the disk does`, async (t) => {
    const { disk, journal, open, texts } = await setUp(t);
    const lazy = journalLine("2026-11-20T12:00:01.000Z", "forwarded", "lazy");
    disk.fail(call, errno);
    await journal.append(lazy, "lazy");
    await assert.rejects(journal.append(journalLine("2026-11-20T12:00:02.000Z", "accepted", "lost")), { code });
    await journal.append(journalLine("2026-11-20T12:00:03.000Z", "forwarded", "after"));
    assert.deepEqual(await texts(journal), ["0a", "0b", "0c", "lazy", "after"]);
    await journal.close();
    assert.deepEqual(await texts(await open()), ["0a", "0b", "0c", "lazy", "after"]);
  });

test("writes nothing behind a failed group that it cannot cut off", async (t) => {
  const { clock, disk, journal, add, texts } = await setUp(t);
  disk.fail("sync", "EIO");
  disk.fail("truncate", "EIO", "", 2);
  for (let i = 0; i < 3; i += 1) await assert.rejects(add("lost"), { code: "SPOOL_UNWRITABLE" });
  clock.tick(86_400_000);
  await add("next day");
  assert.deepEqual(await texts(journal), ["0a", "0b", "0c", "next day"]);
});

test("says so when more lazy lines wait than a faulty disk may hold back", async (t) => {
  const { disk, journal } = await setUp(t);
  disk.fail("open", "EIO", "", 1_000);
  disk.fail("write", "EIO", "", 1_000);
  const line = journalLine("2026-11-20T12:00:01.000Z");
  for (let i = 0; i < 20_000; i += 1) await journal.append(line, "lazy");
  await assert.rejects(journal.append(line, "lazy"), { code: "SPOOL_UNWRITABLE" });
});

test("puts lines that come at the same time into few syncs", async (t) => {
  const { disk, add } = await setUp(t);
  const before = disk.made.length;
  await Promise.all(Array.from({ length: 400 }, (_, i) => add(`${i}`)));
  const syncs = disk.made.slice(before).filter((call) => call.startsWith("sync"));
  assert.ok(syncs.length <= 4, `${syncs.length} syncs`);
});
