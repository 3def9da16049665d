/** A file of records that cannot be read is never thrown away. */
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openRecords } from "../../../src/records/sqlite.ts";
import { clockAt, temporaryFolder } from "../../support/spool.ts";

const clock = clockAt("2026-11-22T10:00:00.000Z");

test("refuses a file that is no database with a remedy, and leaves it as it is", async (t) => {
  const file = join(await temporaryFolder(t), "records.sqlite");
  await writeFile(file, "not a database, and longer than a header of a hundred octets".repeat(20));
  const before = await readFile(file);
  assert.throws(() => openRecords({ file, clock }), { code: "RECORDS_UNREADABLE" });
  assert.deepEqual(await readFile(file), before);
});

test("refuses records of a newer version", async (t) => {
  const file = join(await temporaryFolder(t), "records.sqlite");
  await openRecords({ file, clock }).close();
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const newer = new DatabaseSync(file);
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  assert.throws(() => openRecords({ file, clock }), { code: "RECORDS_UNREADABLE" });
});
