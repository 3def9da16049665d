/** What a person with access to the database may try on the audit log, and what the chain says of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openRecords } from "../../../src/records/sqlite.ts";
import { clockAt, temporaryFolder } from "../../support/spool.ts";

async function tampered(t: TestContext, sql: string) {
  const file = join(await temporaryFolder(t), "records.sqlite");
  const records = openRecords({ file, clock: clockAt("2026-11-22T10:00:00.000Z") });
  t.after(() => records.close());
  const note = { who: "root", via: "console", act: "messages.view", target: "", route: "", detail: {} };
  for (let i = 0; i < 5; i++) await records.audit.add(note);
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
  return records.audit.verify();
}

for (const [what, sql, at] of [
  ["a line that was changed", "update audit set who = 'eve' where n = 3", 3],
  ["a line that was removed", "delete from audit where n = 2", 2],
  ["the first line removed", "delete from audit where n = 1", 1],
  ["the last line removed", "delete from audit where n = 5", 5],
  ["all lines removed", "delete from audit", 1],
  ["the end set back", "delete from audit where n > 3; update audit_head set n = 2", 3],
  [
    "a line put in at the end",
    "insert into audit select 6, at, who, via, act, target, route, detail, hash from audit where n = 5",
    6,
  ],
  ["the head removed", "delete from audit_head", 5],
] as const)
  test(`${what} is seen`, async (t) => {
    const state = await tampered(t, sql);
    assert.ok(!state.ok);
    assert.equal(state.at, at);
  });
