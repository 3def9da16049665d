/** What every store of accounts, sessions, tokens and the audit log must do. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { NewAccount, Session } from "../../src/records/accounts.ts";
import { clockAt } from "../support/spool.ts";
import type { RecordsFactory } from "./records.ts";

const start = "2026-11-22T10:00:00.000Z";
const later = "2026-11-22T12:00:00.000Z";
const admin: NewAccount = {
  name: "Root",
  role: "admin",
  routes: [],
  password: "$argon2id$…",
  subject: null,
  by: "setup",
};
const isConflict = { code: "CONFLICT" };

const sessionOf = (account: string, id: string, expires = later): Session => ({
  ...{ id, account, at: start, seen: start, expires, client: "192.0.2.1", agent: "x", method: "password" },
});

export function accountsContract({ name, prepare }: RecordsFactory): void {
  const it = (sentence: string, body: (t: TestContext) => Promise<void>): void => {
    test(`${name}: ${sentence}`, body);
  };
  const setUp = async (t: TestContext) => {
    const clock = clockAt(start);
    const { open } = await prepare(t, clock);
    const records = await open();
    return { clock, open, records, accounts: records.accounts, audit: records.audit };
  };

  it("keeps accounts over a restart, one for each name in any case", async (t) => {
    const { records, accounts, open } = await setUp(t);
    assert.equal(await accounts.count(), 0);
    const made = await accounts.add(admin, true);
    assert.equal(made.name, "root");
    await assert.rejects(accounts.add({ ...admin, name: "ROOT" }), isConflict);
    await assert.rejects(accounts.add({ ...admin, name: "second" }, true), isConflict);
    await records.close();
    const again = (await open()).accounts;
    assert.deepEqual(await again.list(), [made]);
    assert.deepEqual((await again.byName("rOOt"))?.account, made);
    assert.equal((await again.credentials(made.id))?.password, admin.password);
    assert.equal(await again.byName("nobody"), null);
  });

  it("finds accounts of an identity provider by their subject", async (t) => {
    const { accounts } = await setUp(t);
    const made = await accounts.add({ ...admin, subject: "https://id.example 42" });
    assert.deepEqual(await accounts.bySubject("https://id.example 42"), made);
    await assert.rejects(accounts.add({ ...admin, name: "x", subject: "https://id.example 42" }), isConflict);
  });

  it("keeps the last admin for all routes, also when two go at the same time", async (t) => {
    const { accounts } = await setUp(t);
    const one = await accounts.add(admin);
    await assert.rejects(accounts.change(one.id, { role: "auditor" }), isConflict);
    await assert.rejects(accounts.remove(one.id), isConflict);
    const two = await accounts.add({ ...admin, name: "two" });
    const results = await Promise.allSettled([
      accounts.change(one.id, { disabled: true }),
      accounts.change(two.id, { routes: ["one"] }),
    ]);
    assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    assert.equal(await accounts.change("nobody", { failures: 1 }), null);
  });

  it("counts mistakes, also those of the same moment", async (t) => {
    const { accounts } = await setUp(t);
    const { id } = await accounts.add(admin);
    const lock = (failures: number): string | null => (failures >= 3 ? later : null);
    const counts = await Promise.all([1, 2, 3].map(() => accounts.failed(id, lock)));
    assert.deepEqual(counts.toSorted(), [1, 2, 3]);
    assert.equal((await accounts.get(id))?.lockedUntil, later);
    await accounts.change(id, { failures: 0, lockedUntil: null });
    assert.equal((await accounts.get(id))?.lockedUntil, null);
  });

  it("knows sessions until they expire, are ended, or their account is disabled or removed", async (t) => {
    const { accounts, clock } = await setUp(t);
    await accounts.add({ ...admin, name: "other" });
    const { id } = await accounts.add(admin);
    for (const one of ["a", "b", "c"]) await accounts.openSession(`hash-${one}`, sessionOf(id, one));
    assert.equal((await accounts.session("hash-a"))?.account.id, id);
    assert.equal(await accounts.session("hash-x"), null);
    assert.equal((await accounts.sessions(id)).length, 3);
    assert.equal(await accounts.closeSessions(id, "b"), 1);
    assert.equal(await accounts.closeSessions("somebody else", "a"), 0);
    assert.equal(await accounts.session("hash-b"), null);
    assert.equal(await accounts.closeSessions(id, null, "hash-a"), 1);
    await accounts.touch("hash-a", start, "2026-11-22T13:00:00.000Z");
    clock.set("2026-11-22T12:59:59.000Z");
    assert.ok(await accounts.session("hash-a"));
    await accounts.change(id, { disabled: true });
    assert.equal(await accounts.session("hash-a"), null);
    await accounts.change(id, { disabled: false });
    clock.set("2026-11-22T13:00:00.000Z");
    assert.equal(await accounts.session("hash-a"), null);
    await accounts.remove(id);
    assert.deepEqual(await accounts.sessions(id), []);
  });

  it("knows tokens until they expire, and when they were used", async (t) => {
    const { accounts, clock } = await setUp(t);
    const { id } = await accounts.add(admin);
    const made = {
      ...{ id: "1", account: id, label: "script", permissions: ["look", "act"] as const },
      ...{ at: start, expires: later, used: null },
    };
    await accounts.addToken("hash", made);
    assert.deepEqual((await accounts.token("hash"))?.token, made);
    assert.equal((await accounts.tokens(id))[0]?.used, start);
    assert.equal(await accounts.removeToken("1", "somebody else"), false);
    clock.set(later);
    assert.equal(await accounts.token("hash"), null);
    assert.deepEqual(await accounts.tokens(null), []);
  });

  it("keeps passkeys", async (t) => {
    const { accounts } = await setUp(t);
    const key = {
      ...{
        id: "k",
        account: "a",
        publicKey: "p",
        counter: 0,
        transports: ["usb"],
        label: "key",
        at: start,
        used: null,
      },
    };
    await accounts.addPasskey(key);
    await assert.rejects(accounts.addPasskey(key), isConflict);
    await accounts.usePasskey("k", 7);
    assert.deepEqual(await accounts.passkey("k"), { ...key, counter: 7, used: start });
    assert.equal(await accounts.removePasskey("k", "b"), false);
    assert.equal(await accounts.removePasskey("k", "a"), true);
    assert.deepEqual(await accounts.passkeys("a"), []);
  });

  it("gives what works once to one of those who ask at the same time, and not when it is over", async (t) => {
    const { accounts, clock } = await setUp(t);
    await accounts.putOnce("h", { kind: "setup", account: null, data: { a: 1 } }, later);
    assert.equal(await accounts.takeOnce("h", "reset"), null);
    const taken = await Promise.all([1, 2, 3].map(() => accounts.takeOnce("h", "setup")));
    assert.deepEqual(
      taken.filter((one) => one !== null),
      [{ kind: "setup", account: null, data: { a: 1 } }],
    );
    await accounts.putOnce("h2", { kind: "setup", account: null, data: null }, later);
    clock.set(later);
    assert.equal(await accounts.takeOnce("h2", "setup"), null);
  });

  it("reserves a key of an action once, and remembers the answer for a day", async (t) => {
    const { accounts, clock } = await setUp(t);
    const both = await Promise.all([accounts.reserve("k", "f"), accounts.reserve("k", "f")]);
    assert.deepEqual(
      both.toSorted((a) => (a === null ? -1 : 1)),
      [null, { fingerprint: "f", status: null, body: "" }],
    );
    await accounts.answered("k", 200, "done");
    assert.deepEqual(await accounts.reserve("k", "g"), { fingerprint: "f", status: 200, body: "done" });
    await accounts.unreserve("k");
    assert.equal(await accounts.reserve("k", "f"), null);
    clock.tick(86_400_001);
    assert.equal(await accounts.reserve("k", "f"), null);
  });

  const note = { who: "root", via: "console", act: "messages.view", target: "id", route: "r", detail: { a: "\0" } };

  it("chains the audit log without a gap, whoever writes at the same time", async (t) => {
    const { audit, open } = await setUp(t);
    const other = (await open()).audit;
    await Promise.all([1, 2, 3, 4].map(() => audit.add(note)));
    for (let i = 0; i < 4; i++) await other.add({ ...note, who: "eve\0", route: "s" });
    const lines = await audit.list({ limit: 100 });
    assert.deepEqual(
      lines.map(({ n }) => n),
      [8, 7, 6, 5, 4, 3, 2, 1],
    );
    assert.deepEqual(await audit.verify(), { ok: true, lines: 8, head: lines[0]?.hash });
    assert.equal((await audit.list({ who: "root", limit: 100 })).length, 4);
    assert.equal(
      (await audit.list({ routes: ["s"], before: 8, limit: 100 })).every(({ n, route }) => n < 8 && route === "s"),
      true,
    );
    assert.deepEqual(await audit.list({ routes: [], limit: 100 }), []);
    assert.deepEqual(lines.at(-1)?.detail, note.detail);
  });

  it("an audit log without lines is whole", async (t) => {
    const { audit } = await setUp(t);
    assert.deepEqual(await audit.verify(), { ok: true, lines: 0, head: "0".repeat(64) });
  });
}
