/** PostgreSQL stops and comes back: mail flows on, decisions stay in force, and the catalog fills itself in again. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Summary } from "../../src/catalog/catalog.ts";
import { PatientCatalog } from "../../src/catalog/patient.ts";
import { PostgresCatalog } from "../../src/catalog/postgres.ts";
import { systemClock } from "../../src/observe/clock.ts";
import { createLog, silent } from "../../src/observe/log.ts";
import { withAdoptionLock } from "../../src/records/adoption-lock.ts";
import { PostgresRecords } from "../../src/records/postgres.ts";
import { summaryOf } from "../contract/catalog.ts";
import { eventually } from "../support/eventually.ts";
import { type PostgresServer, temporaryPostgres } from "../support/postgres.ts";
import { temporaryFolder } from "../support/spool.ts";

function listening(): { readonly log: ReturnType<typeof createLog>; readonly events: () => readonly string[] } {
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => void lines.push(line) });
  return { log, events: () => lines.map((line) => String((JSON.parse(line) as { event: unknown }).event)) };
}

async function setUp(t: TestContext, server: PostgresServer, url: string, most: number) {
  const marker = join(await temporaryFolder(t), "missing");
  const { log, events } = listening();
  const fills: (Date | null)[] = [];
  let truth: readonly Summary[] = [];
  let inner: PostgresCatalog | null = null;
  const open = () => {
    inner = new PostgresCatalog({ address: { url }, node: "one" });
    const catalog = new PatientCatalog({ catalog: inner, log, clock: systemClock, marker, most, retryMs: 100 });
    catalog.keepFilled(async (since) => {
      fills.push(since);
      await Promise.all(truth.map((summary) => catalog.record(summary)));
    });
    t.after(() => catalog.close());
    return catalog;
  };
  return {
    server,
    marker,
    events,
    fills,
    open,
    isFilled: async () => (await inner?.isFilled()) ?? false,
    believe: (all: readonly Summary[]) => {
      truth = all;
    },
  };
}

const many = (count: number): readonly Summary[] => Array.from({ length: count }, () => summaryOf());

test("a catalog keeps what is written while the database is away, and writes it when it is back", async (t) => {
  const server = await temporaryPostgres(t);
  const { open, events, fills, marker, isFilled } = await setUp(t, server, server.database(), 1_000);
  const catalog = open();
  await eventually("the first fill has been noted", isFilled);
  const [first, ...rest] = many(300);
  assert.ok(first);
  await catalog.record(first);
  // Not "immediate": the last half second of a catalog may be lost then (it is a cache), and with it the note that it is filled.
  server.stop();
  await Promise.all(rest.map((summary) => catalog.record(summary)));
  await catalog.record({ ...first, state: "discarded" });
  assert.ok(catalog.state.awaySince);
  assert.ok(existsSync(marker));
  assert.equal((await catalog.get(first.queueId))?.state, "discarded");
  await assert.rejects(catalog.find({}, { limit: 1 }), { code: "DATABASE_UNAVAILABLE" });
  server.start();
  await eventually("all is written", async () => {
    const counts = await catalog.counts().catch(() => null);
    return counts?.["quarantine"] === 299 && counts["discarded"] === 1;
  });
  await eventually("no mark is left", () => !existsSync(marker));
  assert.deepEqual(fills.length, 1, "nothing was lost, so nothing is filled in");
  assert.deepEqual(events(), ["catalog_away", "catalog_back"]);
});

test("what is more than it can keep is filled in again by itself", async (t) => {
  const server = await temporaryPostgres(t);
  const { open, events, fills, believe, marker } = await setUp(t, server, server.database(), 20);
  const catalog = open();
  await eventually("the first fill", () => fills.length === 1 && !existsSync(marker));
  server.stop();
  const all = many(50);
  await Promise.all(all.map((summary) => catalog.record(summary)));
  assert.deepEqual([catalog.state.waiting, catalog.state.dropped], [20, 30]);
  believe(all.slice(0, 30));
  server.start();
  await eventually(
    "all is there",
    async () => (await catalog.counts().catch(() => ({ quarantine: 0 }))).quarantine === 50,
  );
  await eventually("no mark is left", () => !existsSync(marker));
  assert.equal(fills.length, 2);
  assert.ok((fills[1]?.getTime() ?? 0) < Date.now());
  assert.deepEqual(events(), ["catalog_away", "catalog_back", "catalog_incomplete"]);
});

test("what an earlier process could not write is filled in by the next", async (t) => {
  const server = await temporaryPostgres(t);
  const url = server.database();
  const { open, fills, believe, marker } = await setUp(t, server, url, 100);
  const before = open();
  await eventually("the first fill", () => fills.length === 1 && !existsSync(marker));
  server.stop();
  const all = many(5);
  await Promise.all(all.map((summary) => before.record(summary)));
  await before.close();
  believe(all);
  const after = open();
  await eventually("it knows", () => after.state.awaySince);
  server.start();
  await eventually(
    "all is there",
    async () => (await after.counts().catch(() => ({ quarantine: 0 }))).quarantine === 5,
  );
  await eventually("no mark is left", () => !existsSync(marker));
});

test("one node's rebuild leaves the rows of the others", async (t) => {
  const server = await temporaryPostgres(t);
  const address = { url: server.database() };
  const [one, two] = ["one", "two"].map((node) => {
    const catalog = new PostgresCatalog({ address, node });
    t.after(() => catalog.close());
    return catalog;
  });
  assert.ok(one && two);
  const [mine, theirs] = [many(30), many(30)];
  // Both at once, and at the same places in the order of arrival.
  const sameTime = theirs.map((summary, i) => ({
    ...summary,
    queueId: ((mine[i]?.queueId.slice(0, 10) ?? "") + summary.queueId.slice(10)) as Summary["queueId"],
  }));
  await Promise.all([...mine.map((summary) => one.record(summary)), ...sameTime.map((summary) => two.record(summary))]);
  assert.equal((await two.find({}, { limit: 100 })).length, 60);
  assert.equal((await two.find({ nodes: ["one"], text: "invoice" }, { limit: 100 })).length, 30);
  await one.clear();
  const left = await one.find({}, { limit: 100 });
  assert.deepEqual([...new Set(left.map(({ node }) => node))], ["two"]);
  assert.equal(left.length, 30);
  assert.equal(server.psql("select count(*) from message_rules", "test_0"), "30\n");
});

test("a message that was adopted is listed as the adopter's, whatever its former owner writes or makes again", async (t) => {
  const server = await temporaryPostgres(t);
  const address = { url: server.database() };
  const [former, adopter] = ["former", "adopter"].map((node) => {
    const catalog = new PostgresCatalog({ address, node });
    t.after(() => catalog.close());
    return catalog;
  });
  assert.ok(former && adopter);
  const [one, other] = [summaryOf(), summaryOf()];
  await Promise.all([one, other].map((summary) => former.record(summary)));
  await adopter.record({ ...other, state: "forwarded" });
  await adopter.record(one, { takeOver: true });
  await adopter.record({ ...one, state: "forwarded" });
  await Promise.all([former.record(one), former.forget(one.queueId), former.record(other)]);
  const rows = async () =>
    new Map((await former.find({}, { limit: 10 })).map(({ queueId, node, state }) => [queueId, `${node} ${state}`]));
  const expected = new Map([
    [one.queueId, "adopter forwarded"],
    [other.queueId, "former quarantine"],
  ]);
  assert.deepEqual(await rows(), expected);
  await former.clear();
  await Promise.all([one, other].map((summary) => former.record(summary)));
  assert.deepEqual(await rows(), expected);
});

test("one gateway at a time adopts a node, and stops when it loses the right to", async (t) => {
  const server = await temporaryPostgres(t);
  const address = { url: server.database() };
  const work = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const first = withAdoptionLock(address, "mx-2", async (hold) => {
    await hold();
    begun.resolve();
    await work.promise;
    await hold();
  });
  await begun.promise;
  await assert.rejects(
    withAdoptionLock(address, "mx-2", () => Promise.resolve()),
    { code: "ADOPTION_RUNS" },
  );
  assert.equal(await withAdoptionLock(address, "mx-3", () => Promise.resolve("another node")), "another node");
  server.stop("immediate");
  server.start();
  assert.equal(await withAdoptionLock(address, "mx-2", () => Promise.resolve("the second")), "the second");
  work.resolve();
  await assert.rejects(first, { code: "DATABASE_UNAVAILABLE" });
});

test("decisions stay in force without the database, over a restart too; new ones are refused in words", async (t) => {
  const server = await temporaryPostgres(t);
  const address = { url: server.database() };
  const folder = await temporaryFolder(t);
  const { log, events } = listening();
  const open = async (copy: string) => {
    const records = await PostgresRecords.open({
      ...{ address, log, clock: systemClock, watch: true },
      copy: join(folder, copy),
    });
    t.after(() => records.close());
    return records;
  };
  const block = {
    ...({ kind: "block", subject: "sender", value: "@bad.example" } as const),
    ...{ reason: "", by: "admin", expires: null },
  };
  const first = await open("copy");
  await first.add(block);
  await first.disableRule("a.b", "admin", "");
  server.stop();
  assert.equal(first.snapshot().entries.length, 1);
  await assert.rejects(first.add({ ...block, value: "@other.example" }), (error: Error & { code?: string }) => {
    assert.equal(error.code, "DATABASE_UNAVAILABLE");
    assert.doesNotMatch(JSON.stringify(error) + String(error) + String(error.cause), /s3cr3t/);
    return true;
  });
  const second = await open("copy");
  assert.deepEqual(second.snapshot().disabledRules, ["a.b"]);
  assert.equal(second.snapshot().entries[0]?.value, "@bad.example");
  await assert.rejects(open("no-copy"), { code: "DATABASE_UNAVAILABLE" });
  server.start();
  await eventually("it is back", () => second.awaySince === null);
  await second.enableRule("a.b");
  await eventually("the other hears of it", () => first.snapshot().disabledRules.length === 0);
  assert.ok(events().includes("records_away") && events().includes("records_back"));
});

test("tables that are lost are made again, and nobody's decisions vanish in silence", async (t) => {
  const server = await temporaryPostgres(t);
  const url = server.database();
  const { open, fills, marker } = await setUp(t, server, url, 100);
  const catalog = open();
  const { log, events } = listening();
  const copy = join(await temporaryFolder(t), "copy");
  const records = await PostgresRecords.open({ address: { url }, log, clock: systemClock, watch: true, copy });
  t.after(() => records.close());
  await records.disableRule("a.b", "admin", "");
  await eventually("the first fill", () => fills.length === 1 && !existsSync(marker));
  server.psql("drop schema public cascade; create schema public", "test_0");
  const summary = summaryOf();
  await catalog.record(summary);
  await eventually("it is filled again", () => fills.length === 2 && !existsSync(marker));
  assert.equal((await catalog.get(summary.queueId))?.queueId, summary.queueId);
  await eventually("the loss is told", () => events().includes("records_older"));
  assert.match(readFileSync(`${copy}.before`, "utf8"), /"a\.b"/);
  assert.deepEqual(records.snapshot().disabledRules, []);
});

test("a password that is wrong is not in the error", async (t) => {
  const server = await temporaryPostgres(t);
  const url = server.database().replace(server.password, "wr0ng-secret");
  const records = PostgresRecords.open({
    ...{ address: { url }, clock: systemClock, log: silent, watch: false },
    copy: join(await temporaryFolder(t), "copy"),
  });
  await assert.rejects(records, (error: Error & { code?: string }) => {
    assert.equal(error.code, "DATABASE_UNAVAILABLE");
    assert.match(String(error.cause), /password authentication failed/);
    assert.doesNotMatch(JSON.stringify(error) + String(error.cause), /wr0ng/);
    return true;
  });
});
