/** What every store of people's decisions must do. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ListEntry, ListSnapshot, Records } from "../../src/records/records.ts";
import { eventually } from "../support/eventually.ts";
import { clockAt } from "../support/spool.ts";

export interface RecordsFactory {
  readonly name: string;
  /** `open` may be called again for the same records, by what stands for another process. */
  readonly prepare: (
    t: TestContext,
    clock: ReturnType<typeof clockAt>,
  ) => Promise<{ readonly open: () => Promise<Records> }>;
}

const start = "2026-11-22T10:00:00.000Z";
const hash = "0123456789abcdef".repeat(4);
const entry: Omit<ListEntry, "id" | "at"> = {
  kind: "block",
  subject: "hash",
  value: hash,
  reason: "seen at a peer",
  by: "admin",
  expires: null,
};

export function recordsContract({ name, prepare }: RecordsFactory): void {
  const it = (sentence: string, body: (t: TestContext) => Promise<void>): void => {
    test(`${name}: ${sentence}`, body);
  };
  const setUp = async (t: TestContext) => {
    const clock = clockAt(start);
    const { open } = await prepare(t, clock);
    return { clock, open, records: await open() };
  };

  it("keeps entries, rules and the bypass over a restart", async (t) => {
    const { records, open } = await setUp(t);
    const added = await records.add(entry);
    assert.deepEqual(added, { ...entry, id: added.id, at: start });
    await records.disableRule("office.macro", "admin", "too many false positives");
    const bypass = { until: "2026-11-22T11:00:00.000Z", by: "admin", reason: "outage", routes: ["site.example"] };
    await records.setBypass(bypass);
    await records.close();
    const again = await open();
    assert.deepEqual(again.snapshot(), { entries: [added], disabledRules: ["office.macro"], bypass });
    assert.deepEqual(await again.list("block"), [added]);
    assert.deepEqual(await again.list("allow"), []);
    assert.deepEqual(await again.disabledRules(), [
      { rule: "office.macro", by: "admin", reason: "too many false positives", at: start },
    ]);
  });

  it("compares in lower case", async (t) => {
    const { records } = await setUp(t);
    const values = [
      ["hash", hash.toUpperCase(), hash],
      ["sender", " Jane.Doe@Client.Example ", "jane.doe@client.example"],
      ["recipient", "@SITE.example", "@site.example"],
      ["sender", "ÜBER@bücher.example", "über@bücher.example"],
      ["sender", '"with space"@client.example', '"with space"@client.example'],
    ] as const;
    for (const [subject, value, kept] of values) {
      assert.equal((await records.add({ ...entry, subject, value })).value, kept);
      assert.equal(await records.remove("allow", subject, value), false);
      assert.equal(await records.remove("block", subject, value), true);
      assert.equal(await records.remove("block", subject, value), false);
    }
    assert.deepEqual(records.snapshot().entries, []);
  });

  it("refuses what is no hash, no address and no date", async (t) => {
    const { records } = await setUp(t);
    const wrong = [
      ["hash", hash.slice(1)],
      ["hash", `${hash.slice(1)}g`],
      ["sender", "client.example"],
      ["sender", "a@b@c"],
      ["sender", "@"],
      ["recipient", "a b@site.example"],
      ["recipient", "a@site.example\r\nRCPT"],
      ["recipient", `${"x".repeat(65)}@site.example`],
      ["recipient", ""],
    ] as const;
    for (const [subject, value] of wrong)
      await assert.rejects(records.add({ ...entry, subject, value }), { code: "USAGE" }, value);
    for (const expires of ["soon", start]) await assert.rejects(records.add({ ...entry, expires }), { code: "USAGE" });
    await assert.rejects(records.setBypass({ until: "never", by: "", reason: "", routes: [] }), { code: "USAGE" });
    assert.deepEqual(records.snapshot(), { entries: [], disabledRules: [], bypass: null });
  });

  it("replaces an entry of the same kind, subject and value", async (t) => {
    const { records } = await setUp(t);
    await records.add({ ...entry, expires: "2026-11-22T10:30:00Z" });
    await records.add({ ...entry, reason: "for ever" });
    await records.add({ ...entry, kind: "allow" });
    const entries = await records.list();
    assert.deepEqual(
      entries.map(({ kind, reason, expires }) => [kind, reason, expires]),
      [
        ["block", "for ever", null],
        ["allow", "seen at a peer", null],
      ],
    );
  });

  it("leaves out what has expired, from that very moment", async (t) => {
    const { records, clock } = await setUp(t);
    await records.add({ ...entry, expires: "2026-11-22T12:30:00+02:00" });
    await records.setBypass({ until: "2026-11-22T10:10:00.000Z", by: "admin", reason: "", routes: [] });
    clock.set("2026-11-22T10:09:59.999Z");
    assert.ok(records.snapshot().bypass);
    clock.set("2026-11-22T10:10:00.000Z");
    assert.equal(records.snapshot().bypass, null);
    assert.equal(records.snapshot().entries.length, 1);
    clock.set("2026-11-22T10:30:00.000Z");
    assert.deepEqual(records.snapshot().entries, []);
    assert.deepEqual(await records.list(), []);
    assert.equal(await records.remove("block", "hash", hash), false);
    await records.add(entry);
    assert.equal(records.snapshot().entries.length, 1);
  });

  it("shows its own changes at once and those of another process within a second", async (t) => {
    const { records, open, clock } = await setUp(t);
    const other = await open();
    const mine = records.snapshot();
    const seen = (what: string, of: Records, is: (snapshot: ListSnapshot) => boolean) =>
      eventually(what, () => {
        clock.tick(1_000);
        return is(of.snapshot());
      });
    await records.add(entry);
    assert.equal(records.snapshot().entries.length, 1);
    assert.equal(mine.entries.length, 0, "a picture that was taken does not change");
    await seen("the entry", other, ({ entries }) => entries.length === 1);
    await other.disableRule("a.b", "admin", "");
    await other.setBypass({ until: "2027-11-23T00:00:00.000Z", by: "admin", reason: "", routes: [] });
    await seen("the rule", records, ({ disabledRules }) => disabledRules.join() === "a.b");
    await seen("the bypass", records, ({ bypass }) => bypass !== null);
    assert.equal(await other.enableRule("a.b"), true);
    assert.equal(await other.enableRule("a.b"), false);
    await other.setBypass(null);
    await seen("no rule", records, ({ disabledRules }) => disabledRules.length === 0);
    await seen("no bypass", records, ({ bypass }) => bypass === null);
  });

  it("gives the same picture, frozen, while nothing changes", async (t) => {
    const { records, clock } = await setUp(t);
    await records.add(entry);
    const picture = records.snapshot();
    clock.tick(5_000);
    assert.equal(records.snapshot(), picture);
    for (const part of [picture, picture.entries, picture.entries[0], picture.disabledRules])
      assert.ok(Object.isFrozen(part));
  });
}
