/** What lies where on the disk, who may open it, and what a start puts in order. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { QueueId } from "../../../src/core/message.ts";
import { systemClock } from "../../../src/observe/clock.ts";
import { silent } from "../../../src/observe/log.ts";
import { openSpool, type SpoolEvent } from "../../../src/spool/disk-spool.ts";
import { arriveWith, clockAt, collect, octetsOf, temporaryFolder, temporarySpool } from "../../support/spool.ts";

const octets = Buffer.from("Subject: x\r\n\r\nbody\r\n");
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

test("lays a claimed message out as documented, readable by its owner alone", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const spool = await temporarySpool(t, { dir, clock: clockAt("2026-11-22T23:59:59.000Z") });
  const entry = await arriveWith(spool, octets);
  assert.deepEqual(await readdir(join(dir, "arriving")), [], "small ones are in memory");
  await entry.once("parts.json", () => ({ parts: [] }));
  await entry.append({ at: "2026-11-22T10:00:00.000Z", by: "admin", what: "commented", why: "x" });
  await entry.claim("quarantine");
  const folder = join(dir, "quarantine", "2026-11-22", entry.id);
  const files = ["envelope.json", "format", "message.eml", "parts.json", "review.ndjson"];
  assert.deepEqual((await readdir(folder)).sort(), files);
  assert.equal(await readFile(join(folder, "format"), "utf8"), "1\n");
  assert.deepEqual(await readFile(join(folder, "message.eml")), octets);
  assert.deepEqual(JSON.parse(await readFile(join(folder, "envelope.json"), "utf8")), entry.envelope);
  for (const file of files) assert.equal((await stat(join(folder, file))).mode & 0o777, 0o600);
  for (const path of [folder, dir, join(dir, "arriving")]) assert.equal((await stat(path)).mode & 0o777, 0o700);
  assert.equal((await stat(join(dir, "lock.sqlite"))).mode & 0o777, 0o600);
});

test("shares the octets of a derived entry by a hard link", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const spool = await temporarySpool(t, { dir, memoryLimit: 4 });
  const entry = await arriveWith(spool, octets);
  const envelope = { ...entry.envelope, queueId: spool.newId() };
  const derived = await spool.derive(entry, { envelope }, "incoming");
  await entry.claim("quarantine");
  const inode = async (of: typeof entry): Promise<number> => {
    const content = of.content();
    return content.kind === "file" ? (await stat(content.file)).ino : 0;
  };
  assert.notEqual(await inode(entry), 0);
  assert.equal(await inode(derived), await inode(entry));
});

test("names the process that serves the spool, and lets the next one in when it is gone", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const spool = await temporarySpool(t, { dir });
  await assert.rejects(temporarySpool(t, { dir }), (error: { code?: string; detail?: Record<string, unknown> }) => {
    assert.equal(error.code, "SPOOL_LOCKED");
    assert.equal(error.detail?.["pid"], String(process.pid));
    return true;
  });
  await spool.close();
  await temporarySpool(t, { dir });
});

test("opens for reading without the lock, and changes nothing then", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const spool = await temporarySpool(t, { dir });
  const entry = await arriveWith(spool, octets);
  await entry.claim("deferred");
  const active = await arriveWith(spool, octets);
  await active.claim("active");
  await rm(join(dir, "active", active.id, "message.eml"));
  const reader = await temporarySpool(t, { dir, readOnly: true });
  assert.deepEqual(await collect(reader.list("deferred")), [entry.id]);
  const found = await reader.find(entry.id);
  assert.deepEqual(await octetsOf(found), octets);
  await assert.rejects(found.move("active"), { code: "SPOOL_UNWRITABLE" });
  await assert.rejects(found.remove(), { code: "SPOOL_UNWRITABLE" });
  await assert.rejects(reader.find(active.id), { code: "SPOOL_CORRUPT" });
  assert.equal(await reader.count("active"), 1);
  assert.equal(await reader.count("corrupt"), 0);
});

test("lists a spool that is not there yet as empty", async (t) => {
  const reader = await temporarySpool(t, { dir: join(await temporaryFolder(t), "none"), readOnly: true });
  assert.deepEqual(await collect(reader.list("quarantine")), []);
  assert.equal(await reader.count("incoming"), 0);
});

test("refuses a spool of a newer format with a remedy, and touches nothing in it", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  await mkdir(join(dir, "arriving", "something"), { recursive: true });
  await writeFile(join(dir, "format"), "2\n");
  for (const readOnly of [false, true])
    await assert.rejects(temporarySpool(t, { dir, readOnly }), (error: { code?: string; detail?: object }) => {
      assert.equal(error.code, "SPOOL_FORMAT");
      assert.match(JSON.stringify(error.detail), /start the version/);
      return true;
    });
  assert.ok(await exists(join(dir, "arriving", "something")));
  await writeFile(join(dir, "format"), "1\n");
  await temporarySpool(t, { dir });
});

test("sweeps, puts back and sets aside what a crash has left", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const before = await temporarySpool(t, { dir });
  const make = async (state: "incoming" | "active" | "deferred" | "quarantine"): Promise<QueueId> => {
    const entry = await arriveWith(before, octets);
    await entry.claim(state);
    return entry.id;
  };
  const whole = [await make("incoming"), await make("active"), await make("active"), await make("deferred")];
  const broken = [
    await make("incoming"),
    await make("deferred"),
    await make("active"),
    await make("deferred"),
  ] as const;
  const held = await make("quarantine");
  await before.close();
  await rm(join(dir, "incoming", broken[0], "message.eml"));
  await writeFile(join(dir, "deferred", broken[1], "envelope.json"), '{"queueId":');
  await writeFile(join(dir, "active", broken[2], "format"), "7\n");
  await writeFile(
    join(dir, "deferred", broken[3], "envelope.json"),
    await readFile(join(dir, "deferred", whole[3] ?? "", "envelope.json")),
  );
  await writeFile(join(dir, "active", whole[1] ?? "", "parts.json.new"), '{"half":');
  await mkdir(join(dir, "arriving", "01KAAAAAAAAAAAAAAAAAAAAAAA"));
  await writeFile(join(dir, "arriving", "01KAAAAAAAAAAAAAAAAAAAAAAA", "message.eml"), "half");
  await mkdir(join(dir, "quarantine", "2001-01-01"));

  const spool = await temporarySpool(t, { dir });
  assert.equal(spool.recovered.swept, 1);
  assert.equal(spool.recovered.returned, 3);
  assert.deepEqual(spool.recovered.corrupt.map(({ id }) => id).sort(), [...broken].sort());
  assert.deepEqual(await readdir(join(dir, "arriving")), []);
  assert.deepEqual(await collect(spool.list("active")), []);
  assert.deepEqual(await collect(spool.list("incoming")), whole.slice(0, 3));
  assert.deepEqual((await collect(spool.list("corrupt"))).sort(), [...broken].sort());
  assert.equal(await exists(join(dir, "incoming", whole[1] ?? "", "parts.json.new")), false);
  assert.equal(await exists(join(dir, "quarantine", "2001-01-01")), false);
  assert.equal((await spool.find(held)).state, "quarantine");
  for (const id of whole) assert.deepEqual(await octetsOf(await spool.find(id)), octets);
  await assert.rejects(spool.find(broken[0]), { code: "SPOOL_CORRUPT" });
});

test("shows a message that a restored backup has put into two states to a person, and goes on with one", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const before = await temporarySpool(t, { dir });
  const entry = await arriveWith(before, octets);
  await entry.claim("incoming");
  await before.close();
  await mkdir(join(dir, "active", entry.id));
  await writeFile(join(dir, "active", entry.id, "format"), "1\n");
  const spool = await temporarySpool(t, { dir });
  assert.deepEqual(spool.recovered.corrupt, [{ id: entry.id, state: "active", why: "also in incoming" }]);
  assert.deepEqual(await octetsOf(await spool.open(entry.id, "incoming")), octets);
});

test("sets an unreadable message aside when somebody opens it, and tells", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const events: SpoolEvent[] = [];
  const before = await temporarySpool(t, { dir });
  const entry = await arriveWith(before, octets);
  await entry.claim("quarantine");
  await before.close();
  const content = entry.content();
  await rm(join(dir, "quarantine", new Date().toISOString().slice(0, 10), entry.id, "envelope.json"));
  assert.equal(content.kind, "bytes");
  const spool = await temporarySpool(t, { dir, events: (event) => events.push(event) });
  await assert.rejects(spool.find(entry.id), { code: "SPOOL_CORRUPT" });
  assert.deepEqual(await collect(spool.list("corrupt")), [entry.id]);
  assert.deepEqual(events, [{ id: entry.id, from: "quarantine", to: "corrupt", entry: null }]);
});

test("passes over a line of the review that a power cut has torn, and writes the next one whole", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const spool = await temporarySpool(t, { dir });
  const entry = await arriveWith(spool, octets);
  await entry.claim("deferred");
  const line = { at: "2026-11-22T10:00:00.000Z", by: "admin", what: "commented", why: "x" } as const;
  await entry.append(line);
  const file = join(dir, "deferred", entry.id, "review.ndjson");
  await writeFile(file, `${await readFile(file, "utf8")}{"at":"20`);
  await entry.append({ ...line, why: "y" });
  assert.deepEqual(
    (await entry.review()).map(({ why }) => why),
    ["x", "y"],
  );
});

test("calls a step's file that is no JSON by its name", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const spool = await temporarySpool(t, { dir });
  const entry = await arriveWith(spool, octets);
  await entry.claim("deferred");
  await writeFile(join(dir, "deferred", entry.id, "verdict.json"), "{");
  await assert.rejects(entry.read("verdict.json"), { code: "SPOOL_CORRUPT" });
});

test("tells of every move and removal, after it has happened", async (t) => {
  const told: string[] = [];
  const spool = await temporarySpool(t, {
    events: ({ from, to, entry }) => told.push(`${from} ${to} ${entry?.state}`),
  });
  const entry = await arriveWith(spool, octets);
  await entry.claim("active");
  await entry.move("quarantine");
  await spool.derive(entry, { envelope: { ...entry.envelope, queueId: spool.newId() } }, "incoming");
  await entry.remove();
  await (await arriveWith(spool, octets)).remove();
  assert.deepEqual(told, [
    "arriving active active",
    "active quarantine quarantine",
    "arriving incoming incoming",
    "quarantine gone gone",
    "arriving gone gone",
  ]);
});

test("refuses new messages below the watermark, while what is inside goes on", async (t) => {
  const dir = join(await temporaryFolder(t), "spool");
  const before = await temporarySpool(t, { dir });
  const entry = await arriveWith(before, octets);
  await entry.claim("incoming");
  await before.close();
  const full = await openSpool({ dir, memoryLimit: 4, minFree: 2 ** 60, clock: systemClock, log: silent });
  t.after(() => full.close());
  assert.ok((await full.room()) < 0);
  await assert.rejects(arriveWith(full, octets), { code: "SPOOL_FULL" });
  await assert.rejects(full.reserve(0), { code: "SPOOL_FULL" });
  const inside = await full.find(entry.id);
  await inside.move("active");
  await inside.once("parts.json", () => 1);
  await inside.move("deferred");
  await full.derive(inside, { envelope: { ...inside.envelope, queueId: full.newId() } }, "incoming");
  await inside.remove();
});
